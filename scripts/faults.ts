/**
 * The whole fault suite: every kill, the other rows of the matrix, and the figures for the README.
 *
 *   npm run faults                  everything
 *   npm run faults -- --quick       a tenth of the kills, one seed
 *   npm run faults -- --row 17      one row of the matrix
 *   npm run faults -- --sabotage    does each sabotage in a copy and looks whether its test notices;
 *                                   with --only TEXT those of such a name
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../test/faults/build.ts";
import type { KillResult } from "../test/faults/kill.ts";
import { type RandomKills, randomKills } from "../test/faults/random-kills.ts";
import { type Row, rows } from "../test/faults/rows.ts";
import { copyProject, failing, sabotage } from "../test/faults/sabotage.ts";
import { sabotages } from "../test/faults/sabotages.ts";
import { allKills } from "../test/faults/whole.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    row: { type: "string" },
    sabotage: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});

const say = (text: string) => void process.stderr.write(`${text}\n`);
const print = (text: string) => void process.stdout.write(`${text}\n`);

function table(head: readonly string[], lines: readonly (readonly (string | number)[])[]): void {
  print(`| ${head.join(" | ")} |\n|${head.map(() => "---|").join("")}`);
  for (const line of lines) print(`| ${line.join(" | ")} |`);
  print("");
}

async function kills(): Promise<boolean> {
  const started = Date.now();
  const results = await allKills({
    share: values.quick ? 0.1 : 1,
    seed: 1,
    onResult: ({ shape, point, survived, finish }, done, of) => {
      if (!survived) say(`NOT SURVIVED ${shape} ${point}\n${finish.said}`);
      else if (done % 20 === 0) say(`${done} of ${of} kills`);
    },
  });
  const seconds = Math.round((Date.now() - started) / 1_000);
  const shapes = [...new Set(results.map(({ shape }) => shape))];
  const sum = (of: readonly KillResult[], one: "duplicates" | "lost" | "wrong" | "repeated") =>
    of.reduce((total, result) => total + result[one], 0);
  print("## Kills at named points\n");
  table(
    ["create class", "kills", "survived", "duplicates", "lost", "wrong", "batches sent again", "of one kill at most"],
    shapes.map((shape) => {
      const of = results.filter((result) => result.shape === shape);
      const most = Math.max(...of.map(({ repeated }) => repeated));
      const survived = of.filter((one) => one.survived).length;
      return [
        shape,
        of.length,
        survived,
        sum(of, "duplicates"),
        sum(of, "lost"),
        sum(of, "wrong"),
        sum(of, "repeated"),
        most,
      ];
    }),
  );
  print(`${seconds} s.\n`);
  return results.every(({ survived }) => survived);
}

async function random(): Promise<boolean> {
  const seeds = values.quick ? [1] : [1, 2, 3];
  const results: (RandomKills & { readonly seed: number })[] = [];
  for (const seed of seeds) {
    results.push({ seed, ...(await randomKills({ seed, kills: 20, records: 800, batch: 2, resets: 0.02 })) });
    say(`seed ${seed}: ${JSON.stringify(results.at(-1))}`);
  }
  print("## Kills at random\n");
  table(
    [
      "seed",
      "kills",
      "batches",
      "records in doubt",
      "duplicates",
      "lost",
      "batches sent again",
      "worst second",
      "permitted",
      "429",
      "peak of an apply",
      "time",
    ],
    results.map((r) => [
      r.seed,
      r.kills,
      r.batches,
      r.inDoubt,
      r.duplicates,
      r.lost,
      r.repeated,
      r.worstSecond,
      r.permitted,
      r.violations,
      `${r.peakMb} MB`,
      `${r.seconds} s`,
    ]),
  );
  return results.every(
    (r) => r.duplicates + r.lost + r.wrong === 0 && r.nextPlan === 0 && r.worstSecond <= r.permitted,
  );
}

interface Told {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Runs this folder's tests of some rows; how many passed, by row. */
function others(wanted: readonly Row[]): ReadonlyMap<number, string> {
  const files = [...new Set(wanted.flatMap(({ here }) => here.map(({ file }) => file)))];
  const folder = mkdtempSync(join(tmpdir(), "ebb-faults-report-"));
  const file = join(folder, "report.json");
  try {
    if (files.length > 0) {
      const names = wanted.flatMap(({ here }) => here.flatMap(({ name }) => name ?? []));
      const args = [
        "vitest",
        "run",
        ...files,
        "-t",
        names.map((name) => `${name}\\b`).join("|"),
        "--reporter=json",
        `--outputFile=${file}`,
      ];
      spawnSync("npx", args, {
        cwd: root,
        env: { ...process.env, EBB_FAULTS: "all" },
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
    const told = files.length > 0 ? (JSON.parse(readFileSync(file, "utf8")) as Told).testResults : [];
    const tests = told.flatMap(({ assertionResults }) => assertionResults);
    return new Map(
      wanted.map(({ row, here }) => {
        const own = tests.filter(
          ({ fullName, status }) =>
            here.some(({ name = "" }) => fullName.includes(name)) && status !== "pending" && status !== "skipped",
        );
        for (const { fullName, status } of own) if (status === "failed") say(`FAILED ${fullName}`);
        const passed = own.filter(({ status }) => status === "passed").length;
        return [row, own.length === 0 ? "" : `${passed} of ${own.length}`] as const;
      }),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function matrix(wanted: readonly Row[]): boolean {
  const results = others(wanted);
  print("## The matrix\n");
  table(
    ["row", "fault", "how", "here", "elsewhere, or why not"],
    wanted.map(({ row, fault, how, elsewhere = [], not = "" }) => {
      const places = elsewhere.map(({ file, name }) => `\`${file}\`${name ? ` "${name}"` : ""}`).join(", ");
      return [row, fault, how, row <= 2 ? "above" : (results.get(row) ?? ""), [places, not].filter(Boolean).join("; ")];
    }),
  );
  return [...results.values()].every((told) => told === "" || /^(\d+) of \1$/.test(told));
}

function allSabotages(): boolean {
  const { directory, clear } = copyProject();
  const sound = new Map<string, boolean>();
  try {
    const chosen = sabotages.filter(({ what }) => what.includes(values.only));
    const results = chosen.map((one) => {
      const at = JSON.stringify(one.test);
      if (!sound.has(at)) {
        const said = failing(directory, one);
        if (said) say(said);
        sound.set(at, said === "");
      }
      const whole = sound.get(at);
      const noticed = whole ? sabotage(directory, one) : undefined;
      const verdict = noticed === undefined ? "the test fails without it" : noticed.noticed ? "noticed" : "NOT NOTICED";
      say(`${verdict}: ${one.what}${noticed?.said ? `\n${noticed.said}` : ""}`);
      return { ...one, verdict };
    });
    print("## Sabotages\n");
    table(
      ["what is done wrong", "where", "by", ""],
      results.map(({ what, file, test, verdict }) => [what, file, `${test.path} "${test.name}"`, verdict]),
    );
    return results.every(({ verdict }) => verdict === "noticed");
  } finally {
    clear();
  }
}

async function everything(): Promise<boolean> {
  const wanted = values.row === undefined ? rows : rows.filter(({ row }) => String(row) === values.row);
  if (wanted.length === 0) throw new RangeError(`there is no row ${values.row}`);
  const has = (row: number) => wanted.some((one) => one.row === row);
  const held = [
    has(1) ? await kills() : true,
    has(2) ? await random() : true,
    matrix(wanted.map((one) => (one.row <= 2 ? { ...one, here: [] } : one))),
  ];
  return held.every(Boolean);
}

process.exitCode = (values.sabotage ? allSabotages() : await everything()) ? 0 : 1;
