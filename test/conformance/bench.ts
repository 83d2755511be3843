/** One destination in a project of its own, watched: every batch the engine sends and every receipt it gets. @module */
import * as z from "zod";
import {
  type Batch,
  type Capabilities,
  type Destination,
  defineSystem,
  type Outcome,
  type ReadRequest,
  type Receipt,
  type System,
  type Value,
} from "../../src/connector/index.ts";
import { keyOf } from "../../src/core/key.ts";
import type { FieldMapping, Mode, Sync } from "../../src/core/sync.ts";
import type { Change, Fields, FieldType, ObjectDescription } from "../../src/core/types.ts";
import { type OpenDestination, openConnections } from "../../src/engine/connect/connections.ts";
import type { LoadedRun } from "../../src/engine/run/runs.ts";
import { neverAborts, type Runner, runner, testProject, testSync, testWorld } from "../world.ts";
import type { DestinationFixture, Kind } from "./fixture.ts";

export interface Watched {
  readonly batches: Batch[];
  readonly outcomes: Outcome[];
  readonly reads: ReadRequest[];
  readonly errors: unknown[];
  /** Runs around a write; the receipts it yields are what the engine sees. */
  around: ((batch: Batch, write: () => AsyncIterable<Receipt>) => AsyncIterable<Receipt>) | undefined;
}

export interface Bench {
  readonly fixture: DestinationFixture;
  readonly watched: Watched;
  readonly run: Runner;
  /** Rows of the source: the matched field and others, by field name. */
  rows: readonly Fields[];
  /** The same project with another mode or other fields. */
  with(more: Partial<Pick<Sync, "mode" | "onDrift" | "adopt">>, fields?: readonly string[]): Runner;
  /** A row for the record numbered `n`: a value for every field, different for each `round`. */
  row(n: number, round?: number): Fields;
  /** Opens the connection itself, outside of plan and apply. */
  direct<T>(use: (open: OpenDestination, object: ObjectDescription) => Promise<T>): Promise<T>;
  batch(open: ObjectDescription, changes: readonly Change[]): Batch;
}

const sample: Partial<Record<Kind, (n: number, round: number) => Value>> = {
  text: (n, round) => `text ${n} ${round}`,
  email: (n, round) => `a${n}.${round}@example.com`,
  integer: (n, round) => String(n * 10 + round),
  decimal: (n, round) => `${n}.${round}5`,
  float: (n, round) => `${n}.${round}`,
  boolean: (n, round) => ((n + round) % 2 === 0 ? "true" : "false"),
  date: (n, round) => `2026-01-${String(1 + ((n + round) % 28)).padStart(2, "0")}`,
  timestamp: (n, round) => `2026-01-${String(1 + ((n + round) % 28)).padStart(2, "0")}T08:00:00Z`,
  json: (n, round) => `{"n":${n},"round":${round}}`,
  bytes: (n, round) => `0${n % 10}0${round % 10}`,
};

/** Fields of the fixture a suite writes. */
export function fieldNames(fixture: DestinationFixture): readonly string[] {
  return Object.entries(fixture.fields).flatMap(([kind, name]) => (sample[kind as Kind] && name ? [name] : []));
}

