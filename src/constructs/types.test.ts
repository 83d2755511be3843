import { Testing } from "cdktf";
import { expect, it } from "vitest";
import { Connection, env, field, Memory, type SecretReference, Sync, SyncStack, sql } from "./index.ts";

/**
 * What must not compile. Nothing here runs: tsc reads it, and an unexpected success is an error.
 */
function wrongDeclarations(stack: SyncStack, crm: Memory): void {
  const flow = { source: crm.table("t"), key: "id", destination: crm.object("o"), fields: {} };
  const right = { ...flow, mode: "update" } as const;

  // @ts-expect-error an option no connection has
  new Memory(stack, "a", { stor: "s" });
  // @ts-expect-error a required option is missing
  new Memory(stack, "b", {});
  // @ts-expect-error a system that runs no SQL
  crm.query(sql`select 1`);
  // @ts-expect-error a system that reads no files
  crm.file("x.csv");
  // @ts-expect-error matchOn is misspelt
  crm.object("Contact", { matchon: "Email" });

  // @ts-expect-error a secret as plain text
  const secret: SecretReference = "hunter2";
  const reference: SecretReference = env("TOKEN");

  // @ts-expect-error an unknown mode
  new Sync(stack, "c", { ...flow, mode: "mirorr" });
  // @ts-expect-error an unknown option
  new Sync(stack, "d", { ...right, onDrfit: "keep" });
  // @ts-expect-error an unknown guard
  new Sync(stack, "e", { ...right, guards: { maxDelete: 1 } });
  // @ts-expect-error a source is not a destination
  new Sync(stack, "f", { ...right, destination: { connection: crm, rows: { table: "t" } } });
  // @ts-expect-error a destination is not a source
  new Sync(stack, "g", { ...right, source: crm.object("o") });
  // @ts-expect-error a field that is neither a column nor a builder
  new Sync(stack, "h", { ...right, fields: { Name: 3 } });
  // @ts-expect-error a type to cast to that is not there
  field("a").cast("money");
  // @ts-expect-error whenNull has three answers
  field("a").whenNull("ignore");
  // @ts-expect-error a token's key as plain text
  field("a").tokenise("hunter2");
  // @ts-expect-error noise without its key
  field("a").noise({ epsilon: 1, sensitivity: 1 });
  // @ts-expect-error a bucket is of one kind
  field("a").bucket({});
  // @ts-expect-error a form that no platform asks for
  field("a").hash("sha256", "e-mail");
  // @ts-expect-error a plain value in SQL
  sql`select * from t where name = ${secret}`;

  new Sync(stack, reference, right);
}

void wrongDeclarations;

it("what compiles also synthesizes", () => {
  const stack = new SyncStack(Testing.app(), "stack");
  const crm = new Memory(stack, "crm", { store: "s" });
  new Sync(stack, "s", {
    source: crm.table("t"),
    key: ["id"],
    destination: crm.table("o"),
    mode: "upsert",
    fields: { Name: "name" },
  });
  expect(crm).toBeInstanceOf(Connection);
  expect(JSON.parse(Testing.synth(stack)).resource.ebb_sync.s.name).toBe("s");
});
