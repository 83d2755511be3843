/**
 * A destination whose every answer a test can script, and a source beside it. Both work on plain maps; unscripted, the
 * destination behaves.
 * @module
 */
import type { Dispatcher } from "undici";
import * as z from "zod";
import {
  applied,
  type Batch,
  type Capabilities,
  type Column,
  type Destination,
  defineSystem,
  type FieldDescription,
  keyOf,
  type Load,
  type NewField,
  type ObservedRecord,
  type Outcome,
  type ReadRequest,
  rejected,
  type System,
  type Value,
} from "../src/connector/index.ts";
import type { FakeScript } from "./fake-script.ts";

export type FakeRecord = Record<string, Value>;

export interface FakeCall {
  readonly kind: "account" | "describe" | "read" | "write" | "resume" | "field";
  readonly request?: ReadRequest;
  readonly batch?: Batch;
  readonly at: number;
}

export interface Fake {
  readonly system: System;
  /** Rows of the source table `rows`; other tables are by name in `tables`. */
  rows: FakeRecord[];
  readonly tables: Map<string, { readonly columns: readonly Column[]; readonly rows: readonly FakeRecord[] }>;
  columns: readonly Column[];
  /** Records of the destination's only object by id. */
  readonly records: Map<string, FakeRecord>;
  fields: readonly FieldDescription[];
  /** Other objects of the destination, to look records up in. */
  readonly objects: Map<
    string,
    { readonly fields: readonly FieldDescription[]; readonly records: Map<string, FakeRecord> }
  >;
  /** Everything the engine asked, in order. */
  readonly calls: FakeCall[];
  /** How often each key was created. */
  readonly creates: Map<string, number>;
  account: string;
  /** How it may be read; may be changed between two plans. */
  readonly ways: { -readonly [K in keyof Capabilities["read"]]: Capabilities["read"][K] };
  /** Edits a record as somebody else would. */
  edit(id: string, fields: FakeRecord | null): void;
  /** Writes as asked. */
  commit(batch: Batch): readonly Outcome[];
  readonly script: FakeScript;
  readonly dispatcher: () => Promise<Dispatcher>;
}

export const fakeCapabilities: Capabilities = {
  actions: ["create", "update", "delete"],
  read: { keys: 50, ids: 50, scan: 1_000, lagSeconds: 0 },
  write: [{ name: "batch", above: 0, records: 16, concurrency: 1, calls: 1 }],
  createIsIdempotent: "no",
  checksBefore: false,
  idIsKey: false,
  rates: [],
  delete: "erase",
};

export interface FakeOptions {
  readonly capabilities?: Partial<Omit<Capabilities, "read">> & { readonly read?: Partial<Capabilities["read"]> };
  readonly now?: () => number;
  /** Sends an HTTP call before every read and write. */
  readonly http?: boolean;
  readonly name?: string;
  /** Number in the id of the first record it creates. */
  readonly firstId?: number;
}

const text = { kind: "text" } as const;

