/** Records in this process: the reference connector, which `docs/adding-a-system.md` walks through. @module */
import * as z from "zod";
import {
  applied,
  type Batch,
  ConfigError,
  type Context,
  type Destination,
  defineSystem,
  keyOf,
  type ObjectDescription,
  type ObservedRecord,
  type Outcome,
  type ReadRequest,
  rejected,
  type Source,
  suggest,
} from "../../src/connector/index.ts";
import { type MemoryObject, memoryStore } from "./store.ts";

const connection = z.strictObject({
  store: z.string().describe("Name of the store inside this process; connections with the same name share it."),
});

function openDestination({ store }: z.output<typeof connection>, context: Context): Destination {
  const objects = memoryStore(store);
  const objectNamed = (name: string): MemoryObject => {
    const object = objects.get(name);
    if (object) return object;
    throw new ConfigError(
      "OBJECT_UNKNOWN",
      `${context.connection} has no object "${name}": ${suggest(name, [...objects.keys()])}`,
    );
  };

  return {
    account: async () => `memory:${store}`,

    describe: async (name): Promise<ObjectDescription> => {
      const { fields, records } = objectNamed(name);
      return { object: name, fields, recordCount: records.size };
    },

    async *read(request: ReadRequest, signal) {
      signal.throwIfAborted();
      const all = [...objectNamed(request.object).records].map(([id, fields]): ObservedRecord => ({ id, fields }));
      if (request.by === "ids") yield all.filter(({ id }) => request.ids.includes(id));
      if (request.by === "scan") yield all;
      if (request.by === "keys") {
        const wanted = new Set(request.keys.map((key) => key.toLowerCase()));
        yield all.filter(({ fields }) =>
          wanted.has(keyOf(request.match.map((name) => String(fields[name] ?? ""))).toLowerCase()),
        );
      }
    },

    async *write(batch: Batch, signal) {
      signal.throwIfAborted();
      const object = objectNamed(batch.object);
      yield { outcomes: batch.changes.map((change) => writeOne(object, change)) };
    },
  };
}

function writeOne({ fields, records, newId }: MemoryObject, change: Batch["changes"][number]): Outcome {
  if (change.action !== "delete") {
    const tooLong = fields.find(
      ({ name, type }) => type.kind === "text" && (change.after[name]?.length ?? 0) > (type.maxLength ?? 1e9),
    );
    if (tooLong) return rejected(change.key, "TOO_LONG", `${tooLong.name} is too long`, { field: tooLong.name });
  }
  switch (change.action) {
    case "create": {
      const id = newId();
      records.set(id, { ...change.after });
      return applied(change.key, id);
    }
    case "update": {
      const record = records.get(change.id);
      if (!record) return rejected(change.key, "NOT_FOUND", "there is no such record");
      records.set(change.id, { ...record, ...change.after });
      return applied(change.key, change.id);
    }
    case "delete":
      records.delete(change.id);
      return applied(change.key, change.id);
  }
}

function openSource({ store }: z.output<typeof connection>, context: Context): Source {
  const objects = memoryStore(store);
  const rowsOf = (table = ""): MemoryObject => {
    const object = objects.get(table);
    if (object) return object;
    throw new ConfigError(
      "SOURCE_FAILED",
      `${context.connection} has no object "${table}": ${suggest(table, [...objects.keys()])}`,
    );
  };
  const describe: Source["describe"] = async ({ table }) =>
    rowsOf(table).fields.map(({ name, type }) => ({ name, type }));
  return {
    describe,
    async extract(query, signal) {
      const columns = await describe(query, signal);
      const rows = [...rowsOf(query.table).records.values()];
      async function* batches() {
        yield Object.fromEntries(columns.map(({ name }) => [name, rows.map((row) => row[name] ?? null)]));
      }
      return { kind: "text", columns, batches: batches() };
    },
  };
}

export default defineSystem({
  name: "memory",
  title: "Memory",
  summary: "Records kept in this process, for tests and for learning how a connector is made.",
  connection,
  source: { reads: ["table"], open: async (options, context) => openSource(options, context) },
  destination: {
    capabilities: {
      actions: ["create", "update", "delete"],
      read: { keys: 100, ids: 100, scan: 1_000, lagSeconds: 0 },
      write: [{ name: "batch", above: 0, records: 100, concurrency: 1, calls: 1 }],
      createIsIdempotent: "no",
      checksBefore: false,
      idIsKey: false,
      rates: [],
      delete: "erase",
    },
    open: async (options, context) => openDestination(options, context),
  },
});
