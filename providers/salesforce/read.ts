/** The four ways to read records. @module */
import type { Http, ObservedRecord, ReadRequest } from "../../src/connector/index.ts";
import { encode, type FieldTypes, select, selectKeys, selectSince } from "./soql.ts";

type Row = Readonly<Record<string, unknown>>;

interface Page {
  readonly records: readonly Row[];
  readonly done: boolean;
  readonly nextRecordsUrl?: string;
}

/** @param root `/services/data/v67.0` */
export async function* readRecords(
  http: Http,
  root: string,
  request: ReadRequest,
  types: () => Promise<FieldTypes>,
  signal: AbortSignal,
): AsyncGenerator<readonly ObservedRecord[]> {
  const { object, fields } = request;
  if (request.by === "ids") {
    const path = `${root}/composite/sobjects/${encodeURIComponent(object)}`;
    const json = { ids: request.ids, fields: [...new Set(["Id", ...fields])] };
    const answer = await http.request({ method: "POST", path, json, repeatable: true }, signal);
    yield answer.json<readonly (Row | null)[]>().flatMap((row) => (row ? [observed(row)] : []));
    return;
  }
  if (request.by === "keys") {
    for (const soql of selectKeys(object, fields, request.match, request.keys, await types()))
      yield* pages(http, `${root}/query?q=${encode(soql)}`, signal);
    return;
  }
  const changed = request.by === "since";
  const soql = changed ? selectSince(object, fields, request.since) : select(object, fields);
  yield* pages(http, `${root}/${changed ? "queryAll" : "query"}?q=${encode(soql)}`, signal);
}

async function* pages(http: Http, path: string, signal: AbortSignal): AsyncGenerator<readonly ObservedRecord[]> {
  const headers = { "sforce-query-options": "batchSize=2000" };
  for (let next: string | undefined = path; next; ) {
    const page: Page = (await http.request({ method: "GET", path: next, headers }, signal)).json<Page>();
    yield page.records.map(observed);
    next = page.done ? undefined : page.nextRecordsUrl;
  }
}

function observed({ attributes: _, ...row }: Row): ObservedRecord {
  const gone = row.IsDeleted === true ? { deleted: true } : {};
  return { id: String(row.Id), fields: row, ...gone };
}
