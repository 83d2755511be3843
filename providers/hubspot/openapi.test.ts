/** Holds connector and sandbox against the vendor's published documents, where a copy of them is at hand. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Agent, type Dispatcher } from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type Batch,
  type Change,
  createHttp,
  type Destination,
  type Fields,
  keyOf,
} from "../../src/connector/index.ts";
import { freePermits, never, testContext } from "../../test/context.ts";
import { version } from "./addresses.ts";
import hubspot from "./index.ts";
import { app } from "./sandbox/tokens.ts";
import { startSandbox } from "./sandbox.ts";

const folder = process.env.EBB_HUBSPOT_SPECS;
// Their licence does not let them stand in this repository.
const noSpecs =
  "EBB_HUBSPOT_SPECS names no folder with the documents of github.com/HubSpot/HubSpot-public-api-spec-collection";
const names = ["objects", "properties", "schemas", "associations", "associationsSchema", "accountInfo", "oauth"];
/** Not among the published documents. */
const unpublished = ["POST /oauth/v2/private-apps/get/access-token-info"];

/** All that the connector calls, in the documents' own words. */
const operations = [
  "get /account-info/api-usage/daily/private-apps",
  "get /account-info/details",
  "get /crm-object-schemas/schemas",
  "get /crm/associations/{fromObjectType}/{toObjectType}/labels",
  "get /crm/objects/{objectType}",
  "get /crm/properties/{objectType}",
  "get /crm/properties/{objectType}/groups",
  "get /crm/properties/{objectType}/{propertyName}",
  "post /crm/associations/{fromObjectType}/{toObjectType}/batch/archive",
  "post /crm/associations/{fromObjectType}/{toObjectType}/batch/associate/default",
  "post /crm/associations/{fromObjectType}/{toObjectType}/batch/read",
  "post /crm/objects/{objectType}/batch/archive",
  "post /crm/objects/{objectType}/batch/create",
  "post /crm/objects/{objectType}/batch/read",
  "post /crm/objects/{objectType}/batch/update",
  "post /crm/objects/{objectType}/batch/upsert",
  "post /crm/properties/{objectType}",
  "post /oauth/token",
];

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly status: number;
  readonly answer: string;
}

interface Schema {
  type?: string;
  nullable?: boolean;
  maxItems?: number;
  additionalProperties?: Schema | boolean;
  properties?: Record<string, Schema>;
}

interface Document {
  readonly paths: Readonly<Record<string, unknown>>;
  readonly components: { readonly schemas: Record<string, Schema> };
}

interface Verdict {
  readonly valid?: boolean;
  readonly errors?: readonly { readonly instancePath?: string; readonly message?: string }[] | null;
}

interface Validator {
  init(): Promise<unknown>;
  matchOperation(request: object): { readonly method: string; readonly path: string } | undefined;
  validateRequest(request: object, operation: object): Verdict;
  validateResponse(body: unknown, operation: object, status: number): Verdict;
}

function filesBelow(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((path) => join(directory, path))
    .filter((path) => names.includes(basename(path, ".json")) && path.endsWith(".json") && statSync(path).isFile());
}

/** The documents of the version the connector speaks. */
function documents(directory: string): ReadonlyMap<string, Document> {
  const found = new Map<string, Document>();
  for (const path of filesBelow(directory)) {
    const document = JSON.parse(readFileSync(path, "utf8")) as Document;
    if (Object.keys(document.paths).some((address) => address.includes(`/${version}/`)))
      found.set(basename(path, ".json"), corrected(document));
  }
  return found;
}

/**
 * What the documents say wrongly is put right, and what they leave open is made strict: properties come back as null,
 * a sub-category is a name, plain associations have no label; nothing may be sent that is not described, nor too much.
 */
function corrected(document: Document): Document {
  const { schemas } = document.components;
  for (const [name, schema] of Object.entries(schemas)) {
    const { properties = {} } = schema;
    const values = properties.properties?.additionalProperties;
    if (/^SimplePublic(Object|UpsertObject)(WithAssociations)?$/.test(name) && typeof values === "object")
      values.nullable = true;
    if (name === "StandardError") properties.subCategory = { type: "string" };
    if (name === "AssociationSpecWithLabel" && properties.label) properties.label.nullable = true;
    if (/Input|PropertyCreate|MultiPost|MultiArchive|BatchRequest/.test(name)) schema.additionalProperties ??= false;
    const most = name.includes("Fetch") ? 1_000 : /Association/.test(name) ? 2_000 : 100;
    if (name.startsWith("Batch") && name.includes("Input") && properties.inputs) properties.inputs.maxItems = most;
  }
  return document;
}

