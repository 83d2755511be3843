/** What machines read. @module */
import { isStopped, type PlanSummary } from "../core/plan.ts";
import type { SyncSamples } from "../engine/review/samples.ts";
import type { RunResult } from "../engine/run/runs.ts";
import type { PlanDocument } from "./schema/plan.ts";

/** Minor versions add; another major may remove or rename. */
export const JSON_FORMAT = "1.0";

/** JSON text in which nothing but JSON's own line ends controls a terminal, and nothing is a CI system's command. */
export function toJson(value: unknown): string {
  return inert(JSON.stringify(value, null, 2));
}

/** The same on one line. */
export function toJsonLine(value: unknown): string {
  return inert(JSON.stringify(value));
}

function inert(json: string): string {
  return json
    .replace(/(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (found) =>
      [...Array(found.length).keys()].map((i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, "0")}`).join(""),
    )
    .replace(/##(?=\[|vso\[)/gi, "\\u0023#");
}

export interface PlanJsonOptions {
  /** Records, when their values were asked for. */
  readonly samples?: readonly SyncSamples[];
  /** File the plan was saved to. */
  readonly file?: string;
  /** A run that stopped before its end. */
  readonly unfinished?: string | null;
}

export function planJson(summary: PlanSummary, { samples, file, unfinished }: PlanJsonOptions): string {
  const document: PlanDocument = {
    format_version: JSON_FORMAT,
    digest: summary.digest,
    created: summary.created,
    expires: summary.expires,
    ...(summary.rollback === undefined ? {} : { rollback: summary.rollback }),
    complete: summary.complete,
    stopped: isStopped(summary),
    ...(file === undefined ? {} : { file }),
    ...(unfinished ? { unfinished_run: unfinished } : {}),
    ...(summary.policies ? { policies: summary.policies } : {}),
    syncs: summary.syncs,
    ...(samples ? { samples: samples.map(recordsOf) } : {}),
  };
  return toJson(document);
}

/** The records of a review, and nothing else of it. */
function recordsOf({ sync, deletes, updates, creates, drifted, rejected }: SyncSamples): SyncSamples {
  return { sync, deletes, updates, creates, drifted, rejected };
}

/** A run's counts and the codes of what was rejected; no record values are in it. */
export function runJson(result: RunResult): string {
  return toJson({ format_version: JSON_FORMAT, ...result });
}
