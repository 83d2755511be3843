import { describe, expect, test } from "vitest";
import { overlapProblems } from "./field-owners.ts";
import { completeSync, type FieldMapping, type Sync, type SyncAttributes } from "./sync.ts";

const sync = (name: string, fields: Record<string, FieldMapping>, more: Partial<SyncAttributes> = {}): Sync =>
  completeSync(name, {
    source: { connection: "dwh", table: "t" },
    key: ["email"],
    destination: { connection: "crm", object: "Contact", matchOn: ["Email"] },
    mode: "upsert",
    ...more,
    fields,
  });
const tier = (owner?: string): Record<string, FieldMapping> => ({ Tier: { column: "tier", ...(owner && { owner }) } });
const said = (...syncs: Sync[]) => overlapProblems(syncs).map(({ where, message }) => `${where}: ${message}`);

describe("a field of an object belongs to one sync", () => {
  test("two that write it are refused, unless they write it elsewhere", () => {
    expect(said(sync("a", tier()), sync("b", tier()))).toEqual([
      `sync "b": sync "a" writes this field of crm Contact too`,
    ]);
    for (const destination of [
      { connection: "crm", object: "Lead", matchOn: ["Email"] },
      { connection: "erp", object: "Contact", matchOn: ["Email"] },
    ])
      expect(said(sync("a", tier()), sync("b", tier(), { destination }))).toEqual([]);
  });

  test("or name the same owner, all of them", () => {
    expect(said(sync("a", tier("a")), sync("b", tier("a")), sync("c", tier("a")))).toEqual([]);
    expect(said(sync("a", tier("a")), sync("b", tier()))).toEqual([
      `sync "b": sync "a" writes this field of crm Contact too, and names owner "a" where this one names no owner`,
    ]);
    expect(said(sync("a", tier("a")), sync("b", tier("b")))).toEqual([
      `sync "b": sync "a" writes this field of crm Contact too, and names owner "a" where this one names owner "b"`,
    ]);
    expect(said(sync("a", tier("a")), sync("b", tier("a")), sync("c", tier("c")))).toHaveLength(1);
  });

  test("all may write the field they match records by; one that matches by another may not", () => {
    const email = { Email: { column: "email" } };
    const byId = { destination: { connection: "crm", object: "Contact", matchOn: ["Id"] } };
    expect(said(sync("a", email), sync("b", email))).toEqual([]);
    expect(said(sync("a", email), sync("b", email, byId))).toHaveLength(1);
    expect(said(sync("a", email), sync("b", email), sync("c", email, byId))).toHaveLength(1);
    // That the second agrees with the third does not bind the first.
    const owned = { Email: { column: "email", owner: "c" } };
    expect(said(sync("a", email), sync("b", owned), sync("c", owned, byId))).toEqual([
      `sync "c": sync "a" writes this field of crm Contact too, and names no owner where this one names owner "c"`,
    ]);
  });
});

test("who is not the owner writes the field only in records it creates", () => {
  expect(sync("b", tier("a")).fields.Tier).toEqual({ column: "tier", owner: "a", createOnly: true });
  expect(sync("a", tier("a")).fields.Tier).toEqual({ column: "tier", owner: "a" });
});
