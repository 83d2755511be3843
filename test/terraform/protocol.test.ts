import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectSocket } from "node:net";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { systems } from "../../providers/index.ts";
import type { MessageName } from "../../src/terraform/messages.ts";
import { pack, unknown, unpack, type Value } from "../../src/terraform/msgpack.ts";
import { decode, encode, type Message } from "../../src/terraform/protobuf.ts";
import { providerAddress, providerSchema } from "../../src/terraform/schema.ts";
import { clear, serve } from "./attached.ts";
import { call } from "./process.ts";
import { folder } from "./terraform.ts";

let session: ClientHttp2Session;
beforeEach(async () => {
  const path = await serve(folder());
  session = connect("http://localhost", {
    createConnection: () => connectSocket(path),
    settings: { initialWindowSize: 16 * 1024 * 1024 },
  });
  await new Promise<void>((resolve) => session.once("connect", () => resolve()));
  session.setLocalWindowSize(16 * 1024 * 1024);
});
afterEach(() => session.destroy());
afterAll(clear);

/** Bytes of fields that no version of the protocol has yet: a number, 8 bytes, a text and 4 bytes. */
const newer = Buffer.from("f80705f9070000000000000000fa070161fd0700000000", "hex");

async function ask<Q extends MessageName, A extends MessageName>(
  method: string,
  request: readonly [Q, Message<Q>],
  answer: A,
  more: Buffer = Buffer.alloc(0),
): Promise<Message<A>> {
  const body = Buffer.concat([encode(...request), more]);
  const { status, message } = await call(session, `/tfplugin6.Provider/${method}`, body);
  expect(status).toBe("0");
  return decode(answer, message);
}

type Block = Readonly<Record<string, Value>>;
const dynamic = (type: unknown, value: Value): Value => [Buffer.from(JSON.stringify(type)), value];
const schema = providerSchema(systems).provider_schemas[providerAddress]?.resource_schemas.ebb_sync;
const nulls = Object.fromEntries(Object.keys(schema?.block.attributes ?? {}).map((name) => [name, null]));
const source = ["object", { connection: "string", query: "string" }];
const resource = (query: string, more: Block = {}): Block => ({
  ...nulls,
  name: "customers",
  source: dynamic(source, { connection: "warehouse", query }),
  key: ["id"],
  destination: dynamic(["object", { connection: "string", object: "string" }], { connection: "crm", object: "c" }),
  mode: "upsert",
  fields: dynamic(["object", { Name: ["object", { column: "string" }] }], { Name: { column: "name" } }),
  ...more,
});

/** The planned state of a resource whose provider is not known yet: what was proposed, as it was. */
async function echoed(proposed: Readonly<Record<string, Value>>, more?: Buffer) {
  const state = { msgpack: pack(proposed) };
  const request = { typeName: "ebb_sync", priorState: { msgpack: pack(null) }, proposedState: state };
  const answer = await ask(
    "PlanResourceChange",
    ["PlanResourceChangeRequest", request],
    "PlanResourceChangeResponse",
    more,
  );
  expect(answer.diagnostics?.map(({ summary }) => summary)).toEqual(['sync "customers": cannot be previewed']);
  return unpack(answer.plannedState?.msgpack ?? Buffer.alloc(0)) as Readonly<Record<string, Value>>;
}

const validate = async (config: Readonly<Record<string, Value>>) => {
  const request = { typeName: "ebb_sync", config: { msgpack: pack(config) } };
  const answer = await ask(
    "ValidateResourceConfig",
    ["ValidateResourceConfigRequest", request],
    "ValidateResourceConfigResponse",
  );
  return (answer.diagnostics ?? []).map(({ summary }) => summary);
};