const exchanges: Exchange[] = [];
const closers: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Does everything the connector can do, and keeps what passed. */
async function traffic(): Promise<void> {
  const sandbox = await startSandbox({ port: 0 });
  closers.push(() => sandbox.close());
  const agent = new Agent();
  closers.push(() => agent.close());
  const dispatcher = {
    async request(asked: Dispatcher.RequestOptions) {
      const answer = await agent.request(asked);
      const text = await answer.body.text();
      exchanges.push({
        method: asked.method,
        path: asked.path,
        headers: asked.headers as Record<string, string>,
        body: String(asked.body ?? ""),
        status: answer.statusCode,
        answer: text,
      });
      return { ...answer, body: { text: async () => text } };
    },
  } as unknown as Dispatcher;
  const permits = freePermits();
  const context = testContext({
    http: (http) =>
      createHttp(
        {
          dispatcher: async () => dispatcher,
          permits,
          connection: "crm",
          now: Date.now,
          after: never,
          sleep: async () => undefined,
        },
        http,
      ),
    now: () => Date.now(),
  });
  const signal = AbortSignal.timeout(30_000);
  const open = async (options: object): Promise<Destination> => {
    if (!hubspot.destination) throw new TypeError("no destination");
    return hubspot.destination.open({ baseUrl: sandbox.url, ...options } as never, context);
  };
  const { accessToken, ...oauth } = app;
  const destination = await open({ accessToken });
  for (const signedIn of [destination, await open(oauth)]) for await (const _ of signedIn.examine?.(signal) ?? []);
  for (const object of ["contacts", "companies", "deals", "trials"]) await destination.describe(object, signal);
  await destination.describe("contcats", signal).catch(() => undefined);
  for (const kind of ["text", "integer", "boolean", "date"] as const)
    await destination.createField?.("deals", { name: `new_${kind}`, type: { kind } }, signal);
  await destination.createField?.("trials", { name: "note", type: { kind: "text" } }, signal);
  await destination.createField?.("deals", { name: "new_text", type: { kind: "text" } }, signal);

  const write = async (object: string, matchOn: string, changes: readonly Change[]) => {
    const action = changes[0]?.action ?? "create";
    const types = { amount: { kind: "float" } } as const;
    const batch: Batch = { object, matchOn: [matchOn], action, route: "batch", types, changes, id: "b" };
    const ids: string[] = [];
    for await (const receipt of destination.write(batch, signal))
      for (const outcome of "outcomes" in receipt ? receipt.outcomes : [])
        if (outcome.status === "applied") ids.push(outcome.id);
    return ids;
  };
  const create = (n: number, after: Fields): Change => ({ n, key: keyOf([`k${n}`]), action: "create", after });
  const update = (n: number, id: string, after: Fields, before: Fields = {}): Change => ({
    n,
    key: keyOf([id]),
    action: "update",
    id,
    before,
    after,
  });
  const [acme = "", beta = ""] = await write("companies", "name", [create(0, { name: "A" }), create(1, { name: "B" })]);
  const [ada = ""] = await write("contacts", "email", [
    create(0, { email: "ada@example.com", "associations.companies": acme }),
    create(1, { email: "not an address", segment: "Whale" }),
  ]);
  await write("contacts", "email", [create(2, { email: "ada@example.com" })]);
  const deals = [
    create(0, { deal_id: "1", amount: "5.0", "associations.companies": acme }),
    create(1, { deal_id: "2" }),
  ];
  const [one = "", two = ""] = await write("deals", "deal_id", deals);
  await write("deals", "deal_id", deals);
  const plain = [create(2, { deal_id: "3" }), create(3, { deal_id: "4", amount: "a lot" })];
  await write("deals", "deal_id", plain);
  const link = "associations.companies";
  await write("deals", "deal_id", [
    update(0, two, { dealname: null, [link]: beta }, { [link]: null }),
    update(1, one, { [link]: null }, { [link]: acme }),
    update(2, "404", { dealname: "gone" }),
  ]);
  const request = { object: "deals", fields: ["deal_id", "dealname", link], match: ["deal_id"] };
  for await (const _ of destination.read({ ...request, by: "scan" }, signal));
  for await (const _ of destination.read({ ...request, by: "ids", ids: [one, two, "404"] }, signal));
  for await (const _ of destination.read({ ...request, by: "keys", keys: [keyOf(["1"]), keyOf(["9"])] }, signal));
  await write("contacts", "email", [{ n: 0, key: keyOf([ada]), action: "delete", id: ada, before: {} }]);
}

describe("the published documents", () => {
  beforeEach(({ skip }) => skip(folder === undefined, noSpecs));

  const validators: Validator[] = [];
  beforeAll(async () => {
    if (folder === undefined) return;
    const found = documents(folder);
    expect([...found.keys()].sort()).toEqual([...names].sort());
    const { OpenAPIBackend } = (await import("openapi-backend")) as unknown as {
      OpenAPIBackend: new (of: object) => Validator;
    };
    for (const definition of found.values()) {
      const one = new OpenAPIBackend({
        definition,
        quick: true,
        ajvOpts: { strict: false, validateFormats: false, allErrors: true },
      });
      await one.init();
      validators.push(one);
    }
    await traffic();
  });

  const find = ({ method, path, headers, body }: Exchange) => {
    const isForm = headers["content-type"]?.includes("form-urlencoded");
    const given = isForm ? Object.fromEntries(new URLSearchParams(body)) : body;
    const request = { method, path, headers, ...(body ? { body: given } : {}) };
    for (const validator of validators) {
      const operation = validator.matchOperation(request);
      if (operation) return { validator, operation, request };
    }
    return undefined;
  };

  test("know every address the connector calls", () => {
    const unknown = exchanges.filter((one) => !find(one)).map(({ method, path }) => `${method} ${path}`);
    expect(new Set(unknown)).toEqual(new Set(unpublished));
    const called = exchanges.flatMap((one) => find(one)?.operation ?? []);
    const addresses = new Set(called.map(({ method, path }) => `${method} ${path.replace(`/${version}`, "")}`));
    expect([...addresses].sort()).toEqual(operations);
  });

  test("agree with every request and every answer", () => {
    const problems = exchanges.flatMap((one) => {
      const found = find(one);
      if (!found) return [];
      const { validator, operation, request } = found;
      const answer = one.answer === "" ? undefined : JSON.parse(one.answer);
      const verdicts = [validator.validateRequest(request, operation)];
      if (one.status < 400 && answer !== undefined)
        verdicts.push(validator.validateResponse(answer, operation, one.status));
      return verdicts.flatMap(({ errors }) =>
        (errors ?? []).map(
          ({ instancePath, message }) => `${one.method} ${one.path} ${one.status}: ${instancePath} ${message}`,
        ),
      );
    });
    expect(problems).toEqual([]);
  });
});
