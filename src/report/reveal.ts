import type { PlanManifest } from "../core/plan.ts";
import type { Sync } from "../core/sync.ts";
import type { Value } from "../core/types.ts";
import { createMask, sanitise } from "./sanitise.ts";

/** Decides which record values a reader may see, and makes the text of those and of the others. */
export interface Reveal {
  /** False when every value may be seen. */
  readonly masks: boolean;
  key(sync: string, key: string): string;
  /** The destination's own identifier of a record. It tells no more than the key does. */
  id(sync: string, id: string): string;
  value(sync: string, field: string, value: Value): string;
  /** A name from the destination or the project. */
  name(text: string): string;
  /** Whether the value itself is shown. */
  shows(sync: string, field: string): boolean;
  /** A vendor's own words, which may quote a record. */
  words(text: string): string;
}

export interface RevealOptions {
  /** Show every value: on a terminal, or because it was asked for. */
  readonly all: boolean;
  /** Known to whoever has the records, and to nobody else. */
  readonly salt: string;
}

/** Values of fields that are not declared public are masked, unless all may be seen. */
export function createReveal(
  syncs: readonly Pick<Sync, "name" | "fields" | "destination">[],
  { all, salt }: RevealOptions,
): Reveal {
  const mask = createMask(salt);
  const byName = new Map(syncs.map((sync) => [sync.name, sync]));
  const shows = (sync: string, field: string) => all || byName.get(sync)?.fields[field]?.privacy === "public";
  const matched = (sync: string) => byName.get(sync)?.destination.matchOn ?? [];
  const key = (sync: string, text: string) => {
    const fields = matched(sync);
    const shown = all || (fields.length > 0 && fields.every((field) => shows(sync, field)));
    return shown ? sanitise(text) : mask(text);
  };
  return {
    masks: !all,
    shows,
    name: (text) => sanitise(text),
    key,
    id: key,
    value: (sync, field, value) => {
      if (value === null) return "null";
      return shows(sync, field) ? quotedIfUnclear(value) : mask(value);
    },
    words: (text) => (all ? sanitise(text, { max: 300 }) : mask(text)),
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
