/** Where an attribute is, in Terraform's words. @module */
import * as z from "zod";
import { bare, toSnake } from "../core/names.ts";
import type { Path } from "../core/references.ts";
import type { Message } from "./protobuf.ts";

export type Step = { readonly attribute: string } | { readonly key: string } | { readonly index: number };
export type AttributePath = readonly Step[];

/**
 * A path in our names as Terraform's: the schema tells attributes from keys of a map.
 *
 * @example attributePath(syncAttributes, ["fields", "Email", "whenNull"]) // fields, ["Email"], when_null
 */
export function attributePath(schema: z.ZodType, path: Path): AttributePath {
  const [first, ...rest] = path;
  if (first === undefined) return [];
  const type = bare(schema);
  if (type instanceof z.ZodRecord) return [{ key: String(first) }, ...attributePath(type.valueType as z.ZodType, rest)];
  if (type instanceof z.ZodArray && typeof first === "number")
    return [{ index: first }, ...attributePath(type.element as z.ZodType, rest)];
  const inner = type instanceof z.ZodObject ? (type.shape[first] as z.ZodType | undefined) : undefined;
  return [{ attribute: toSnake(String(first)) }, ...attributePath(inner ?? z.unknown(), rest)];
}

/** @example pathText([{ attribute: "fields" }, { key: "Email" }]) // fields["Email"] */
export function pathText(path: AttributePath): string {
  return path
    .map((step) => {
      if ("attribute" in step) return `.${step.attribute}`;
      return "key" in step ? `[${JSON.stringify(step.key)}]` : `[${step.index}]`;
    })
    .join("")
    .replace(/^\./, "");
}

/**
 * As much of a path as Terraform finds in a file: an attribute and one entry of it. For a longer one it shows the
 * head of the block, so the summary has to name the rest.
 */
export function pathMessage(path: AttributePath): Message<"AttributePath"> {
  const [attribute, entry] = path;
  if (!attribute) return {};
  return { steps: entry && !("attribute" in entry) ? [attribute, entry] : [attribute] };
}
