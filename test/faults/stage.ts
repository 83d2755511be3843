/** One case: a project, its destination behind a proxy, and what must be true in the end. @module */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bends } from "./ebb/bends.ts";
import { type EbbOptions, type Ended, ebb } from "./process.ts";
import { copyOf, declare, desired, envOf, type ProjectOptions, startSandbox, template, writeRows } from "./project.ts";
import { type FaultProxy, startProxy } from "./proxy.ts";
import { type Person, recordsIn, type Shape } from "./shapes.ts";

export interface Stage {
  readonly shape: Shape;
  readonly directory: string;
  readonly proxy: FaultProxy;
  /** Runs one command, through the proxy. */
  ebb(args: readonly string[], options?: Partial<EbbOptions>): Promise<Ended>;
  /** A second way to the same destination. */
  anotherProxy(): Promise<FaultProxy>;
  /** Changes the sandbox's own faults. */
  sandboxFaults(faults: Readonly<Record<string, unknown>>): Promise<void>;
  /** Ends every session of the sandbox. */
  revoke(): Promise<void>;
  stats(): Promise<Stats>;
  records(): readonly Person[];
  close(): Promise<void>;
}

export interface Stats {
  readonly total: number;
  readonly calls: Readonly<Record<string, number>>;
  readonly violations: number;
  readonly mostInWindow: number;
  readonly duplicates: number;
  readonly written: Readonly<Record<string, number>>;
}

export interface StageOptions extends ProjectOptions {
  /** Rows of a project of its own without any records yet, instead of a copy of the template. */
  readonly rows?: readonly Person[];
  readonly bends?: Bends;
  readonly seed?: number;
}

export async function openStage(shape: Shape, options: StageOptions = {}): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), `ebb-faults-${shape.name}-`));
  if (options.rows) {
    declare(directory, shape, options);
    writeRows(directory, options.rows);
  } else copyOf(await template(shape), directory);
  const sandbox = await startSandbox(shape, join(directory, "crm"));
  const proxies = [await startProxy(sandbox.url, options.seed)];
  const [proxy] = proxies;
  if (!proxy) throw new TypeError("no proxy");
  const bends = { ...shape.bends, ...options.bends };
  return {
    shape,
    directory,
    proxy,
    ebb: (args, more = {}) =>
      ebb(args, {
        cwd: directory,
        ...more,
        env: { ...envOf(sandbox, proxy.url), ...more.env },
        bends: { ...bends, ...more.bends },
      }),
    async anotherProxy() {
      const another = await startProxy(sandbox.url, options.seed);
      proxies.push(another);
      return another;
    },
    async sandboxFaults(faults) {
      await fetch(`${sandbox.url}/__sandbox/faults`, { method: "POST", body: JSON.stringify(faults) });
    },
    async revoke() {
      await fetch(`${sandbox.url}/__sandbox/revoke`, { method: "POST" });
    },
    stats: async () => (await fetch(`${sandbox.url}/__sandbox/stats`)).json() as Promise<Stats>,
    records: () => recordsIn(shape, join(directory, "crm")),
    async close() {
      for (const one of proxies) await one.close();
      await sandbox.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The journal of the run that has not ended. */
export function journalOf({ directory }: Stage): string {
  const runs = join(directory, ".ebb/runs");
  const open = readdirSync(runs).find((name) => !readdirSync(join(runs, name)).includes("result.json"));
  if (open === undefined) throw new RangeError("every run has ended");
  return join(runs, open, "journal.ndjson");
}

/** What is wrong with the destination, record by record. All three are 0 when it is as it should be. */
export interface Verdict {
  /** Records beyond the first with the same e-mail. */
  readonly duplicates: number;
  /** Wanted and not there. */
  readonly lost: number;
  /** There, and with other values or not wanted at all. */
  readonly wrong: number;
}

export const right: Verdict = { duplicates: 0, lost: 0, wrong: 0 };

export function judge(stage: Stage, wanted: readonly Person[] = desired): Verdict {
  const found = stage.records();
  const byEmail = new Map(wanted.map((one) => [one.email, JSON.stringify(one)]));
  const emails = new Set(found.map(({ email }) => email));
  return {
    duplicates: found.length - emails.size,
    lost: wanted.filter(({ email }) => !emails.has(email)).length,
    wrong: found.filter((one) => byEmail.get(one.email) !== JSON.stringify(one)).length,
  };
}

export interface Finish {
  /** The last apply's exit code; 4 (stale) where the run had ended before it was killed. */
  readonly code: number | null;
  readonly applies: number;
  /** Exit code of the plan after it: 0 where nothing is left to change. */
  readonly nextPlan: number | null;
  readonly said: string;
}

/** Applies the same plan again, as a job that is started anew does, until it ends. */
export async function finish(stage: Stage, options: Partial<EbbOptions> = {}): Promise<Finish> {
  for (let applies = 1; ; applies++) {
    const { code, err, out } = await stage.ebb(["apply", "plan.ebb"], options);
    const stale = code === 4 && err.includes("PLAN_STALE");
    if (code !== 0 && !stale && applies < 3) continue;
    const next = await stage.ebb(["plan", "--detailed-exitcode"], options);
    const told = code === 0 && next.code === 0 ? "" : `${err}${out}${next.err}${next.out}`;
    return { code, applies, nextPlan: next.code, said: told };
  }
}
