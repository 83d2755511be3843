/** The diff as the design tells it, one record at a time, in plain JavaScript: what the engine is held against. @module */
import type { RejectCode, SyncSummary } from "../../src/core/plan.ts";
import type { Sync } from "../../src/core/sync.ts";
import type { FieldDescription, Reason, Value } from "../../src/core/types.ts";

export interface NaiveField {
  readonly name: string;
  readonly mapping: Sync["fields"][string];
  readonly description: FieldDescription;
}

/** A source row; `bad` says of each field whether its value was lost on the way. */
export interface DesiredRow {
  readonly key: string | null;
  readonly values: readonly Value[];
  readonly bad: readonly boolean[];
}

export interface RecordedRow {
  readonly key: string;
  readonly id: string;
  readonly owned: boolean;
  readonly values: readonly Value[];
  /** Which fields were recorded at all. */
  readonly known: readonly boolean[];
}

export interface ObservedRow {
  readonly key: string;
  readonly id: string;
  readonly values: readonly Value[];
}

export interface Sides {
  readonly desired: readonly DesiredRow[];
  readonly recorded: readonly RecordedRow[];
  /** Null: the destination was not read, the ledger stands for it. */
  readonly observed: readonly ObservedRow[] | null;
  /** Keys that several records in the destination have. */
  readonly ambiguous: readonly string[];
}

export interface NaiveChange {
  readonly action: "create" | "update" | "delete";
  readonly key: string;
  readonly id: string | null;
  readonly reason: Reason;
  readonly owned: boolean;
  /** Of an update: changed fields that somebody else had changed. */
  readonly drifted: readonly string[];
  readonly before: Readonly<Record<string, Value>>;
  readonly after: Readonly<Record<string, Value>>;
}

export interface NaivePlan {
  readonly changes: readonly NaiveChange[];
  readonly confirmed: readonly {
    readonly key: string;
    readonly id: string;
    readonly owned: boolean;
    readonly after: readonly Value[];
  }[];
  readonly rejected: readonly {
    readonly key: string | null;
    readonly code: RejectCode;
    readonly field: string | null;
    readonly count: number;
  }[];
  readonly tally: Pick<SyncSummary, "counts" | "reasons" | "confirmed" | "skipped" | "driftKept"> & {
    readonly unchanged: number;
  };
}

const isEmpty = (value: Value) => value === null || value === "";