export async function openBench(
  fixture: DestinationFixture,
  capabilities: (own: Capabilities) => Capabilities = (own) => own,
): Promise<Bench> {
  const watched: Watched = { batches: [], outcomes: [], reads: [], errors: [], around: undefined };
  let rows: readonly Fields[] = [];
  const all = () => [fixture.matchOn, ...fieldNames(fixture), ...Object.keys(fixture.base ?? {})];
  const columnsOf = () => [...new Set([...all(), ...Object.keys(fixture.invalid ?? {})])];
  const source = defineSystem({
    name: "rows",
    title: "Rows",
    summary: "Rows of a test.",
    connection: z.strictObject({}),
    source: {
      reads: ["table"],
      open: async () => {
        const columns = columnsOf().map((name) => ({ name, type: { kind: "text" } as const }));
        return {
          describe: async () => columns,
          async extract() {
            async function* batches() {
              yield Object.fromEntries(columns.map(({ name }) => [name, rows.map((row) => row[name] ?? null)]));
            }
            return { kind: "text", columns, batches: batches() };
          },
        };
      },
    },
  });
  const world = await testWorld({
    systems: [source, watch(fixture.system, watched, capabilities)],
    env: fixture.env ?? {},
    realTime: fixture.virtualTime !== true,
    ...(fixture.directory === undefined ? {} : { directory: fixture.directory }),
  });
  const connections = {
    warehouse: { system: "rows", options: {} },
    // As decoded: checked, with defaults.
    crm: { system: fixture.system.name, options: fixture.system.connection.parse(fixture.options) },
  };
  const syncOf = (mode: Mode, fields: readonly string[], more: object = {}) =>
    testSync({
      key: [fixture.matchOn],
      destination: { connection: "crm", object: fixture.object, matchOn: [fixture.matchOn] },
      guards: { maxDeletes: 1e6 },
      fields: Object.fromEntries(fields.map((name): [string, FieldMapping] => [name, { column: name }])),
      mode,
      ...more,
    });
  const { actions } = capabilities(fixture.system.destination?.capabilities ?? neverCapable());
  const mode: Mode = actions.includes("delete") ? "mirror" : actions.includes("update") ? "upsert" : "create";
  const written = all().filter((name) => name !== fixture.matchOn);
  const run = runner(world, testProject([syncOf(mode, written)], connections));

  return {
    fixture,
    watched,
    run,
    get rows() {
      return rows;
    },
    set rows(next) {
      rows = next;
    },
    with: (more, fields = written) => run.with(testProject([syncOf(more.mode ?? mode, fields, more)], connections)),
    row: (n, round = 0) => ({
      ...fixture.base,
      [fixture.matchOn]: fixture.key(n),
      ...Object.fromEntries(
        Object.entries(fixture.fields).flatMap(([kind, name]) => {
          const make = sample[kind as Kind];
          return make && name ? [[name, make(n, round)]] : [];
        }),
      ),
    }),
    async direct(use) {
      const opened = openConnections(world, run.project, () => undefined);
      try {
        const open = await opened.destination("crm");
        return await use(open, await open.destination.describe(fixture.object, neverAborts));
      } catch (error) {
        watched.errors.push(error);
        throw error;
      } finally {
        await opened.close();
      }
    },
    batch: (object, changes) => ({
      object: fixture.object,
      matchOn: [fixture.matchOn],
      action: changes[0]?.action ?? "create",
      route: fixture.system.destination?.capabilities.write[0]?.name ?? "",
      types: Object.fromEntries(object.fields.map(({ name, type }): [string, FieldType] => [name, type])),
      changes,
      id: `batch-${changes.map(({ n }) => n).join("-")}`,
    }),
  };
}

function neverCapable(): never {
  throw new TypeError("the system is not a destination");
}

/** The system, with a look at all that passes. */
function watch(system: System, watched: Watched, change: (own: Capabilities) => Capabilities): System {
  const { destination } = system;
  if (!destination) return system;
  const wrap = (own: Destination): Destination => ({
    ...own,
    account: (signal) => own.account(signal),
    describe: (object, signal) => own.describe(object, signal),
    read(request, signal) {
      watched.reads.push(request);
      return own.read(request, signal);
    },
    async *write(batch, signal) {
      watched.batches.push(batch);
      const write = () => own.write(batch, signal);
      try {
        for await (const receipt of watched.around ? watched.around(batch, write) : write()) {
          if ("outcomes" in receipt) watched.outcomes.push(...receipt.outcomes);
          yield receipt;
        }
      } catch (error) {
        watched.errors.push(error);
        throw error;
      }
    },
  });
  const capabilities = change(destination.capabilities);
  const open = async (options: never, context: never) => wrap(await destination.open(options, context));
  return { ...system, destination: { capabilities, open } } as System;
}

export const key = (fixture: DestinationFixture, n: number) => keyOf([fixture.key(n)]);

/** Counts of a run's only sync. */
export function countsOf(result: { readonly syncs: LoadedRun["manifest"] | object }) {
  return Object.values(result.syncs)[0] as Readonly<Record<string, number>>;
}
