/**
 * `npx tsx bench/terraform.ts [handshake|small|many|rows]…`: the provider as Terraform runs it, installed in folders of
 * its own, beside bare node and the command line. Needs `npm run build` and a terraform on the PATH.
 */
import { spawn, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { inFolder } from "./harness.ts";

const root = join(import.meta.dirname, "..");
const ebb = join(root, "bin/ebb.js");
const provider = join(root, "bin/terraform-provider-ebb.js");
const cookie = {
  TF_PLUGIN_MAGIC_COOKIE: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
  PLUGIN_PROTOCOL_VERSIONS: "6",
};
/** Nothing of this machine's configuration of Terraform. */
const environment = {
  ...process.env,
  CI: "",
  EBB_PLAN_RECIPIENTS: "",
  CHECKPOINT_DISABLE: "1",
  TF_CLI_CONFIG_FILE: "/dev/null",
};
const asked = process.argv.slice(2);
const wants = (name: string) => asked.length === 0 || asked.includes(name);
const rows: (readonly [what: string, measured: string, wanted: string])[] = [];
const s = (ms: number) => `${(ms / 1000).toFixed(2)} s`;

if (wants("handshake")) {
  const node = await median(15, () => untilEnd(["-e", "0"]));
  const line = await median(15, () => untilLine());
  rows.push([
    "handshake beside bare `node`",
    `${line.toFixed(0)} ms, node ${node.toFixed(0)} ms: +${(line - node).toFixed(0)} ms`,
    "≤ +60 ms",
  ]);
}
if (wants("small"))
  await inFolder(async (directory) => {
    await prepare(directory, ["customer"], 100);
    const first = await median(3, async () => (await terraform(directory, ["plan"])).ms);
    await terraform(directory, ["apply", "-auto-approve"]);
    const idle = await median(5, async () => (await terraform(directory, ["plan"])).ms);
    rows.push(["`terraform plan` of one sync of 100 rows", `first ${s(first)}, nothing to do ${s(idle)}`, "≤ 1.5 s"]);
  });
if (wants("many"))
  await inFolder(async (directory) => {
    const tables = Array.from({ length: 200 }, (_, i) => `t${i}`);
    await prepare(directory, tables, 20);
    const blocks = await terraform(directory, ["plan"]);
    const brief = await terraform(directory, ["plan", "-compact-warnings"]);
    writeFileSync(join(directory, "main.tf.json"), inLines(forEach(tables)));
    const first = await terraform(directory, ["plan", "-out", "p"]);
    const applied = await terraform(directory, ["apply", "p"]);
    const idle = await terraform(directory, ["plan"]);
    rows.push(
      [
        "200 syncs over embedded DuckDB, 20 rows each, one block with `for_each`",
        `plan ${s(first.ms)}, apply ${s(applied.ms)}, plan with nothing to do ${s(idle.ms)}`,
        "plan ≤ 15 s",
      ],
      [
        "the same as 200 blocks of one file, for each of which Terraform reads that file again to quote it",
        `plan ${s(blocks.ms)}, with \`-compact-warnings\` ${s(brief.ms)}`,
        "–",
      ],
    );
  });
if (wants("rows")) {
  const start = await withRows(100);
  const few = await withRows(10_000);
  const many = await withRows(1_000_000);
  const mostMb = await inFolder(async (directory) => {
    await prepare(directory, ["customer"], 10_000_000);
    return (await terraform(directory, ["plan"])).mb;
  });
  const ratio = (a: number, b: number) => `${((100 * a) / b - 100).toFixed(0)} %`;
  rows.push(
    [
      "peak memory of the provider's process, 10k, 1M and (plan) 10M rows",
      `plan ${few.planMb}, ${many.planMb} and ${mostMb} MB, apply ${few.applyMb} and ${many.applyMb} MB`,
      "does not grow with the rows",
    ],
    [
      "1M rows, all new, plan (median of five in turn) and apply of the saved plan, beside `ebb plan --out` and `ebb apply`",
      `plan ${s(many.planMs)} beside ${s(many.cliPlanMs)}: ${ratio(many.planMs, many.cliPlanMs)}; apply ${s(many.applyMs)} beside ${s(many.cliApplyMs)}: ${ratio(many.applyMs, many.cliApplyMs)}`,
      "within 10 %",
    ],
    [
      "the same, less what 100 rows take: what both do before and after",
      `plan ${s(many.planMs - start.planMs)} beside ${s(many.cliPlanMs - start.cliPlanMs)}: ${ratio(many.planMs - start.planMs, many.cliPlanMs - start.cliPlanMs)}; apply ${ratio(many.applyMs - start.applyMs, many.cliApplyMs - start.cliApplyMs)}`,
      "within 10 %",
    ],
  );
}

const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}`;
const table = rows.map((row) => `| ${row.join(" | ")} |`);
process.stdout.write(
  [`Machine: ${machine}`, "", "| what | measured | wanted |", "| --- | --- | --- |", ...table, ""].join("\n"),
);

/** One sync of so many rows, planned in turn by Terraform and by the command line, and applied once by each. */
function withRows(count: number) {
  return inFolder((under) =>
    inFolder(async (own) => {
      await prepare(under, ["customer"], count);
      await data(own, ["customer"], count);
      writeFileSync(join(own, "stack.json"), JSON.stringify(blocksOf(["customer"])));
      writeFileSync(join(own, "manifest.json"), '{ "stacks": { "s": { "synthesizedStackPath": "stack.json" } } }');
      const app = `import { copyFileSync as copy, mkdirSync } from "node:fs";
