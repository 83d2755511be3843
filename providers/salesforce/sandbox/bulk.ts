/** Ingest jobs of Bulk API 2.0. They live in memory: after a restart a job is gone, its records are not. @module */
import { csvLine, csvRows } from "../csv.ts";
import { keyField } from "./collections.ts";
import { objectNamed, type SObject } from "./objects.ts";
import type { Input, Records, Result } from "./records.ts";
import { Refusal } from "./refusal.ts";
import { instant } from "./values.ts";

const states = ["Open", "UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"] as const;

interface Job {
  readonly id: string;
  readonly object: SObject;
  readonly operation: "insert" | "update" | "upsert" | "delete";
  readonly externalIdFieldName?: string;
  readonly lineEnding: "LF" | "CRLF";
  readonly created: string;
  state: (typeof states)[number];
  errorMessage?: string;
  text?: string;
  header: readonly string[];
  rows: readonly (readonly string[])[];
  readonly succeeded: string[];
  readonly failed: string[];
  processed: number;
}

/** Rows worked on before other calls get their turn. */
const slice = 2_000;

export class Jobs {
  private readonly records: Records;
  private readonly jobs = new Map<string, Job>();
  private readonly timers = new Set<NodeJS.Timeout>();

  constructor(records: Records) {
    this.records = records;
  }

  create(root: string, asked: Readonly<Record<string, unknown>>) {
    const { operation, lineEnding = "LF", externalIdFieldName } = asked;
    const object = objectNamed(String(asked.object));
    if (!object) throw new Refusal(400, "INVALIDENTITY", `Unable to find object: ${asked.object}`);
    if (operation !== "insert" && operation !== "update" && operation !== "upsert" && operation !== "delete")
      throw new Refusal(400, "INVALIDOPERATION", `unknown operation: ${operation}`);
    if (lineEnding !== "LF" && lineEnding !== "CRLF") throw new Refusal(400, "INVALIDJOB", "unknown lineEnding");
    const by = operation === "upsert" ? keyField(object, String(externalIdFieldName ?? "")).name : undefined;
    const job: Job = {
      id: `7505g00000${String(this.jobs.size + 1).padStart(5, "0")}AAA`,
      object,
      operation,
      ...(by ? { externalIdFieldName: by } : {}),
      lineEnding,
      created: instant(Date.now()),
      state: "Open",
      header: [],
      rows: [],
      succeeded: [],
      failed: [],
      processed: 0,
    };
    this.jobs.set(job.id, job);
    return info(job, root);
  }

  info(root: string, id: string) {
    return info(this.find(id), root);
  }

  upload(id: string, text: string): void {
    const job = this.find(id);
    if (job.state !== "Open" || job.text !== undefined)
      throw new Refusal(400, "INVALIDJOBSTATE", "data was uploaded already, or the job is closed");
    if (Buffer.byteLength(text) > 150_000_000) throw new Refusal(413, "CLIENTINPUTERROR", "the data exceeds 150 MB");
    job.text = text;
  }

  change(root: string, id: string, asked: Readonly<Record<string, unknown>>) {
    const job = this.find(id);
    if (asked.state === "Aborted") job.state = "Aborted";
    else if (asked.state !== "UploadComplete" || job.state !== "Open")
      throw new Refusal(400, "INVALIDJOBSTATE", `cannot go from ${job.state} to ${asked.state}`);
    else {
      job.state = "UploadComplete";
      const wait = (this.records.faults.settings.bulkDelayMs ?? 40) / 2;
      this.later(wait, () => this.begin(job, wait));
    }
    return info(job, root);
  }

  remove(id: string): void {
    this.find(id);
    this.jobs.delete(id);
  }

  /** In another order than the rows went in: the vendor promises none. */
  results(id: string, which: "successfulResults" | "failedResults" | "unprocessedrecords"): string {
    const job = this.find(id);
    const more = { successfulResults: ["sf__Id", "sf__Created"], failedResults: ["sf__Id", "sf__Error"] };
    const head = csvLine([...(which === "unprocessedrecords" ? [] : more[which]), ...job.header]);
    if (this.records.faults.settings.emptyResults) return head;
    if (which === "unprocessedrecords") return head + job.rows.slice(job.processed).map(csvLine).join("");
    return head + (which === "successfulResults" ? job.succeeded : job.failed).toReversed().join("");
  }