export function makeFake(options: FakeOptions = {}): Fake {
  const capabilities: Capabilities = {
    ...fakeCapabilities,
    ...options.capabilities,
    read: { ...fakeCapabilities.read, ...options.capabilities?.read },
  };
  const now = options.now ?? (() => Date.UTC(2026, 0, 5, 9));
  const records = new Map<string, FakeRecord>();
  const log: { readonly at: number; readonly id: string; readonly gone: boolean }[] = [];
  let nextId = options.firstId ?? 1;
  const touch = (id: string, gone = false) => {
    log.push({ at: now(), id, gone });
  };

  const fake: Fake = {
    rows: [],
    tables: new Map(),
    columns: ["id", "name", "city"].map((name) => ({ name, type: text })),
    records,
    fields: ["id", "name", "city"].map((name) => ({ name, type: text })),
    objects: new Map(),
    calls: [],
    creates: new Map(),
    account: "fake:1",
    ways: capabilities.read,
    script: {},
    edit(id, fields) {
      const before = records.get(id);
      if (fields === null) records.delete(id);
      else records.set(id, { ...before, ...fields });
      touch(id, fields === null);
    },
    commit: (batch) => batch.changes.map((change) => commitOne(batch, change)),
    dispatcher: async () => ({ request }) as unknown as Dispatcher,
    system: defineSystem({
      name: options.name ?? "fake",
      title: "Fake",
      summary: "A scripted system.",
      connection: z.strictObject({}),
      source: {
        reads: ["table"],
        open: async () => ({
          describe: async ({ table }) => sourceOf(table).columns,
          async extract({ table }) {
            const { columns } = sourceOf(table);
            async function* batches() {
              await fake.script.source?.();
              const { rows } = sourceOf(table);
              yield Object.fromEntries(columns.map(({ name }) => [name, rows.map((row) => row[name] ?? null)]));
            }
            return { kind: "text", columns, batches: batches() };
          },
        }),
      },
      destination: {
        capabilities,
        open: async (_, context) => {
          const http = options.http ? context.http({ baseUrl: "https://fake.test" }) : undefined;
          const call = async (path: string, signal: AbortSignal) => {
            await http?.request({ method: "POST", path }, signal);
          };
          return openFake(call);
        },
      },
    }),
  };

  async function request({ path, leave }: { readonly path: string; readonly leave: () => void }) {
    await fake.script.connect?.(path);
    leave();
    const { status, headers = {}, text: body = "{}" } = fake.script.answer?.(path) ?? { status: 200 };
    return { statusCode: status, headers, body: { text: async () => body } };
  }

  function sourceOf(table = "rows") {
    return fake.tables.get(table) ?? { columns: fake.columns, rows: fake.rows };
  }

  function commitOne(batch: Batch, change: Batch["changes"][number]): Outcome {
    switch (change.action) {
      case "create": {
        const id = capabilities.idIsKey ? change.key : `f${nextId++}`;
        fake.creates.set(change.key, (fake.creates.get(change.key) ?? 0) + 1);
        const same = [...records].find(
          ([, record]) => keyOf(batch.matchOn.map((name) => String(record[name] ?? ""))) === change.key,
        );
        if (same && capabilities.createIsIdempotent === "key") {
          records.set(same[0], { ...same[1], ...change.after });
          touch(same[0]);
          return applied(change.key, same[0]);
        }
        records.set(id, Object.fromEntries(fake.fields.map(({ name }) => [name, change.after[name] ?? null])));
        touch(id);
        return applied(change.key, id);
      }
      case "update": {
        const record = records.get(change.id);
        if (!record) return rejected(change.key, "NOT_FOUND", "there is no such record");
        records.set(change.id, { ...record, ...change.after });
        touch(change.id);
        return applied(change.key, change.id);
      }
      case "delete":
        records.delete(change.id);
        touch(change.id, true);
        return applied(change.key, change.id);
    }
  }

  function openFake(call: (path: string, signal: AbortSignal) => Promise<void>): Destination {
    const objectOf = (name: string) => fake.objects.get(name) ?? { fields: fake.fields, records };
    return {
      account: async () => {
        fake.calls.push({ kind: "account", at: now() });
        return fake.account;
      },
      describe: async (object) => {
        fake.calls.push({ kind: "describe", at: now() });
        await fake.script.describe?.();
        const { fields, records: all } = objectOf(object);
        return { object, fields, recordCount: all.size };
      },
      async *read(request, signal) {
        signal.throwIfAborted();
        await call("/read", signal);
        fake.calls.push({ kind: "read", request, at: now() });
        await fake.script.read?.(request, fake);
        yield find(request, objectOf(request.object).records);
      },
      async *write(batch, signal) {
        signal.throwIfAborted();
        await call("/write", signal);
        fake.calls.push({ kind: "write", batch, at: now() });
        if (fake.script.write) yield* fake.script.write(batch, fake, signal);
        else yield { outcomes: fake.commit(batch) };
      },
      async *resume(ticket, batch) {
        fake.calls.push({ kind: "resume", batch, at: now() });
        if (fake.script.resume) yield* fake.script.resume(ticket, batch, fake);
      },
      ...(capabilities.createsFields
        ? {
            describeNew: (_: string, field: NewField) => field,
            createField: async (_, field: NewField) => {
              fake.calls.push({ kind: "field", at: now() });
              fake.fields = [...fake.fields.filter(({ name }) => name !== field.name), field];
            },
          }
        : {}),
      ...(fake.script.load ? { load: async (load: Load) => (await fake.script.load?.(load, fake)) ?? false } : {}),
      ...(capabilities.read.since ? { now: async () => new Date(now()).toISOString() } : {}),
    };
  }

  function find(request: ReadRequest, from: Map<string, FakeRecord>): readonly ObservedRecord[] {
    const all = [...from].map(([id, record]): ObservedRecord => ({ id, fields: record }));
    switch (request.by) {
      case "ids":
        return all.filter(({ id }) => request.ids.includes(id));
      case "scan":
        return all;
      case "keys": {
        const wanted = new Set<string>(request.keys);
        return all.filter(({ fields }) => wanted.has(keyOf(request.match.map((name) => String(fields[name] ?? "")))));
      }
      case "since": {
        const moved = log.filter(({ at }) => at >= Date.parse(request.since));
        return [...new Set(moved.map(({ id }) => id))].map((id) => {
          const record = from.get(id);
          return record ? { id, fields: record } : { id, fields: {}, deleted: true };
        });
      }
    }
  }

  return fake;
}

/** Connections of a project that has one fake as its source and its destination. */
export const fakeConnections = {
  warehouse: { system: "fake", options: {} },
  crm: { system: "fake", options: {} },
};

/** Rows `k00…` with a name and a city. */
export function people(count: number, name = "n"): FakeRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `k${String(i).padStart(2, "0")}`,
    name: `${name}${i}`,
    city: "Lyon",
  }));
}

export const writes = (fake: Fake): readonly Batch[] =>
  fake.calls.flatMap(({ batch, kind }) => (batch && kind === "write" ? [batch] : []));
