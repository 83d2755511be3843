/** One sync's part of a plan's summary: numbers and names, no values. @module */
import type { EbbError } from "../../core/errors.ts";
import { checkGuards } from "../../core/guards.ts";
import { maskWords } from "../../core/masks.ts";
import type { Basis, PlannedSync, PlanShape, SyncSummary } from "../../core/plan.ts";
import type { Refresh, Sync } from "../../core/sync.ts";
import type { NewField } from "../../core/types.ts";
import { unusual } from "../../core/unusual.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { estimateCost } from "./estimate.ts";
import { maskWarnings } from "./masks.ts";
import type { Tally } from "./summarise.ts";

export interface Ends {
  readonly sync: Sync;
  readonly refresh: Refresh;
  readonly sourceSystem: string;
  /** Absent when the destination could not be opened. */
  readonly open: OpenDestination | undefined;
  readonly account: string;
}

export interface SummaryInput extends Ends {
  readonly open: OpenDestination;
  readonly found: Tally;
  readonly newFields: readonly NewField[];
  readonly sourceRows: number;
  readonly owned: number;
  readonly recorded: number;
  /** Of the plans of earlier runs, oldest first. */
  readonly history: readonly PlanShape[];
  readonly basis: Omit<Basis, "refresh">;
  readonly createClass: PlannedSync["createIsIdempotent"];
  readonly planCalls: number;
  readonly warnings: readonly string[];
}

export function completeSummary(input: SummaryInput): SyncSummary {
  const { sync, found, sourceRows, open } = input;
  const { counts, reasons, skipped, driftKept } = found;
  const shape = shapeOf(found, sourceRows);
  const { rejected } = shape;
  const differences = sync.guards.unusual === "off" ? [] : unusual(input.history, shape);
  const changedRows = counts.create + counts.update + rejected + skipped + driftKept;
  const odd = sync.guards.unusual === "warn" ? differences.map((text) => `unusual: ${text}`) : [];
  const warnings = [...odd, ...createWarnings(input), ...givenUpWarnings(input)];
  return {
    ...endsOf(input, sourceRows),
    basis: { refresh: input.refresh, ...input.basis },
    complete: true,
    problem: null,
    ...found,
    newFields: input.newFields,
    unchanged: Math.max(0, sourceRows - changedRows),
    guards: checkGuards(sync, {
      counts,
      sourceRows,
      owned: input.owned,
      recorded: input.recorded,
      drifted: reasons.drift + reasons.conflict,
      rejected,
      unusual: differences,
    }),
    warnings: [...warnings, ...maskWarnings(sync), ...input.warnings],
    cost: estimateCost(open, counts, input.planCalls, input.newFields.length),
  };
}

/** The size of what was found. */
export function shapeOf({ counts, rejected }: Pick<Tally, "counts" | "rejected">, rows: number): PlanShape {
  return { ...counts, rejected: rejected.reduce((sum, { count }) => sum + count, 0), rows };
}

function createWarnings({ sync, found, createClass, open }: SummaryInput): readonly string[] {
  if (found.counts.create === 0 || createClass !== "no") return [];
  if (sync.createSafety === "atLeastOnce")
    return ["a create whose answer is lost may be sent twice (createSafety: atLeastOnce)"];
  return open.capabilities.read.keys
    ? []
    : ["a create whose answer is lost is left in doubt until the next plan (createSafety: atMostOnce)"];
}

function givenUpWarnings({ sync, found }: SummaryInput): readonly string[] {
  const held = found.rejected.find(({ code }) => code === "GIVEN_UP")?.count ?? 0;
  if (held === 0) return [];
  const records = held === 1 ? "1 record was" : `${held} records were`;
  return [
    `${records} rejected ${sync.giveUpAfter} times and not changed since: \`ebb state release ${sync.name}\` tries again`,
  ];
}

/** A sync that could not be read: nothing is known of its changes, so it has none. */
export function unreadSummary(ends: Ends, error: EbbError): SyncSummary {
  return {
    ...endsOf(ends, 0),
    basis: { refresh: ends.refresh, read: "ledger", recordsRead: 0 },
    complete: false,
    problem: `${error.code}: ${error.message}`,
    counts: { create: 0, update: 0, delete: 0 },
    unchanged: 0,
    confirmed: 0,
    skipped: 0,
    reasons: { warehouse: 0, drift: 0, conflict: 0 },
    driftKept: 0,
    newFields: [],
    fields: [],
    rejected: [],
    guards: [],
    warnings: [],
    cost: { planCalls: ends.open?.calls() ?? 0, applyCalls: 0, applySeconds: null, quota: null },
  };
}

function endsOf({ sync, sourceSystem, open, account }: Ends, rows: number) {
  const { connection, object } = sync.destination;
  const masked = Object.entries(sync.fields).flatMap(([field, mapping]) => {
    const how = maskWords(mapping);
    return how === undefined ? [] : [{ field, how }];
  });
  return {
    name: sync.name,
    source: { connection: sync.source.connection, system: sourceSystem, rows },
    destination: { connection, system: open?.system ?? "", object, account },
    mode: sync.mode,
    ...(masked.length === 0 ? {} : { masked }),
  };
}
