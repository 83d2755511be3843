/** Writes of up to 200 records in one call: sObject Collections. @module */
import {
  applied,
  type Batch,
  changeId,
  type Http,
  type Outcome,
  type Receipt,
  wireFields,
} from "../../src/connector/index.ts";
import { type RecordFault, refusal, storageError, storageFull } from "./errors.ts";

/** What a write needs besides its batch. */
export interface Writer {
  readonly http: Http;
  readonly connection: string;
  /** `/services/data/v67.0` */
  readonly root: string;
  /** On every write: nobody is told, nothing is assigned. */
  readonly quiet: Readonly<Record<string, string>>;
  /** The unique field that creates are upserted by. */
  readonly upsertBy: string | undefined;
}

/** Most records of one call. */
export const collectionLimit = 200;

interface Result {
  readonly id?: string | null;
  readonly success?: boolean;
  readonly errors?: readonly RecordFault[];
}

export async function* writeCollection(writer: Writer, batch: Batch, signal: AbortSignal): AsyncGenerator<Receipt> {
  const answer = await writer.http.request({ ...call(writer, batch), headers: writer.quiet }, signal);
  const results = answer.json<readonly (Result | null)[]>();
  // Results are told apart by their position alone: with one missing, none can be believed.
  if (!Array.isArray(results) || results.length !== batch.changes.length) return;
  const outcomes: Outcome[] = [];
  let full = false;
  batch.changes.forEach((change, i) => {
    const { id, success, errors = [] } = (results[i] as Result | null) ?? {};
    const known = changeId(change);
    const codes = errors.map(({ statusCode }) => statusCode);
    if (success && id && (!known || sameId(known, id))) outcomes.push(applied(change.key, id));
    else if (success !== false) return;
    else if (known && change.action === "delete" && codes.includes("ENTITY_IS_DELETED"))
      outcomes.push(applied(change.key, known));
    else if (codes.includes(storageFull)) full = true;
    else outcomes.push(refusal(change.key, errors));
  });
  yield { outcomes };
  if (full) throw storageError(writer.connection);
}

function call({ root, upsertBy }: Writer, batch: Batch) {
  const attributes = { type: batch.object };
  const path = `${root}/composite/sobjects`;
  const records = batch.changes.map((change) => {
    const id = changeId(change);
    const fields = change.action === "delete" ? {} : wireFields(change.after, batch.types);
    return { attributes, ...(id ? { id } : {}), ...fields };
  });
  const json = { allOrNone: false, records };
  if (batch.action === "update") return { method: "PATCH", path, json } as const;
  if (batch.action === "create")
    return upsertBy
      ? ({ method: "PATCH", path: `${path}/${encodeURIComponent(batch.object)}/${upsertBy}`, json } as const)
      : ({ method: "POST", path, json } as const);
  const ids = batch.changes.map(changeId).join(",");
  return { method: "DELETE", path: `${path}?ids=${ids}&allOrNone=false` } as const;
}

/** Ids have 15 characters, or 18 with a checksum. */
function sameId(a: string, b: string): boolean {
  return a.slice(0, 15) === b.slice(0, 15);
}
