/** Runs: the result of one, the list of all, and one with what was rejected. @module */
import type { RejectedChange } from "../engine/inspect.ts";
import type { RunResult } from "../engine/run/runs.ts";
import { JSON_FORMAT, toJson } from "./json.ts";
import { columns, cut, labelled, wrap } from "./layout.ts";
import { moment, thousands } from "./numbers.ts";
import { type HeldCount, heldLines } from "./quarantine.ts";
import type { Reveal } from "./reveal.ts";
import { sanitise } from "./sanitise.ts";
import type { Format, Style } from "./style.ts";
import { nextLines, shortDigest } from "./terminal.ts";

const verdicts: Readonly<Record<RunResult["status"], readonly [text: string, format: Format]>> = {
  applied: ["Everything is applied.", "green"],
  partial: ["Applied, but not all of it.", "yellow"],
  stopped: ["Stopped before the end; it can be resumed.", "yellow"],
  running: ["Running.", "dim"],
};

/** What a run did, where it is kept and what to do next. */
export function renderResult(result: RunResult, directory: string, ebb: string, style: Style): string {
  const [verdict, format] = verdicts[result.status];
  return [
    ...outcomeLines(result, style),
    style(format, verdict),
    ...(result.warnings ?? []).flatMap((warning) =>
      labelled("warning", sanitise(warning, { max: 400 }), style, "yellow"),
    ),
    ...(result.problem ? labelled("because", sanitise(result.problem, { max: 400 }), style, "red") : []),
    ...wrap([{ text: `Run ${result.run}, kept in ${sanitise(directory)}`, format: "dim" }], "", "  ", style),
    ...nextLines(nextSteps(result, ebb), style),
  ].join("\n");
}

/** Outcomes by sync, and rejections by code. */
export function outcomeLines({ syncs, rejected }: Pick<RunResult, "syncs" | "rejected">, style: Style): string[] {
  const head = ["sync", "applied", "accepted", "rejected", "skipped", "in doubt", "to do"];
  const rows = Object.entries(syncs).map(([name, n]) => [
    sanitise(name),
    ...[n.applied, n.accepted, n.rejected, n.skipped, n.doubt + n.sent, n.waiting].map(thousands),
  ]);
  // A column in which there is nothing says nothing.
  const keep = head.map((_, i) => i < 2 || i === 3 || rows.some((row) => row[i] !== "0"));
  const table = columns(
    [head, ...rows].map((row) => row.filter((_, i) => keep[i])),
    { right: [1, 2, 3, 4, 5, 6] },
  );
  const [title = "", ...lines] = table;
  const skipped = Object.values(syncs).some((n) => n.skipped > 0);
  return [
    style("bold", title),
    ...lines,
    ...rejected.flatMap(({ sync, code, field, count }) =>
      labelled(
        "rejected",
        `${thousands(count)} ${sanitise(code)}${field === null ? "" : ` ${sanitise(field)}`} in ${sanitise(sync)}`,
        style,
        "red",
      ),
    ),
    ...(skipped ? labelled("skipped", "moved since the plan was made, left as they are", style) : []),
  ];
}

function nextSteps({ status, run }: RunResult, ebb: string): readonly string[] {
  if (status === "stopped") return [`${ebb} apply`, "    resumes it"];
  if (status !== "partial") return [];
  return [`${ebb} runs ${run}`, "    shows what was not applied and why; the next plan tries it again"];
}

/** One run: its outcomes, and the records that were rejected. */
export function renderRun(
  result: RunResult,
  rejected: readonly RejectedChange[],
  directory: string,
  reveal: Reveal,
  ebb: string,
  style: Style,
): string {
  const records = rejected.flatMap(({ sync, key, code, field, message }) => [
    `  ${style("red", "!")} ${cut(sanitise(sync), 26)}  ${cut(reveal.key(sync, key), 48)}`,
    ...wrap(
      [{ text: `${sanitise(code)}${field === null ? "" : ` ${sanitise(field)}`}: ${reveal.words(message)}` }],
      "      ",
      "      ",
      style,
    ),
  ]);
  const [verdict, format] = verdicts[result.status];
  const ended = result.ended === null ? "" : `, ended ${moment(result.ended)}`;
  return [
    style("bold", `Run ${result.run}`),
    `started ${moment(result.started)}${ended}; plan ${shortDigest(result.digest)}`,
    ...outcomeLines(result, style),
    ...(records.length === 0 ? [] : [style("bold", "rejected records"), ...records]),
    style(format, verdict),
    ...wrap([{ text: `kept in ${sanitise(directory)}`, format: "dim" }], "", "  ", style),
    ...nextLines(result.status === "stopped" ? nextSteps(result, ebb) : [], style),
  ].join("\n");
}

/** The vendor's words and the keys are private: they are there only when they were asked for. */
export function runDetailJson(result: RunResult, rejected: readonly RejectedChange[], showValues: boolean): string {
  const records = showValues ? rejected : rejected.map(({ sync, code, field }) => ({ sync, code, field }));
  return toJson({ format_version: JSON_FORMAT, ...result, rejected_records: records });
}

/** A run in the list. */
export interface RunLine {
  readonly run: string;
  readonly started: string;
  readonly status: string;
  readonly applied: number;
  readonly rejected: number;
  /** Skipped, in doubt or not yet sent. */
  readonly other: number;
}

export function lineOf({ run, started, status, syncs }: RunResult): RunLine {
  const all = Object.values(syncs);
  const sum = (count: (n: (typeof all)[number]) => number) => all.reduce((total, n) => total + count(n), 0);
  return {
    run,
    started,
    status: status === "stopped" ? "unfinished" : status,
    applied: sum((n) => n.applied + n.accepted),
    rejected: sum((n) => n.rejected),
    other: sum((n) => n.skipped + n.doubt + n.sent + n.waiting),
  };
}

export function renderRuns(runs: readonly RunLine[], held: readonly HeldCount[], ebb: string, style: Style): string {
  if (runs.length === 0) return "No run yet.";
  const rows = runs.map(({ run, started, status, applied, rejected, other }) => [
    run,
    moment(started).replace(/ UTC$/, ""),
    status,
    ...[applied, rejected, other].map(thousands),
  ]);
  const [title = "", ...lines] = columns(
    [["run", "started (UTC)", "status", "applied", "rejected", "other"], ...rows],
    {
      right: [3, 4, 5],
    },
  );
  const unfinished = runs.some(({ status }) => status === "unfinished");
  const next = unfinished ? [`${ebb} apply`, "    finishes the unfinished run"] : [];
  const quarantine = heldLines(held, ebb, style);
  const rejected = quarantine.length === 0 ? [] : ["", style("bold", "in quarantine"), ...quarantine];
  return [style("bold", title), ...lines, ...rejected, ...nextLines(next, style)].join("\n");
}

export function runsJson(runs: readonly RunLine[], held: readonly HeldCount[]): string {
  const quarantine = held.map(({ sync, rows, givenUp }) => ({ sync, rows, given_up: givenUp }));
  return toJson({ format_version: JSON_FORMAT, runs, quarantine });
}