mkdirSync(process.env.CDKTF_OUTDIR, { recursive: true });
for (const file of ["stack.json", "manifest.json"]) copy(file, process.env.CDKTF_OUTDIR + "/" + file);`;
      writeFileSync(join(own, "app.mjs"), app);
      writeFileSync(join(own, "cdktf.json"), JSON.stringify({ app: `"${process.execPath}" app.mjs` }));
      const cli = (...args: string[]) => measured(process.execPath, [ebb, ...args], own);
      const plans = { ms: [] as number[], mb: 0, cliMs: [] as number[] };
      for (let i = 0; i < 5; i++) {
        const planned = await terraform(under, ["plan", "-out", "p"]);
        plans.ms.push(planned.ms);
        plans.mb = Math.max(plans.mb, planned.mb);
        plans.cliMs.push((await cli("plan", "--out", "p.ebb")).ms);
      }
      const applied = await terraform(under, ["apply", "p"]);
      const cliApplied = await cli("apply", "p.ebb");
      return {
        planMs: middle(plans.ms),
        planMb: plans.mb,
        cliPlanMs: middle(plans.cliMs),
        applyMs: applied.ms,
        applyMb: applied.mb,
        cliApplyMs: cliApplied.ms,
      };
    }),
  );
}

function syncOf(name: string) {
  return {
    name,
    source: { connection: "warehouse", table: name },
    key: ["id"],
    destination: { connection: "crm", object: name },
    mode: "mirror",
    fields: Object.fromEntries(["a", "b", "c"].map((field) => [field, { column: field }])),
  };
}

function stack(resources: Readonly<Record<string, object>>) {
  const connections = { warehouse: { duckdb: { path: "warehouse.duckdb" } }, crm: { duckdb: { path: "crm.duckdb" } } };
  return {
    terraform: { required_providers: { ebb: { source: "ebb/ebb" } } },
    provider: { ebb: [{ connections }] },
    resource: { ebb_sync: resources },
  };
}

/** One block for each table. */
function blocksOf(tables: readonly string[]) {
  return stack(Object.fromEntries(tables.map((name) => [name, syncOf(name)])));
}

/** The same syncs as one block. */
function forEach(tables: readonly string[]) {
  const names = Object.fromEntries(tables.map((name) => [name, name]));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Terraform's, not ours
  return stack({ all: { for_each: names, ...syncOf("${each.key}") } });
}

/** As everybody writes it: Terraform quotes the whole line that a diagnostic is about. */
function inLines(json: object): string {
  return JSON.stringify(json, null, 2);
}

async function prepare(directory: string, tables: readonly string[], count: number): Promise<void> {
  await data(directory, tables, count);
  writeFileSync(join(directory, "main.tf.json"), inLines(blocksOf(tables)));
  must(spawnSync(process.execPath, [ebb, "terraform", "install", directory], { encoding: "utf8" }));
  must(spawnSync("terraform", ["init"], { cwd: directory, encoding: "utf8", env: environment }));
}

async function data(directory: string, tables: readonly string[], count: number): Promise<void> {
  const columns = "i AS id, 'text ' || i AS a, (i * 7) % 1000 AS b, 'user' || i || '@example.com' AS c";
  for (const [file, make] of [
    ["warehouse", (name: string) => `CREATE TABLE ${name} AS SELECT ${columns} FROM range(${count}) t(i)`],
    ["crm", (name: string) => `CREATE TABLE ${name}(id BIGINT PRIMARY KEY, a VARCHAR, b BIGINT, c VARCHAR)`],
  ] as const) {
    const instance = await DuckDBInstance.create(join(directory, `${file}.duckdb`));
    const connection = await instance.connect();
    for (const name of tables) await connection.run(make(name));
    connection.closeSync();
    instance.closeSync();
  }
}

function terraform(directory: string, args: readonly string[]) {
  return measured("terraform", [...args.slice(0, 1), "-no-color", ...args.slice(1)], directory);
}

/** Milliseconds of a command, and the largest peak of memory of a provider that it started. */
async function measured(command: string, args: readonly string[], cwd: string): Promise<{ ms: number; mb: number }> {
  const started = performance.now();
  const child = spawn(command, args, { cwd, env: environment, stdio: ["ignore", "ignore", "pipe"] });
  let err = "";
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  let mb = 0;
  const watch = setInterval(() => {
    mb = Math.max(mb, providerPeak());
  }, 50);
  const status = await new Promise((resolve) => child.on("close", resolve));
  clearInterval(watch);
  must({ status: status as number, stderr: err });
  return { ms: performance.now() - started, mb };
}

function providerPeak(): number {
  const peaks = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(provider)) return 0;
        return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
      } catch {
        return 0;
      }
    });
  return Math.round(Math.max(0, ...peaks));
}

function untilEnd(args: readonly string[]): Promise<number> {
  const started = performance.now();
  must(spawnSync(process.execPath, args, { encoding: "utf8" }));
  return Promise.resolve(performance.now() - started);
}

async function untilLine(): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, [provider], {
    env: { ...process.env, ...cookie },
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const ms = performance.now() - started;
  child.kill();
  await new Promise((resolve) => child.on("close", resolve));
  return ms;
}

async function median(times: number, work: () => Promise<number>): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) all.push(await work());
  return middle(all);
}

function middle(all: readonly number[]): number {
  return all.toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0;
}

function must({ status, stderr }: { readonly status: number | null; readonly stderr: string }): void {
  if (status !== 0) throw new TypeError(`it ended with ${status}: ${stderr}`);
}
