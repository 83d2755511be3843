/** What is wrong with a declaration, in sentences a person can act on. Values never appear, only names. @module */
import * as z from "zod";
import { ConfigError, type ErrorCode } from "./errors.ts";
import { isObject } from "./is-object.ts";
import { bare } from "./names.ts";
import type { Path, Reference } from "./references.ts";
import { suggest } from "./suggest.ts";

export interface Problem {
  readonly code: ErrorCode;
  /** What the problem is in, e.g. `sync "customer-ltv"`. */
  readonly where: string;
  /** The attribute, in our names. */
  readonly path: Path;
  readonly message: string;
}

/** @example pathText(["fields", "Email", "round"]) // "fields.Email.round" */
export function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
}

/** One line: where, attribute, what is wrong. */
export function problemText({ where, path, message }: Problem): string {
  return path.length === 0 ? `${where}: ${message}` : `${where}: ${pathText(path)}: ${message}`;
}

/** One error for all problems: as it is where there is one, a line for each where there are several. */
export function problemsError(problems: readonly [Problem, ...Problem[]]): ConfigError {
  const [first, ...others] = problems;
  const lines = problems.map(problemText);
  if (others.length === 0) return new ConfigError(first.code, problemText(first));
  return new ConfigError(first.code, `${lines.length} problems:\n${lines.map((line) => `  ${line}`).join("\n")}`);
}

export function referenceProblem(where: string, { path, expression }: Reference): Problem {
  return {
    code: "CONFIG_INVALID",
    where,
    path,
    message: `holds ${expression ?? "a Terraform expression"}, which only Terraform can resolve; write the value itself (and $\${ for a plain \${)`,
  };
}

/** Checks a value against its schema: every deviation, with the names that would have been right. */
export function schemaProblems(schema: z.ZodType, value: unknown, where: string): Problem[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  return result.error.issues.flatMap((issue): Problem[] => {
    const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({
        code: "CONFIG_INVALID",
        where,
        path,
        message: `there is no attribute "${key}": ${suggest(key, attributeNames(schema, path))}`,
      }));
    if (issue.message === "SECRET_LITERAL")
      return [
        {
          code: "SECRET_LITERAL",
          where,
          path,
          message: "a secret stands here as plain text; refer to it with env:NAME or file:PATH",
        },
      ];
    return [{ code: "CONFIG_INVALID", where, path, message: sentence(issue, valueAt(value, path)) }];
  });
}

const kinds: Readonly<Record<string, string>> = {
  object: "an object",
  record: "a map",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

function sentence(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined) return "is required";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const hint = typeof value === "string" ? ` "${value}" is not:` : "";
      return `must be one of ${allowed.join(", ")};${hint} ${suggest(String(value), allowed)}`;
    }
    case "too_small":
      return `must ${size(issue.origin)} at least ${issue.minimum}${unit(issue.origin, issue.minimum)}`;
    case "too_big":
      return `must ${size(issue.origin)} at most ${issue.maximum}${unit(issue.origin, issue.maximum)}`;
    default:
      return issue.message;
  }
}

const units: Readonly<Record<string, readonly [one: string, many: string]>> = {
  string: [" character", " characters"],
  array: [" entry", " entries"],
};
const unit = (origin: string, count: unknown) => units[origin]?.[Number(count) === 1 ? 0 : 1] ?? "";
const size = (origin: string) => (origin in units ? "have" : "be");

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((item, part) => {
    if (Array.isArray(item)) return item[Number(part)];
    return isObject(item) ? item[part] : undefined;
  }, value);
}

function attributeNames(schema: z.ZodType, path: Path): string[] {
  let type = bare(schema);
  for (const part of path) {
    if (type instanceof z.ZodObject) type = bare((type.shape[part] ?? z.unknown()) as z.ZodType);
    else if (type instanceof z.ZodRecord) type = bare(type.valueType as z.ZodType);
    else if (type instanceof z.ZodArray) type = bare(type.element as z.ZodType);
  }
  return type instanceof z.ZodObject ? Object.keys(type.shape) : [];
}