  close(): void {
    for (const timer of this.timers) clearTimeout(timer);
  }

  private find(id: string): Job {
    const job = this.jobs.get(id);
    if (job) return job;
    throw new Refusal(404, "NOT_FOUND", "The requested resource does not exist");
  }

  private later(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      work();
    }, ms);
    timer.unref();
    this.timers.add(timer);
  }

  private begin(job: Job, wait: number): void {
    if (job.state !== "UploadComplete") return;
    const [header = [], ...rows] = csvRows(job.text ?? "");
    job.header = header;
    job.rows = rows;
    const [unknown] = header.filter((name) => !job.object.byName.has(name.toLowerCase()));
    const ends = /\r\n/.test((job.text ?? "").slice(0, (job.text ?? "").indexOf("\n") + 1)) ? "CRLF" : "LF";
    if (unknown !== undefined) fail(job, `InvalidBatch : Field name not found : ${unknown}`);
    else if (ends !== job.lineEnding)
      fail(
        job,
        `ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is ${job.lineEnding}`,
      );
    else {
      job.state = "InProgress";
      this.later(wait, () => this.work(job));
    }
  }

  private work(job: Job): void {
    const { bulkAbortAfter = Number.POSITIVE_INFINITY } = this.records.faults.settings;
    const until = Math.min(job.rows.length, job.processed + slice, bulkAbortAfter);
    for (const row of job.rows.slice(job.processed, until)) {
      if (job.state !== "InProgress") return;
      const result = this.write(job, row);
      const id = result.id ?? "";
      if (result.success) {
        const created = job.operation === "insert" || result.created === true;
        job.succeeded.push(csvLine([id, String(created), ...row]));
      } else {
        const [first] = result.errors;
        const error = `${first?.statusCode}:${first?.message}:${first?.fields.join(", ")} --`;
        job.failed.push(csvLine([id, error, ...row]));
      }
      job.processed += 1;
    }
    this.records.store.flush();
    if (job.processed >= bulkAbortAfter) job.state = "Aborted";
    else if (job.processed >= job.rows.length) job.state = "JobComplete";
    else this.later(0, () => this.work(job));
  }

  private write({ object, operation, header, externalIdFieldName }: Job, row: readonly string[]): Result {
    const input: Record<string, unknown> = {};
    let id = "";
    header.forEach((name, i) => {
      const cell = row[i] ?? "";
      if (name.toLowerCase() === "id") id = cell;
      else if (cell !== "") input[name] = cell === "#N/A" ? null : cell;
    });
    const written: Input = input;
    const { records } = this;
    if (operation === "update") return records.update(object, id, written);
    if (operation === "delete") return records.delete(object, id);
    if (operation === "insert") return records.create(object, written);
    return records.upsert(object, keyField(object, externalIdFieldName ?? ""), written);
  }
}

function fail(job: Job, message: string): void {
  job.state = "Failed";
  job.errorMessage = message;
}

function info(job: Job, root: string) {
  return {
    id: job.id,
    operation: job.operation,
    object: job.object.name,
    createdDate: job.created,
    systemModstamp: instant(Date.now()),
    state: job.state,
    ...(job.externalIdFieldName ? { externalIdFieldName: job.externalIdFieldName } : {}),
    ...(job.errorMessage ? { errorMessage: job.errorMessage } : {}),
    concurrencyMode: "Parallel",
    contentType: "CSV",
    apiVersion: Number(root.split("/v").at(-1)),
    contentUrl: `${root.slice(1)}/jobs/ingest/${job.id}/batches`,
    lineEnding: job.lineEnding,
    columnDelimiter: "COMMA",
    jobType: "V2Ingest",
    numberRecordsProcessed: job.processed,
    numberRecordsFailed: job.failed.length,
  };
}
