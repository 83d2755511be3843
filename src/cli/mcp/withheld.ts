/** What is never told of a connection: the values of its options, and what they refer to. @module */
import { isAbsolute, join } from "node:path";
import type { Project } from "../../core/decode.ts";
import { isObject } from "../../core/is-object.ts";
import type { World } from "../../engine/world.ts";

/** Takes out of a sentence, such as a vendor's error, what is not to be told. */
export type Withhold = (text: string) => string;

const LEAST = 3;

/** Replaces the values of a project's connection options, and the parts of those that are addresses, by their names. */
export function withholding(
  { connections }: Pick<Project, "connections">,
  world: Pick<World, "directory" | "env">,
): Withhold {
  const hidden = new Map<string, string>();
  // The names of connections are told.
  for (const { name, options } of Object.values(connections))
    for (const [option, value] of Object.entries(options))
      for (const text of textsIn(value).flatMap((one) => formsOf(one, world)))
        if (text.length >= LEAST && !(text in connections)) hidden.set(text, `(${name}.${option})`);
  const all = [...hidden.keys()]
    .sort((a, b) => b.length - a.length)
    .map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
  if (all.length === 0) return (text) => text;
  const any = new RegExp(`(?<!\\w)(?:${all.join("|")})(?!\\w)`, "gi");
  const byLower = new Map([...hidden].map(([text, name]) => [text.toLowerCase(), name]));
  return (text) => text.replace(any, (found) => byLower.get(found.toLowerCase()) ?? "(withheld)");
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

/** A value as it may stand in a message: resolved, as a path, or the parts of an address. */
function formsOf(given: string, { directory, env }: Pick<World, "directory" | "env">): readonly string[] {
  const value = given.startsWith("env:") ? env[given.slice("env:".length)] : given;
  if (value === undefined) return [given];
  const forms = [given, value, isAbsolute(value) ? value : join(directory, value)];
  if (!URL.canParse(value)) return forms;
  const { origin, host, hostname, username, password, pathname } = new URL(value);
  return [...forms, origin, host, hostname, username, password, decodeURIComponent(pathname.slice(1))];
}
