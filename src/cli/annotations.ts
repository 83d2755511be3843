/** What the constructs say of a stack while it is synthesized: warnings, and what policies deny. @module */
import { ConfigError } from "../core/errors.ts";
import { isObject } from "../core/is-object.ts";

export interface Annotation {
  readonly level: "warn" | "error";
  /** Path of the construct: stack and sync. */
  readonly path: string;
  /** What a policy says begins with its code. */
  readonly message: string;
}

/** Makes the App write what it has synthesized although there are error annotations, so that all of them can be read. */
export const keepAnnotations = { CDKTF_CONTINUE_SYNTH_ON_ERROR_ANNOTATIONS: "1" };

/** @param stack a stack's entry in manifest.json */
export function annotationsOf(stack: unknown): readonly Annotation[] {
  const given = isObject(stack) && Array.isArray(stack.annotations) ? stack.annotations : [];
  return given.flatMap((one: unknown): readonly Annotation[] => {
    if (!isObject(one)) return [];
    const level = ({ "@cdktf/warn": "warn", "@cdktf/error": "error" } as const)[String(one.level)];
    return level ? [{ level, path: String(one.constructPath), message: String(one.message) }] : [];
  });
}

/** A line for each warning. */
export function warningLines(annotations: readonly Annotation[]): readonly string[] {
  return annotations.filter(({ level }) => level === "warn").map((one) => `Warning ${lineOf(one)}`);
}

/** Refuses a stack of which something is denied. */
export function checkAnnotations(annotations: readonly Annotation[]): void {
  const [first, ...others] = annotations.filter(({ level }) => level === "error").map(lineOf);
  if (first === undefined) return;
  const lines = [first, ...others].map((line) => `  ${line}`);
  throw new ConfigError(
    "POLICY_DENIED",
    others.length === 0 ? first : `${lines.length} violations:\n${lines.join("\n")}`,
  );
}

/** One line, whatever the message holds. */
function lineOf({ path, message }: Annotation): string {
  return `${path}: ${message}`.replace(/\s*\n\s*/g, " ");
}
