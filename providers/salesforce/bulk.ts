/** Writes of many records as a job of Bulk API 2.0, which goes on by itself once it is closed. @module */
import {
  applied,
  type Batch,
  type Change,
  type Context,
  changeId,
  type Outcome,
  type Receipt,
  RecordError,
  type RecordKey,
  rejected,
  type Value,
} from "../../src/connector/index.ts";
import { collectionLimit, type Writer, writeCollection } from "./collections.ts";
import { csvLine, csvRecords } from "./csv.ts";
import { refusal, storageError, storageFull } from "./errors.ts";

/** How an empty value is told from "not part of this", which is an empty cell. */
const empty = "#N/A";

interface Job {
  readonly id: string;
  readonly state: "Open" | "UploadComplete" | "InProgress" | "JobComplete" | "Failed" | "Aborted";
  readonly errorMessage?: string;
  readonly numberRecordsProcessed?: number;
  readonly numberRecordsFailed?: number;
}

type Sleep = Context["sleep"];

/** Faster than any job: asking earlier than this would be a call for nothing. */
const rowsPerMs = 20;

/** The ticket is given when all is uploaded and before the job is closed: until then nothing has been written. */
export async function* writeJob(
  writer: Writer,
  batch: Batch,
  sleep: Sleep,
  signal: AbortSignal,
): AsyncGenerator<Receipt> {
  const { http, root, quiet, upsertBy } = writer;
  const inCsv = batch.changes.filter((change) => !carriesMarker(change));
  const others = batch.changes.filter(carriesMarker);
  for (let at = 0; at < others.length; at += collectionLimit)
    yield* writeCollection(writer, { ...batch, changes: others.slice(at, at + collectionLimit) }, signal);
  if (inCsv.length === 0) return;

  const operation = batch.action === "create" ? (upsertBy ? "upsert" : "insert") : batch.action;
  const asked = {
    object: batch.object,
    operation,
    contentType: "CSV",
    lineEnding: "LF",
    ...(operation === "upsert" ? { externalIdFieldName: upsertBy } : {}),
  };
  const path = `${root}/jobs/ingest`;
  const created = await http.request({ method: "POST", path, headers: quiet, json: asked }, signal);
  const { id } = created.json<Job>();
  const body = sheet(inCsv);
  const headers = { ...quiet, "content-type": "text/csv" };
  await http.request({ method: "PUT", path: `${path}/${id}/batches`, headers, body, timeoutMs: 600_000 }, signal);
  yield { ticket: id };
  yield* finishJob(writer, id, "Open", batch, sleep, signal);
}

/** Takes up a job another process may have closed, or may not. A job that is gone tells nothing: all is in doubt. */
export async function* resumeJob(
  writer: Writer,
  ticket: string,
  batch: Batch,
  sleep: Sleep,
  signal: AbortSignal,
): AsyncGenerator<Receipt> {
  try {
    const { state } = await readJob(writer, ticket, signal);
    yield* finishJob(writer, ticket, state, batch, sleep, signal);
  } catch (error) {
    if (!(error instanceof RecordError && error.vendorCode === "HTTP_404")) throw error;
  }
}

