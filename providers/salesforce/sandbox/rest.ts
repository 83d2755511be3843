/** The addresses of the REST API and what each does. @module */
import type { Jobs } from "./bulk.ts";
import { createAll, deleteAll, keyField, retrieveAll, updateAll, upsertAll } from "./collections.ts";
import { describeAnswer, listAnswer, objectNamed, type SObject } from "./objects.ts";
import { Queries, shown } from "./query.ts";
import type { Input, Records, Result } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Row } from "./store.ts";

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly csv?: string;
}

type Parts = readonly string[];
type Handler = (call: Call, parts: Parts, root: string) => Answer;

export interface Route {
  readonly method: string;
  /** Path below `/services/data/vNN.0`, for statistics. */
  readonly label: string;
  readonly path: RegExp;
  readonly handle: Handler;
}

/** The routes of one organisation. */
export function restRoutes(
  records: Records,
  jobs: Jobs,
  quota: () => { used: number; limit: number },
): readonly Route[] {
  const queries = new Queries(records);
  const route = (method: string, label: string, handle: Handler): Route => ({
    method,
    label,
    path: new RegExp(`^${label.replace(/\{\w+\}/g, "([^/]+)")}/?$`),
    handle,
  });
  const ok = (json: unknown): Answer => ({ status: 200, json });
  const all = (results: readonly Result[]) => ok(records.faults.settings.emptyResults ? [] : results);
  const run =
    (deleted: boolean): Handler =>
    (call, _, root) =>
      ok(queries.run(root, call.query.get("q") ?? "", deleted, batchSize(call)));
  const save: Handler = (call, [name = "", by = "", value = ""]) => {
    const object = known(name);
    const field = keyField(object, by);
    return saved(records.upsert(object, field, { ...jsonOf(call), [field.name]: decodeURIComponent(value) }), true);
  };

  return [
    route("GET", "/sobjects", () => ok(listAnswer())),
    route("GET", "/sobjects/{object}/describe", (_, [name = ""]) => ok(describeAnswer(known(name)))),
    route("GET", "/limits", () => {
      const { used, limit } = quota();
      return ok({ DailyApiRequests: { Max: limit, Remaining: Math.max(0, limit - used) } });
    }),
    route("GET", "/query", run(false)),
    route("GET", "/queryAll", run(true)),
    route("GET", "/query/{locator}", (call, [locator = ""], root) => ok(queries.more(root, locator, batchSize(call)))),
    route("POST", "/sobjects/{object}", (call, [name = ""]) => {
      const result = records.create(known(name), jsonOf(call));
      return result.success ? { status: 201, json: result } : saved(result);
    }),
    route("GET", "/sobjects/{object}/{id}", (_, [name = "", id = ""], root) => {
      const object = known(name);
      return ok(shown(root, object, existing(records.store.get(object.name, id)), object.fields));
    }),
    route("PATCH", "/sobjects/{object}/{id}", (call, [name = "", id = ""]) =>
      saved(records.update(known(name), id, jsonOf(call))),
    ),
    route("DELETE", "/sobjects/{object}/{id}", (_, [name = "", id = ""]) => saved(records.delete(known(name), id))),
    route("PATCH", "/sobjects/{object}/{field}/{value}", save),
    route("POST", "/composite/sobjects", (call) => all(createAll(records, jsonOf(call)))),
    route("PATCH", "/composite/sobjects", (call) => all(updateAll(records, jsonOf(call)))),
    route("DELETE", "/composite/sobjects", ({ query }) => {
      const ids = (query.get("ids") ?? "").split(",").filter(Boolean);
      return all(deleteAll(records, ids, query.get("allOrNone") === "true"));
    }),
    route("PATCH", "/composite/sobjects/{object}/{field}", (call, [name = "", by = ""]) => {
      const object = known(name);
      return all(upsertAll(records, jsonOf(call), object, keyField(object, by)));
    }),
    route("POST", "/composite/sobjects/{object}", (call, [name = ""], root) =>
      ok(retrieveAll(records, root, known(name), jsonOf(call))),
    ),
    route("POST", "/jobs/ingest", (call, _, root) => ok(jobs.create(root, jsonOf(call)))),
    route("GET", "/jobs/ingest/{job}", (_, [id = ""], root) => ok(jobs.info(root, id))),
    route("PATCH", "/jobs/ingest/{job}", (call, [id = ""], root) => ok(jobs.change(root, id, jsonOf(call)))),
    route("DELETE", "/jobs/ingest/{job}", (_, [id = ""]) => {
      jobs.remove(id);
      return { status: 204 };
    }),
    route("PUT", "/jobs/ingest/{job}/batches", ({ body }, [id = ""]) => {
      jobs.upload(id, body.toString("utf8"));
      return { status: 201 };
    }),
    ...(["successfulResults", "failedResults", "unprocessedrecords"] as const).map((which) =>
      route("GET", `/jobs/ingest/{job}/${which}`, (_, [id = ""]) => ({ status: 200, csv: jobs.results(id, which) })),
    ),
  ];
}

function known(name: string): SObject {
  const object = objectNamed(name);
  if (object) return object;
  throw new Refusal(404, "NOT_FOUND", "The requested resource does not exist");
}

function existing(row: Row | undefined): Row {
  if (!row) throw new Refusal(404, "NOT_FOUND", "The requested resource does not exist");
  if (row.IsDeleted) throw new Refusal(404, "ENTITY_IS_DELETED", "entity is deleted");
  return row;
}

/** A single record's result: a list of errors, or next to nothing. */
function saved({ success, errors, created, id }: Result, told = false): Answer {
  if (success) return told ? { status: created ? 201 : 200, json: { id, success, errors, created } } : { status: 204 };
  const codes = errors.map(({ statusCode }) => statusCode);
  const gone = codes.includes("ENTITY_IS_DELETED") || codes.includes("INVALID_CROSS_REFERENCE_KEY");
  const json = errors.map(({ statusCode, message, fields }) => ({ message, errorCode: statusCode, fields }));
  return { status: gone ? 404 : 400, json };
}

function batchSize({ headers }: Call): number {
  const [, asked] = /batchSize=(\d+)/.exec(String(headers["sforce-query-options"] ?? "")) ?? [];
  return Math.min(2_000, Math.max(200, Number(asked ?? 2_000)));
}

function jsonOf({ body }: Call): Input {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Input;
  } catch {
    // Refused below, as is JSON of another kind.
  }
  throw new Refusal(400, "JSON_PARSER_ERROR", "Unexpected content at [line:1, column:1]");
}
