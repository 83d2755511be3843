import type { System } from "../../src/connector/index.ts";
import type { Fields, FieldType, Value } from "../../src/core/types.ts";

export type Kind = FieldType["kind"];

/** How the next call to an HTTP system is to go wrong. */
export interface Forced {
  /** A call that reads records, or one that writes them. */
  readonly on: "read" | "write";
  /** Answer this instead of doing the work. */
  readonly status?: number;
  readonly body?: string;
  /** Do the work, and answer the above all the same. */
  readonly performed?: boolean;
  /** Break the connection before or after the work. */
  readonly reset?: "before" | "after";
  /** Calls that go wrong (default 1). */
  readonly times?: number;
}

/** A destination ready to be tested, with one object in it. */
export interface DestinationFixture {
  readonly system: System;
  /** Options of the connection as they are declared: secrets are references. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Root of the project, where the options hold relative paths. */
  readonly directory?: string;
  /** What must not occur in any output. */
  readonly secrets: readonly string[];
  readonly object: string;
  /** The field records are matched on. */
  readonly matchOn: string;
  /** Names of one field of each kind the object has, besides the matched one. */
  readonly fields: Readonly<Partial<Record<Kind, string>>>;
  /** Canonical key of the record numbered `n`. */
  key(n: number): string;
  /** Values every record needs, in fields besides those above. */
  readonly base?: Fields;
  /** Instead of {@link preciousValues}, where the object holds less. */
  readonly values?: Readonly<Partial<Record<Kind, readonly Value[]>>>;
  /** Values that are refused for one record when it is written, though a plan cannot know; null where there are none. */
  readonly invalid: Fields | null;
  /** Makes the object hold exactly these records. */
  reset(records: readonly Fields[]): Promise<void>;
  /** What the object holds now, read without the connector: the matched field and those in `fields`. */
  records(): Promise<readonly Readonly<Record<string, Value>>[]>;
  /** Edits a record as somebody else would; null removes it. */
  edit(key: string, fields: Fields | null): Promise<void>;
  /** Waits until the destination's clock has moved on, where it counts coarsely. */
  settle?(): Promise<void>;
  /** HTTP systems only. */
  force?(forced: Forced): Promise<void>;
  /** Makes the next call be answered 429 with Retry-After, until `free` is called. */
  throttle?(): Promise<{ free(): Promise<void> }>;
  /** Time is real by default; a system that waits for nothing can have it virtual. */
  readonly virtualTime?: boolean;
  close?(): Promise<void>;
}

/** A check that a system is excused from. The reason stands in the test's title. */
export interface Waiver {
  readonly check: string;
  readonly reason: string;
}

/** Values that are easily lost on the way, in canonical form. */
export const preciousValues: Readonly<Partial<Record<Kind, readonly Value[]>>> = {
  text: [
    null,
    "",
    " padded ",
    "null",
    "0012",
    "👩‍👩‍👧 ünïcode",
    "مرحبا بالعالم",
    "line\nbreak\ttab",
    `quo"te's, \\ and %s`,
    "#N/A",
    "e\u0301 é",
    "<b>&amp;</b>",
  ],
  email: [null, "ada+test@example.com"],
  integer: [null, "0", "-1", "9007199254740993", "9223372036854775807"],
  decimal: [null, "0.00", "-0.01", "10.50", "1234567890.12"],
  float: [null, "0.1", "-1.5", "1e+20"],
  boolean: [null, "true", "false"],
  date: [null, "2024-02-29", "1999-12-31"],
  timestamp: [null, "2026-03-29T01:30:00Z", "2026-01-31T23:59:59.999+13:00", "1999-12-31T23:59:59.000001-09:30"],
  json: [null, '{"b":1,"a":[null,9007199254740993,"x"]}', "[]", '"text"'],
  bytes: [null, "00ff10", ""],
};