describe("the protocol, without Terraform", () => {
  it.each<[string, unknown, Value]>([
    ["a whole number above 2^53", { max_changes: "number" }, { max_changes: 9007199254740993n }],
    [
      "a number of 30 digits, which comes as text",
      { max_changes: "number" },
      { max_changes: "123456789012345678901234567890" },
    ],
    [
      "a fraction that no float holds",
      { max_delete_percent: "number" },
      { max_delete_percent: "0.12345678901234567891" },
    ],
    ["null inside an object", { max_changes: "number" }, { max_changes: null }],
    ["not yet known inside an object", { max_changes: "number" }, { max_changes: unknown }],
    ["objects, lists and maps in each other", { a: ["tuple", ["string", ["map", "bool"]]] }, { a: ["x", { y: true }] }],
  ])("gives back exactly: %s", async (_, type, value) => {
    const guards = dynamic(["object", type], value);
    const planned = await echoed(resource("select 1", { guards }));
    expect(unpack(pack(planned.guards ?? null))).toEqual(unpack(pack(guards)));
    expect(planned).toMatchObject({ id: "customers", digest: unknown, changes: unknown, last_run: unknown });
  });

  it("passes over fields of newer versions, in any message", async () => {
    expect(await echoed(resource("select 1"), newer)).toMatchObject({ name: "customers" });
    const metadata = await ask("GetMetadata", ["Empty", {}], "GetMetadataResponse", newer);
    expect(metadata).toMatchObject({ resources: [{ typeName: "ebb_sync" }], dataSources: [{ typeName: "ebb_plan" }] });
  });

  it("takes and gives 64 MB", async () => {
    const query = `select ${"x".repeat(64 * 1024 * 1024)}`;
    const planned = await echoed(resource(query));
    const [, rows] = planned.source as readonly [Uint8Array, { readonly query: string }];
    expect(rows.query.length).toBe(query.length);
  });

  it("checks what is known, whatever its type on the wire, and waits for the rest", async () => {
    expect(await validate(resource("select 1"))).toEqual([]);
    expect(await validate(resource("select 1", { guards: unknown, mode: unknown }))).toEqual([]);
    const huge = dynamic(["object", { max_changes: "number" }], { max_changes: "123456789012345678901234567890" });
    expect(await validate(resource("select 1", { guards: huge }))).toEqual([
      expect.stringContaining("guards.max_changes: "),
    ]);
    const wrong = dynamic(["object", { max_delets: "number", max_changes: "string" }], {
      max_delets: 1,
      max_changes: "x",
    });
    expect(await validate(resource("select 1", { guards: wrong }))).toEqual([
      "guards.max_changes: must be a number",
      'guards: there is no attribute "max_delets": did you mean "max_deletes"?',
    ]);
    expect(await validate(resource("select 1", { fields: dynamic("string", "x") }))).toEqual(["fields: must be a map"]);
  });

  it("calls its function, and says so where there is none of that name", async () => {
    const given = ["ada@example.com", "salt"].map((text) => ({ msgpack: pack(text) }));
    const mask = (name: string) =>
      ask("CallFunction", ["CallFunctionRequest", { name, arguments: given }], "CallFunctionResponse");
    expect(unpack((await mask("mask")).result?.msgpack ?? Buffer.alloc(0))).toMatch(/^•••[0-9a-f]{4}$/);
    expect((await mask("unmask")).error?.text).toBe("there is no function unmask");
    const { functions } = await ask("GetFunctions", ["Empty", {}], "GetFunctionsResponse");
    expect(Object.keys(functions ?? {})).toEqual(["mask"]);
  });

  it("an upgrade gives every attribute of the schema, with numbers as they were", async () => {
    const json = Buffer.from(
      JSON.stringify({
        name: "customers",
        key: ["id"],
        unchanged: 3,
        guards: { type: ["object", { a: "number" }], value: { a: 0.1 } },
      }),
    );
    const request = { typeName: "ebb_sync", version: 0, rawState: { json } };
    const answer = await ask(
      "UpgradeResourceState",
      ["UpgradeResourceStateRequest", request],
      "UpgradeResourceStateResponse",
    );
    const state = unpack(answer.upgradedState?.msgpack ?? Buffer.alloc(0)) as Readonly<Record<string, Value>>;
    expect(Object.keys(state).sort()).toEqual(Object.keys(resource("")).sort());
    expect(state).toMatchObject({ name: "customers", unchanged: 3, fields: null });
    expect(unpack(pack(state.guards ?? null))).toEqual(
      unpack(pack(dynamic(["object", { a: "number" }], { a: "0.1" }))),
    );
  });

  it("answers what it does not know as not implemented, and survives what it cannot read", async () => {
    expect((await call(session, "/tfplugin6.Provider/OpenEphemeralResource")).status).toBe("12");
    const cut = await call(session, "/tfplugin6.Provider/ValidateResourceConfig", Buffer.from("0aff", "hex"));
    expect(cut.status).toBe("13");
    expect(await validate(resource("select 1"))).toEqual([]);
  });
});
