/** Problems of what is known: a value that Terraform does not know yet cannot be wrong. @module */
import type * as z from "zod";
import { isObject } from "../core/is-object.ts";
import { toSnake } from "../core/names.ts";
import { type Problem, schemaProblems } from "../core/problems.ts";
import type { Path } from "../core/references.ts";
import { attributePath } from "./attribute-path.ts";
import type { Located } from "./diagnostics.ts";
import { unknown } from "./msgpack.ts";

/** Checks a value in our names, unknown parts and all, against its schema. */
export function knownProblems(schema: z.ZodType, value: unknown, more: readonly Problem[] = []): Located[] {
  const open = unknownPaths(value, []);
  return [...schemaProblems(schema, value, ""), ...more]
    .filter(({ path }) => !open.some((other) => isWithin(path, other)))
    .map(({ code, path, message }) => ({ code, path: attributePath(schema, path), message: inTheirNames(message) }));
}

/** The one message that names attributes which are not in its path. */
function inTheirNames(message: string): string {
  return message.startsWith("there is no attribute") ? toSnake(message) : message;
}

export function isKnown(value: unknown): boolean {
  return unknownPaths(value, []).length === 0;
}

function unknownPaths(value: unknown, at: Path): Path[] {
  if (value === unknown) return [at];
  if (!Array.isArray(value) && !isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    unknownPaths(item, [...at, Array.isArray(value) ? Number(key) : key]),
  );
}

function isWithin(path: Path, outer: Path): boolean {
  return outer.every((part, i) => path[i] === part);
}
