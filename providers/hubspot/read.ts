/** The three ways to read records. The search endpoint is none of them: its index lags behind what was written. @module */
import {
  type Http,
  keyParts,
  type ObservedRecord,
  type ReadRequest,
  RecordError,
  TransientError,
} from "../../src/connector/index.ts";
import { objectsPath } from "./addresses.ts";
import { isAssociation, readAssociations, targetOf } from "./associations.ts";
import { idField } from "./describe.ts";
import type { VendorError } from "./errors.ts";
import type { Shape } from "./objects.ts";
import { fromProperty, toProperty } from "./values.ts";

interface Row {
  readonly id: string;
  readonly properties?: Readonly<Record<string, string | null | undefined>>;
}

interface Page {
  readonly results?: readonly Row[];
  readonly errors?: readonly VendorError[];
  readonly paging?: { readonly next?: { readonly after?: string } };
}

export interface Reader {
  readonly http: Http;
  readonly connection: string;
  readonly shape: Shape;
  /** The address of an object a field of associations names. */
  type(target: string): Promise<string>;
}

export async function* readRecords(
  reader: Reader,
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly ObservedRecord[]> {
  const names = [...new Set([...request.fields, ...request.match])];
  const properties = names.filter((name) => !isAssociation(name) && reader.shape.properties.has(name));
  for await (const rows of pages(reader, request, properties, signal)) {
    const ids = rows.map(({ id }) => id);
    const linked = new Map<string, ReadonlyMap<string, string>>();
    for (const field of ids.length > 0 ? names.filter(isAssociation) : []) {
      const target = await reader.type(targetOf(field));
      linked.set(field, await readAssociations(reader.http, reader.shape.type, target, ids, signal));
    }
    yield rows.map(({ id, properties: values = {} }) => ({
      id,
      fields: Object.fromEntries(
        names.map((name) => {
          if (isAssociation(name)) return [name, linked.get(name)?.get(id) ?? null];
          return [name, name === idField ? id : fromProperty(values[name], reader.shape.properties.get(name))];
        }),
      ),
    }));
  }
}

async function* pages(
  { http, shape, connection }: Reader,
  request: ReadRequest,
  properties: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<readonly Row[]> {
  if (request.by === "scan") {
    for (let after: string | undefined = ""; after !== undefined; ) {
      const asked = new URLSearchParams({ limit: "100", archived: "false", properties: properties.join(",") });
      if (after) asked.set("after", after);
      const page: Page = (
        await http.request({ method: "GET", path: objectsPath(shape.type, `?${asked}`) }, signal)
      ).json();
      yield rowsOf(page, connection);
      after = page.paging?.next?.after;
    }
    return;
  }
  const [by = idField] = request.by === "keys" ? request.match : [];
  const ids = request.by === "keys" ? keysOf(request, by, shape) : request.by === "ids" ? request.ids : [];
  if (ids.length === 0) return;
  const json = {
    ...(by === idField ? {} : { idProperty: by }),
    properties,
    // The published document requires it.
    propertiesWithHistory: [],
    inputs: [...new Set(ids)].map((id) => ({ id })),
  };
  const path = objectsPath(shape.type, "/batch/read?archived=false");
  try {
    const answer = await http.request({ method: "POST", path, json, repeatable: true }, signal);
    const rows = rowsOf(answer.json<Page>(), connection);
    yield [...new Map(rows.map((row) => [row.id, row])).values()];
  } catch (error) {
    // Where none of them is there, the whole call may be told so.
    if (!(error instanceof RecordError && error.vendorCode === "OBJECT_NOT_FOUND")) throw error;
  }
}

/** Unique values, so the first part of a key finds the record; the engine compares the others. */
function keysOf({ keys, match }: ReadRequest & { readonly by: "keys" }, by: string, shape: Shape): readonly string[] {
  return keys.map((key) => toProperty(keyParts(key, match.length)[0] ?? "", undefined, shape.properties.get(by)));
}

/** Records that are not there come as errors beside the others; any other error leaves the read incomplete. */
function rowsOf({ results, errors = [] }: Page, connection: string): readonly Row[] {
  const serious = errors.filter(({ category }) => category !== "OBJECT_NOT_FOUND");
  if (Array.isArray(results) && serious.length === 0) return results;
  throw new TransientError("ANSWER_INVALID", `${connection}: some records could not be read`);
}
