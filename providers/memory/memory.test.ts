import { expect, test } from "vitest";
import type { Change, Context, RecordKey } from "../../src/connector/index.ts";
import memory from "./index.ts";
import { memoryObject, memoryStore } from "./store.ts";

const signal = AbortSignal.timeout(10_000);
const context = { connection: "crm" } as Context;

test("a record that is too long is rejected alone, with its field", async () => {
  const object = memoryObject([
    { name: "id", type: { kind: "text" } },
    { name: "code", type: { kind: "text", maxLength: 3 } },
  ]);
  memoryStore("memory.test").set("people", object);
  const destination = await memory.destination?.open({ store: "memory.test" } as never, context);
  const change = (n: number, code: string): Change => ({
    n,
    key: `k${n}` as RecordKey,
    action: "create",
    after: { id: `k${n}`, code },
  });
  const outcomes = [];
  const batch = { object: "people", matchOn: ["id"], action: "create", route: "batch", types: {}, id: "b" } as const;
  for await (const receipt of destination?.write(
    { ...batch, changes: [change(0, "abc"), change(1, "abcd")] },
    signal,
  ) ?? [])
    if ("outcomes" in receipt) outcomes.push(...receipt.outcomes);
  expect(outcomes).toMatchObject([
    { key: "k0", status: "applied" },
    { key: "k1", status: "rejected", code: "TOO_LONG", field: "code" },
  ]);
  expect([...object.records.values()]).toEqual([{ id: "k0", code: "abc" }]);
});

test("connections with the same name share a store", () => {
  expect(memoryStore("shared.test")).toBe(memoryStore("shared.test"));
  expect(memoryStore("shared.test")).not.toBe(memoryStore("other.test"));
});
