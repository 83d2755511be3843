import { randomUUID } from "node:crypto";
import memory from "../../providers/memory/index.ts";
import { memoryObject, memoryStore } from "../../providers/memory/store.ts";
import type { FieldDescription } from "../../src/connector/index.ts";
import { testDestination } from "./destination.ts";
import type { DestinationFixture } from "./fixture.ts";
import { type SourceFixture, testSource } from "./source.ts";

const fields = {
  text: "name",
  integer: "size",
  decimal: "price",
  float: "score",
  boolean: "active",
  date: "born",
  timestamp: "seen",
  json: "extra",
  bytes: "raw",
} as const;

const descriptions: readonly FieldDescription[] = [
  { name: "id", type: { kind: "text" } },
  { name: "name", type: { kind: "text" } },
  { name: "short", type: { kind: "text", maxLength: 5 } },
  { name: "size", type: { kind: "integer" } },
  { name: "price", type: { kind: "decimal", precision: 18, scale: 2 } },
  { name: "score", type: { kind: "float" } },
  { name: "active", type: { kind: "boolean" } },
  { name: "born", type: { kind: "date" } },
  { name: "seen", type: { kind: "timestamp", digits: 6, zone: true } },
  { name: "extra", type: { kind: "json" } },
  { name: "raw", type: { kind: "bytes" } },
];

async function fixture(): Promise<DestinationFixture> {
  const store = randomUUID();
  const object = memoryObject(descriptions);
  memoryStore(store).set("people", object);
  const idOf = (key: string) => [...object.records].find(([, record]) => record.id === key)?.[0] ?? "";
  return {
    system: memory,
    options: { store },
    secrets: [],
    object: "people",
    matchOn: "id",
    fields,
    key: (n) => `k${n}`,
    invalid: null,
    virtualTime: true,
    async reset(records) {
      object.records.clear();
      for (const record of records) object.records.set(object.newId(), { ...record });
    },
    records: async () => [...object.records.values()],
    async edit(key, edited) {
      const id = idOf(key);
      if (edited === null) object.records.delete(id);
      else object.records.set(id, { ...object.records.get(id), ...edited });
    },
  };
}

testDestination(memory, fixture);

async function sourceFixture(): Promise<SourceFixture> {
  const store = randomUUID();
  const object = memoryObject(descriptions);
  memoryStore(store).set("people", object);
  return {
    system: memory,
    options: { store },
    query: { table: "people" },
    columns: fields,
    async fill(rows) {
      object.records.clear();
      for (const row of rows) object.records.set(object.newId(), { ...row });
    },
    unknownTable: { table: "peopl" },
    known: "people",
    nonsense: null,
    failsLater: null,
  };
}

testSource(memory, sourceFixture);