export function naiveDiff(sync: Sync, fields: readonly NaiveField[], sides: Sides): NaivePlan {
  const full = sides.observed !== null;
  const recorded = new Map(sides.recorded.map((row) => [row.key, row]));
  const observed = new Map((sides.observed ?? sides.recorded).map((row) => [row.key, row]));
  const creates = sync.mode !== "update";
  const updates = sync.mode !== "create";

  const rejected: NaivePlan["rejected"][number][] = [];
  const rows = new Map<string, DesiredRow[]>();
  for (const row of sides.desired) if (row.key !== null) rows.set(row.key, [...(rows.get(row.key) ?? []), row]);
  const nulls = sides.desired.filter(({ key }) => key === null).length;
  if (nulls > 0) rejected.push({ key: null, code: "KEY_NULL", field: null, count: nulls });

  const changes: NaiveChange[] = [];
  const confirmed: NaivePlan["confirmed"][number][] = [];
  let skipped = 0;
  let driftKept = 0;
  let unchanged = 0;

  for (const key of new Set([...rows.keys(), ...(sync.mode === "mirror" ? recorded.keys() : [])])) {
    const wanted = rows.get(key) ?? [];
    if (wanted.length > 1) {
      rejected.push({ key, code: "KEY_DUPLICATE", field: null, count: wanted.length });
      continue;
    }
    const [d] = wanted;
    if (d && sides.ambiguous.includes(key)) {
      rejected.push({ key, code: "AMBIGUOUS", field: null, count: 1 });
      continue;
    }
    const o = observed.get(key);
    const r = recorded.get(key);
    // A record made anew under the same key is somebody else's.
    const owned = r?.owned === true && (o === undefined || o.id === r.id);
    if (!d) {
      if (!o || !r || !owned) continue;
      const held = fields.map((_, i) => i).filter((i) => (o.values[i] ?? null) !== null);
      const moved = held.filter((i) => full && r.known[i] && o.values[i] !== r.values[i]);
      changes.push({
        action: "delete",
        key,
        id: o.id,
        // The warehouse no longer has it, so a field somebody else moved is moved on both sides.
        reason: moved.length > 0 ? "conflict" : "warehouse",
        owned: true,
        drifted: [],
        before: pick(held, o.values),
        after: {},
      });
      continue;
    }

    const drifted = fields.map(
      (_, i) => full && r !== undefined && r.known[i] === true && (o?.values[i] ?? null) !== (r.values[i] ?? null),
    );
    const asMapped = fields.map(({ mapping }, i) => {
      const want = d.values[i] ?? null;
      if (!o) return want;
      const there = o.values[i] ?? null;
      if (mapping.createOnly || (mapping.onlyIfEmpty && !isEmpty(there))) return there;
      return mapping.whenNull === "keep" && want === null ? there : want;
    });
    const theirs = fields.map((_, i) => o !== undefined && sync.onDrift === "keep" && drifted[i] === true);
    const after = asMapped.map((value, i) => (theirs[i] ? (o?.values[i] ?? null) : value));
    const changed = fields.map((_, i) => i).filter((i) => after[i] !== (o?.values[i] ?? null));
    const asked = o ? updates : creates;
    const problem = asked ? firstProblem(fields, d, o, after, changed, creates) : undefined;
    const kept = asMapped.some((value, i) => theirs[i] && value !== (o?.values[i] ?? null));
    if (problem) {
      rejected.push({ key, ...problem, count: 1 });
      continue;
    }
    if (asked && (!o || changed.length > 0)) {
      const both = changed.filter((i) => drifted[i]);
      changes.push({
        action: o ? "update" : "create",
        key,
        id: o?.id ?? null,
        reason: reasonOf(o !== undefined, r, d, changed, both),
        owned: !o || owned || sync.adopt,
        drifted: o ? both.map((i) => fields[i]?.name ?? "") : [],
        before: o ? pick(changed, o.values) : {},
        after: pick(changed, after),
      });
      continue;
    }
    if (!asked && (!o || changed.length > 0)) {
      if (kept) driftKept += 1;
      else skipped += 1;
      continue;
    }
    if (kept) {
      driftKept += 1;
      continue;
    }
    unchanged += 1;
    if (full && o && !d.bad.some(Boolean) && !isRecorded(r, o, after) && !isQuiet(d, r, o)) {
      confirmed.push({ key, id: o.id, owned: owned || sync.adopt, after });
    }
  }

  const order = { create: 0, update: 1, delete: 2 };
  changes.sort((a, b) => order[a.action] - order[b.action]);
  const count = (is: (change: NaiveChange) => boolean) => changes.filter(is).length;
  return {
    changes,
    confirmed,
    rejected,
    tally: {
      counts: {
        create: count(({ action }) => action === "create"),
        update: count(({ action }) => action === "update"),
        delete: count(({ action }) => action === "delete"),
      },
      reasons: {
        warehouse: count(({ reason }) => reason === "warehouse"),
        drift: count(({ reason }) => reason === "drift"),
        conflict: count(({ reason }) => reason === "conflict"),
      },
      confirmed: confirmed.length,
      skipped,
      driftKept,
      unchanged,
    },
  };

  function pick(which: readonly number[], values: readonly Value[]) {
    return Object.fromEntries(which.map((i) => [fields[i]?.name ?? "", values[i] ?? null]));
  }

  function isRecorded(r: RecordedRow | undefined, o: ObservedRow, after: readonly Value[]): boolean {
    if (!r || r.id !== o.id || (sync.adopt && !r.owned)) return false;
    return after.every((value, i) => r.known[i] === true && (r.values[i] ?? null) === value);
  }

  /** All three sides say the same in every field that is compared: such a record is not looked at more closely. */
  function isQuiet(d: DesiredRow, r: RecordedRow | undefined, o: ObservedRow): boolean {
    if (!r || d.bad.some(Boolean) || (sync.adopt && !r.owned)) return false;
    return fields.every(
      ({ mapping }, i) => mapping.createOnly || (d.values[i] === o.values[i] && d.values[i] === r.values[i]),
    );
  }
}

function reasonOf(
  there: boolean,
  r: RecordedRow | undefined,
  d: DesiredRow,
  changed: readonly number[],
  both: readonly number[],
): Reason {
  // A record that is gone though it was recorded has drifted as a whole.
  if (!there) return r ? "drift" : "warehouse";
  if (both.length === 0) return "warehouse";
  const moved = both.some((i) => (d.values[i] ?? null) !== (r?.values[i] ?? null));
  return moved || changed.length > both.length ? "conflict" : "drift";
}

function firstProblem(
  fields: readonly NaiveField[],
  d: DesiredRow,
  o: ObservedRow | undefined,
  after: readonly Value[],
  changed: readonly number[],
  creates: boolean,
): { readonly code: RejectCode; readonly field: string } | undefined {
  for (const [i, { name, mapping, description }] of fields.entries()) {
    const problem = (code: RejectCode) => ({ code, field: name });
    const value = after[i] ?? null;
    const is = changed.includes(i);
    const { type, options, required } = description;
    if (d.bad[i]) return problem("TYPE_MISMATCH");
    if (mapping.whenNull === "reject" && (d.values[i] ?? null) === null && (!o || changed.length > 0))
      return problem("NULL_REFUSED");
    if (is && type.kind === "text" && type.maxLength !== undefined && [...(value ?? "")].length > type.maxLength)
      return problem("TOO_LONG");
    if (is && options && value !== null && !options.includes(value)) return problem("NOT_IN_LIST");
    if (required && value === null && (is || (creates && !o))) return problem("REQUIRED_MISSING");
  }
  return undefined;
}
