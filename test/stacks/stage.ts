/**
 * A stack of `stacks/` in a folder of its own, with the environment of a production run: only the addresses are those of
 * sandboxes. The Snowflake role reads, and is the user's only one.
 * @module
 */
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import ts from "typescript";
import type { TestContext } from "vitest";
import { startSandbox as startSnowflake } from "../../providers/snowflake/sandbox.ts";
import { ask, type Row, runSql } from "../../scripts/example/sandboxes.ts";
import type { PlanSummary } from "../../src/core/plan.ts";
import { type Ended, ebb, root, scratch } from "../cli/run.ts";

/** The key pair of the service user. */
const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

export interface StageSetup {
  /** Name of the stack. */
  readonly stack: string;
  /** SQL that fills the warehouse. */
  readonly warehouse: string;
  /** The variables of the CRM. */
  readonly env: Readonly<Record<string, string>>;
  /** What somebody changed in the stack: a text of it, and what stands there instead. */
  readonly changed?: readonly [from: string, to: string] | undefined;
}

/** Takes what is to be done when a test is over. Of many that run at once, each has its own. */
export type Finish = TestContext["onTestFinished"];

export interface Running {
  /** `kill -9`; answers once the process is gone. */
  kill(): Promise<void>;
}

export interface Stage {
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Plans into `plan.ebb`; the plan's JSON. */
  plan(): Promise<PlanSummary>;
  /** Starts a command and leaves it running. */
  start(args: readonly string[]): Running;
  sql(statements: string): Promise<readonly (readonly unknown[])[]>;
}

export async function openStage(finish: Finish, { stack, warehouse, env: crm, changed }: StageSetup): Promise<Stage> {
  const place = scratch();
  const { directory } = place;
  finish(() => place.clear());
  const sandbox = await startSnowflake({ port: 0, faults: { publicKey: keys.publicKey, roles: ["EBB_READER"] } });
  finish(() => sandbox.close());
  await runSql(sandbox, warehouse);
  const declared = readFileSync(join(root, "stacks", `${stack}.ts`), "utf8");
  if (changed && !declared.includes(changed[0])) throw new RangeError(`${stack}.ts does not hold: ${changed[0]}`);
  const source = changed ? declared.replace(...changed) : declared;
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  writeFileSync(join(directory, "main.mjs"), ts.transpileModule(source, { compilerOptions }).outputText);
  writeFileSync(join(directory, "cdktf.json"), JSON.stringify({ app: "node main.mjs" }));
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(root, join(directory, "node_modules", "ebb"), "dir");
  const env = {
    SNOWFLAKE_URL: sandbox.url,
    SNOWFLAKE_ACCOUNT: "SANDBOX",
    SNOWFLAKE_USER: "EBB",
    SNOWFLAKE_ROLE: "EBB_READER",
    SNOWFLAKE_WAREHOUSE: "EBB_WH",
    SNOWFLAKE_PRIVATE_KEY: keys.privateKey,
    EBB_SHOW_VALUES_IN_LOGS: "1",
    ...crm,
  };
  const run: Stage["run"] = (args, more = {}) => ebb(args, { cwd: directory, env: { ...env, ...more } });
  return {
    run,
    async plan() {
      const { code, out, err } = await run(["plan", "--out", "plan.ebb", "--json"]);
      if (code !== 0) throw new RangeError(`ebb plan ended with ${code}\n${out}\n${err}`);
      return JSON.parse(out) as PlanSummary;
    },
    start(args) {
      let kill = () => {};
      const ended = ebb(args, {
        cwd: directory,
        env,
        meanwhile: (child) => {
          kill = () => child.kill("SIGKILL");
        },
      });
      return {
        async kill() {
          kill();
          const { code, out, err } = await ended;
          if (code !== null) throw new RangeError(`it had ended with ${code} before it was killed\n${out}\n${err}`);
        },
      };
    },
    sql: (statements) => runSql(sandbox, statements),
  };
}

/** How many records the sandbox of a CRM has updated. */
export async function updates(url: string): Promise<number> {
  const { written } = (await ask(`${url}/__sandbox/stats`)) as { readonly written: { readonly update?: number } };
  return written.update ?? 0;
}

export async function fault(url: string, faults: Row): Promise<void> {
  await ask(`${url}/__sandbox/faults`, { method: "POST", body: JSON.stringify(faults) });
}

/** Waits until that many updates have landed. */
export async function untilUpdated(url: string, wanted: number): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await updates(url)) < wanted) {
    if (Date.now() > deadline) throw new RangeError(`the CRM never had ${wanted} updates`);
    await wait(20);
  }
}
