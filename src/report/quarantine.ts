/** What destinations have rejected, and how often it was tried. @module */
import type { HeldRecord } from "../engine/inspect.ts";
import { JSON_FORMAT, toJson } from "./json.ts";
import { cut, wrap } from "./layout.ts";
import { thousands } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";
import { nextLines } from "./terminal.ts";

/** One sync's quarantine, by its counts. */
export interface HeldCount {
  readonly sync: string;
  readonly rows: number;
  readonly givenUp: number;
}

export interface HeldPage {
  readonly sync: string;
  readonly rows?: number;
  readonly givenUp?: number;
  readonly records: readonly HeldRecord[];
}

/** A line for each sync that has something in quarantine, for the list of runs. */
export function heldLines(held: readonly HeldCount[], ebb: string, style: Style): readonly string[] {
  return held.flatMap(({ sync, rows, givenUp }) =>
    wrap(
      [
        { text: `${sanitise(sync)}: ${thousands(rows)} rejected`, format: "yellow" },
        {
          text: `${givenUp > 0 ? `, ${thousands(givenUp)} of them not tried again` : ""}; see ${ebb} state quarantine ${sanitise(sync)}`,
        },
      ],
      "",
      "  ",
      style,
    ),
  );
}

export function renderQuarantine(page: HeldPage, reveal: Reveal, ebb: string, style: Style): string {
  const { sync, rows = 0, givenUp = 0, records } = page;
  if (rows === 0) return `Nothing of ${sanitise(sync)} is in quarantine.`;
  const lines = records.flatMap(({ key, action, code, field, message, attempts, last }) => [
    `  ${style("red", "!")} ${cut(reveal.key(sync, key), 48)}  ${action}, tried ${attempts} ${attempts === 1 ? "time" : "times"}, last by ${sanitise(last)}`,
    ...wrap(
      [{ text: `${sanitise(code)}${field === null ? "" : ` ${sanitise(field)}`}: ${reveal.words(message)}` }],
      "      ",
      "      ",
      style,
    ),
  ]);
  const more = rows - records.length;
  return [
    style("bold", `${sanitise(sync)}: ${thousands(rows)} in quarantine, ${thousands(givenUp)} not tried again`),
    ...lines,
    ...(more > 0 ? [style("dim", `  … ${thousands(more)} more`)] : []),
    ...nextLines(
      givenUp > 0 ? [`${ebb} state release ${sanitise(sync)}`, "    tries all of them again with the next plan"] : [],
      style,
    ),
  ].join("\n");
}

/** Keys and the vendor's words are private: they are there only when they were asked for. */
export function quarantineJson({ sync, rows = 0, givenUp = 0, records }: HeldPage, showValues: boolean): string {
  const shown = showValues
    ? records
    : records.map(({ action, code, field, attempts, last }) => ({ action, code, field, attempts, last }));
  return toJson({ format_version: JSON_FORMAT, sync, rows, given_up: givenUp, records: shown });
}