async function* finishJob(
  writer: Writer,
  id: string,
  state: Job["state"],
  batch: Batch,
  sleep: Sleep,
  signal: AbortSignal,
): AsyncGenerator<Receipt> {
  const { http, root, quiet } = writer;
  const path = `${root}/jobs/ingest/${id}`;
  let wait = 200 + Math.floor(batch.changes.length / rowsPerMs);
  if (state === "Open") {
    await http.request({ method: "PATCH", path, headers: quiet, json: { state: "UploadComplete" } }, signal);
    await sleep(wait, signal);
  }
  let job = await readJob(writer, id, signal);
  for (; !["JobComplete", "Failed", "Aborted"].includes(job.state); wait = Math.min(wait * 2, 30_000)) {
    await sleep(wait, signal);
    job = await readJob(writer, id, signal);
  }
  const keys = keysByRow(batch);
  const rows = async (results: string): Promise<Iterable<Readonly<Record<string, string>>>> =>
    csvRecords((await http.request({ method: "GET", path: `${path}/${results}/`, timeoutMs: 600_000 }, signal)).text);
  const outcomes = (found: Iterable<Readonly<Record<string, string>>>, read: Reading): Outcome[] =>
    [...found].flatMap((row) => {
      const key = keys.get(identity(batch, (name) => row[name] ?? "") ?? "");
      const outcome = key === undefined ? undefined : read(key, row);
      return outcome ? [outcome] : [];
    });

  const { numberRecordsProcessed: processed = 1, numberRecordsFailed: failed = 1 } = job;
  if (processed > failed)
    yield {
      outcomes: outcomes(await rows("successfulResults"), (key, row) =>
        row.sf__Id ? applied(key, row.sf__Id) : undefined,
      ),
    };
  let full = false;
  if (failed > 0)
    yield {
      outcomes: outcomes(await rows("failedResults"), (key, row) => {
        const fault = faultOf(row.sf__Error ?? "");
        if (fault.statusCode === storageFull) full = true;
        else if (batch.action === "delete" && fault.statusCode === "ENTITY_IS_DELETED")
          return applied(key, row.Id ?? "");
        else return refusal(key, [fault]);
        return undefined;
      }),
    };
  if (job.state !== "JobComplete") {
    const why = job.errorMessage ?? `the job ended as ${job.state}`;
    yield {
      outcomes: outcomes(await rows("unprocessedrecords"), (key) =>
        rejected(key, `JOB_${job.state.toUpperCase()}`, why, { retry: job.state === "Aborted" }),
      ),
    };
  }
  if (full) throw storageError(writer.connection);
}

/** Rows come back in any order, with the columns that went in: a created record is known by what it is matched on. */
function identity({ action, matchOn }: Batch, cell: (name: string) => string): string | undefined {
  const cells = action === "create" ? matchOn.map(cell) : [cell("Id")];
  return cells.includes("") || cells.length === 0 ? undefined : JSON.stringify(cells);
}

function keysByRow(batch: Batch): ReadonlyMap<string, RecordKey> {
  const keys = new Map<string, RecordKey>();
  for (const change of batch.changes) {
    const row = identity(batch, (name) => cellOf(change, name));
    if (row !== undefined) keys.set(row, change.key);
  }
  return keys;
}

type Reading = (key: RecordKey, row: Readonly<Record<string, string>>) => Outcome | undefined;

async function readJob({ http, root }: Writer, id: string, signal: AbortSignal): Promise<Job> {
  return (await http.request({ method: "GET", path: `${root}/jobs/ingest/${id}` }, signal)).json<Job>();
}

function sheet(changes: readonly Change[]): string {
  const names = new Set<string>();
  for (const change of changes) {
    if (change.action !== "create") names.add("Id");
    if (change.action !== "delete") for (const name of Object.keys(change.after)) names.add(name);
  }
  const columns = [...names];
  return [columns, ...changes.map((change) => columns.map((name) => cellOf(change, name)))].map(csvLine).join("");
}

function cellOf(change: Change, name: string): string {
  if (name === "Id") return changeId(change) ?? "";
  const value: Value | undefined = change.action === "delete" ? "" : change.after[name];
  return value === null ? empty : (value ?? "");
}

/** A text that is itself the marker cannot go into a sheet. */
function carriesMarker(change: Change): boolean {
  return change.action !== "delete" && Object.values(change.after).includes(empty);
}

/** @example faultOf("STRING_TOO_LONG:Title: data value too large (max length=128):Title --") */
function faultOf(text: string) {
  const [, statusCode = "UNKNOWN_EXCEPTION", message = text, fields = ""] =
    /^([A-Z_0-9]+):([\s\S]*?)(?::([\w, ]*) ?--)?$/.exec(text) ?? [];
  return { statusCode, message, fields: fields.split(/[, ]+/).filter(Boolean) };
}
