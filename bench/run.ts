/** `npm run bench [plan|review|postgres|destinations|startup|html]…`: runs each measurement in a process of its own and prints the table. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { HtmlFigures } from "./html.ts";
import type { HubSpotFigures } from "./hubspot.ts";
import type { PlanFigures } from "./plan.ts";
import type { PostgresFigures } from "./postgres.ts";
import type { ReviewFigures } from "./review.ts";
import type { SalesforceFigures } from "./salesforce.ts";
import type { StartupFigures } from "./startup.ts";

interface Row {
  readonly what: string;
  readonly measured: string;
  readonly wanted: string;
}

const asked = process.argv.slice(2);
const wants = (name: string) => asked.length === 0 || asked.includes(name);
const say = (text: string) => process.stderr.write(`${text}\n`);
const rows: Row[] = [];
const s = (seconds: number) => `${seconds.toFixed(2)} s`;
const ratio = (a: number, b: number) => `${(a / b).toFixed(2)} ×`;

if (wants("plan")) {
  const million = child<PlanFigures>("plan", "1000000", "1", "map");
  const map = million.mapSeconds ?? 0;
  rows.push({
    what: "1M × 10 against a ledger, 1 % changed, beside a JavaScript Map",
    measured: `${s(million.planSeconds)}; Map ${s(map)}: ${ratio(map, million.planSeconds)} as long`,
    wanted: "–",
  });
  for (const [count, percent] of [
    [10, 0],
    [10, 1],
    [20, 1],
  ] as const) {
    const f = child<PlanFigures>("plan", String(count * 1_000_000), String(percent));
    rows.push({
      what: `${count}M × 10 against a ledger, ${percent === 0 ? "nothing" : `${percent} %`} changed`,
      measured: `${s(f.planSeconds)}; bare scan of both sides ${s(f.scanSeconds)}: ${ratio(f.planSeconds, f.scanSeconds)}; peak ${f.peakMb} MB`,
      wanted: "≤ 3 ×, ≤ 1200 MB, flat",
    });
  }
}
if (wants("review"))
  for (const f of child<readonly ReviewFigures[]>("review", "1000000"))
    rows.push({
      what: `a plan of 1M changes as ${f.format}`,
      measured: `${s(f.seconds)}, ${s(f.cpuSeconds)} of processor; peak ${f.peakMb} MB`,
      wanted: "≤ 3 s, ≤ 300 MB",
    });
if (wants("postgres")) {
  const f = child<PostgresFigures | null>("postgres", "1000000");
  rows.push(
    f === null
      ? { what: "1M rows into Postgres", measured: "skipped: no PostgreSQL server is installed here", wanted: "≥ 50 %" }
      : {
          what: "1M rows into an empty Postgres table, first plan and apply, beside a hand-written COPY",
          measured: `plan ${s(f.planSeconds)} + apply ${s(f.applySeconds)}; by hand ${s(f.copySeconds)}: ${Math.round((100 * f.copySeconds) / (f.planSeconds + f.applySeconds))} % of its speed; peak ${f.peakMb} MB`,
          wanted: "≥ 50 %",
        },
  );
}
if (wants("destinations")) {
  const slow = child<SalesforceFigures>("salesforce", "2000", "5");
  rows.push({
    what: "4,000 records to the Salesforce sandbox at 5 calls/s, Collections",
    measured: `${Math.round(100 * (slow.rateUsed ?? 0))} % of the permitted rate, ${slow.violations} violations, ${slow.calls} calls (fewest possible ${slow.fewestCalls})`,
    wanted: "≥ 95 %, 0, the fewest",
  });
  const bulk = child<SalesforceFigures>("salesforce", "20000");
  rows.push({
    what: "20,000 records to the Salesforce sandbox, Bulk API 2.0",
    measured: `${s(bulk.seconds)}, ${bulk.calls} calls (fewest possible ${bulk.fewestCalls})`,
    wanted: "the fewest",
  });
}
if (wants("destinations"))
  for (const action of ["create", "update", "trusted update"]) {
    const f = child<HubSpotFigures>("hubspot", action, "10000");
    rows.push({
      what: `10,000 contacts to the HubSpot sandbox at 100 calls in 10 s, ${action}`,
      measured: `${Math.round(f.perSecond)} records/s, ${f.violations} violations, ${f.calls} calls (fewest possible ${f.fewestCalls}); one record a call: ${f.oneByOne.toFixed(1)} records/s`,
      wanted: "≥ 900 records/s, 0, the fewest",
    });
  }
if (wants("startup")) {
  const f = child<StartupFigures>("startup");
  rows.push(
    {
      what: "`ebb --help` beside bare `node`",
      measured: `${f.helpMs} ms, node ${f.nodeMs} ms: +${f.helpMs - f.nodeMs} ms`,
      wanted: "≤ +100 ms",
    },
    { what: "`ebb plan` of a small stack, synth included", measured: `${f.planMs} ms`, wanted: "≤ 1500 ms" },
  );
}
if (wants("html")) {
  const large = child<HtmlFigures>("html", "1000000");
  rows.push({
    what: "`ebb show --format html` of 1M changes, of which the report holds 200,000",
    measured: `${s(large.seconds)}, peak ${large.peakMb} MB, file ${large.fileMb.toFixed(1)} MB`,
    wanted: "≤ 3 s, ≤ 300 MB",
  });
  const f = child<HtmlFigures>("html", "100000");
  rows.push({
    what: "the same of 100,000 changes, opened in headless Chromium",
    measured: `file ${f.fileMb.toFixed(1)} MB; ${opened(f)}`,
    wanted: "≤ 5 MB; ≤ 1000 ms; ≤ 100 ms",
  });
}

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
const table = [
  `Machine: ${machine}`,
  "",
  "| what | measured | wanted |",
  "| --- | --- | --- |",
  ...rows.map((r) => `| ${r.what} | ${r.measured} | ${r.wanted} |`),
].join("\n");
process.stdout.write(`${table}\n`);
if (asked.length === 0) keep(table);

function opened({ page }: HtmlFigures): string {
  if (page === null) return "no Chromium is installed here";
  const { paintMs, readyMs, filterMs } = page;
  return `first paint ${paintMs} ms, table ${readyMs} ms; slowest of ${filterMs.length} filters ${Math.max(...filterMs)} ms`;
}

/** The last whole run stands in the README between two marks. */
function keep(text: string): void {
  const file = join(import.meta.dirname, "README.md");
  const [before = "", rest = ""] = readFileSync(file, "utf8").split("<!-- last run -->");
  const [, after = ""] = rest.split("<!-- end -->");
  writeFileSync(file, `${before}<!-- last run -->\n\n${text}\n\n<!-- end -->${after}`);
}

function child<T>(name: string, ...args: readonly string[]): T {
  say(`measuring ${name} ${args.join(" ")} …`);
  const file = join(import.meta.dirname, `${name}.ts`);
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--import", "tsx", file, "--child", ...args], {
    encoding: "utf8",
  });
  if (status !== 0) throw new TypeError(`${name} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}
