import type { PlanManifest } from "../core/plan.ts";
import type { Privacy, Sync } from "../core/sync.ts";
import type { Value } from "../core/types.ts";
import { createMask, sanitise } from "./sanitise.ts";
import { shapeOf } from "./shape.ts";

/** Decides which record values a reader may see, and makes the text of those and of the others. */
export interface Reveal {
  /** False when every value may be seen. */
  readonly masks: boolean;
  key(sync: string, key: string): string;
  /** The destination's own identifier of a record. It tells no more than the key does. */
  id(sync: string, id: string): string;
  /** The value, or its shape and a token, or that it is secret. */
  value(sync: string, field: string, value: Value): string;
  /** A name from the destination or the project. */
  name(text: string): string;
  /** Whether the value itself is shown. */
  shows(sync: string, field: string): boolean;
  /** Only that it changed may be told. */
  hides(sync: string, field: string): boolean;
  /** Of a field as a whole: its numbers; how they moved, and no number; or nothing. */
  statistics(sync: string, field: string): "numbers" | "moves" | "none";
  /** Smaller groups of records are not told apart. */
  readonly leastGroup: number;
  /** A vendor's own words, which may quote a record. */
  words(text: string): string;
}

export interface RevealOptions {
  /** Show every value: on a terminal, or because it was asked for. */
  readonly all: boolean;
  /** Known to whoever has the records, and to nobody else. */
  readonly salt: string;
}

const LEAST_GROUP = 10;
const SECRET = "(secret)";

/** Every value where all may be seen; otherwise each by its field's class. A field without one is internal. */
export function createReveal(
  syncs: readonly Pick<Sync, "name" | "fields" | "destination">[],
  { all, salt }: RevealOptions,
): Reveal {
  const token = createMask(salt);
  const mask = (value: string) => (value === "" ? '""' : shapeOf(value) + token(value));
  const byName = new Map(syncs.map((sync) => [sync.name, sync]));
  const classOf = (sync: string, field: string): Privacy => byName.get(sync)?.fields[field]?.privacy ?? "internal";
  const shows = (sync: string, field: string) => all || classOf(sync, field) === "public";
  const hides = (sync: string, field: string) => !all && classOf(sync, field) === "secret";
  const key = (sync: string, text: string) => {
    const fields = byName.get(sync)?.destination.matchOn ?? [];
    if (fields.some((field) => hides(sync, field))) return SECRET;
    const shown = all || (fields.length > 0 && fields.every((field) => shows(sync, field)));
    return shown ? sanitise(text) : mask(text);
  };
  return {
    masks: !all,
    shows,
    hides,
    statistics: (sync, field) => {
      const privacy = classOf(sync, field);
      if (privacy === "pii" || privacy === "secret") return "none";
      return shows(sync, field) ? "numbers" : "moves";
    },
    leastGroup: all ? 1 : LEAST_GROUP,
    name: (text) => sanitise(text),
    key,
    id: key,
    value: (sync, field, value) => {
      if (hides(sync, field)) return SECRET;
      if (value === null) return "null";
      return shows(sync, field) ? quotedIfUnclear(value) : mask(value);
    },
    words: (text) => (all ? sanitise(text, { max: 300 }) : token(text)),
  };
}

/** A salt that follows from the plan's data, so that a plan masks alike wherever it is shown. */
export function saltOf({ files }: PlanManifest): string {
  const data = Object.entries(files).filter(([name]) => name.endsWith(".parquet"));
  return JSON.stringify(data.sort());
}

function quotedIfUnclear(value: string): string {
  const text = sanitise(value);
  return value === "" || value === "null" || value !== value.trim() ? `"${text}"` : text;
}
