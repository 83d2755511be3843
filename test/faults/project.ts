/** A project of one sync over a file of rows, and the template most cases start from. @module */
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import hubspot from "../../providers/hubspot/index.ts";
import salesforce from "../../providers/salesforce/index.ts";
import type { Sandbox } from "../../src/connector/index.ts";
import { builtEntry } from "./build.ts";
import { type Ended, ebb } from "./process.ts";
import { csvOf, type Person, people, type Shape } from "./shapes.ts";

export async function startSandbox({ system }: Pick<Shape, "system">, directory: string): Promise<Sandbox> {
  const sandbox = await { salesforce, hubspot }[system].sandbox?.();
  if (!sandbox) throw new TypeError(`${system} has no sandbox`);
  return sandbox.startSandbox({ port: 0, directory });
}

/** What the project's stack needs of the environment. */
export function envOf({ credentials }: Sandbox, url: string): Readonly<Record<string, string>> {
  return { CRM_URL: url, CRM_SECRET: credentials.clientSecret ?? credentials.accessToken ?? "" };
}

export interface ProjectOptions {
  readonly callsPerSecond?: number;
  /** Seconds of the window they are counted in (default 1). A longer one leaves more room for a busy machine's delays. */
  readonly windowSeconds?: number;
}

/** Writes the declaration. It synthesizes without a process of its own. */
export function declare(
  directory: string,
  shape: Shape,
  { callsPerSecond = 1_000, windowSeconds = 1 }: ProjectOptions = {},
): void {
  const rate = { calls: callsPerSecond * windowSeconds, seconds: windowSeconds };
  const connection = {
    salesforce: {
      login_url: "https://acme.my.salesforce.com",
      client_id: "ebb-sandbox-client",
      client_secret: "env:CRM_SECRET",
    },
    hubspot: { access_token: "env:CRM_SECRET" },
  }[shape.system];
  const options = { ...connection, base_url: "env:CRM_URL", rate_limit: rate };
  const connections = { warehouse: { duckdb: {} }, crm: { [shape.system]: options } };
  const sync = {
    source: { connection: "warehouse", file: "people.csv" },
    key: [shape.key],
    destination: { connection: "crm", object: shape.object, match_on: [shape.matchOn] },
    mode: "mirror",
    fields: Object.fromEntries(
      Object.entries(shape.fields)
        .filter(([column]) => column !== shape.key)
        .map(([column, field]) => [field, { column, privacy: "public" }]),
    ),
    guards: { max_deletes: 100_000, max_delete_percent: 100 },
  };
  const stack = {
    provider: { ebb: [{ connections, state: { local: { directory: ".ebb" } } }] },
    resource: { ebb_sync: { people: sync } },
  };
  const out = join(directory, "cdktf.out");
  mkdirSync(join(out, "stacks/faults"), { recursive: true });
  writeFileSync(join(out, "stacks/faults/cdk.tf.json"), JSON.stringify(stack));
  const manifest = { stacks: { faults: { synthesizedStackPath: "stacks/faults/cdk.tf.json" } } };
  writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(directory, "cdktf.json"), JSON.stringify({ app: "touch cdktf.out/manifest.json" }));
}

export function writeRows(directory: string, rows: readonly Person[]): void {
  writeFileSync(join(directory, "people.csv"), csvOf(rows));
}

/** What the template's plan is to bring about: 40 creates, 20 updates, 10 deletes. */
export const desired: readonly Person[] = [...people(0, 20, " changed"), ...people(30, 70)];

const FRESH_MS = 3_600_000;

/**
 * A project with 30 records applied and a plan saved that makes them {@link desired}, with its destination in `crm/`.
 * Made once and kept with the build.
 */
export async function template(shape: Shape): Promise<string> {
  const about = createHash("sha256").update(JSON.stringify(shape)).digest("hex").slice(0, 8);
  const folder = join(dirname(builtEntry()), "templates", `${shape.name}-${about}`);
  if (existsSync(folder) && Date.now() - statSync(folder).mtimeMs < FRESH_MS) return folder;
  // Too old: its plan would expire.
  rmSync(folder, { recursive: true, force: true });
  const aside = `${folder}.${process.pid}`;
  declare(aside, shape);
  writeRows(aside, people(0, 30));
  const crm = join(aside, "crm");
  const sandbox = await startSandbox(shape, crm);
  const env = envOf(sandbox, sandbox.url);
  try {
    const run = (...args: readonly string[]) => ebb(args, { cwd: aside, env });
    expectDone(await run("plan", "--out", "first.ebb"));
    expectDone(await run("apply", "first.ebb"));
    writeRows(aside, desired);
    expectDone(await run("plan", "--out", "plan.ebb"));
  } finally {
    await sandbox.close();
  }
  try {
    renameSync(aside, folder);
  } catch (error) {
    // Another process made the same.
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

export function copyOf(folder: string, to: string): void {
  cpSync(folder, to, { recursive: true });
}

function expectDone({ code, err, out }: Ended): void {
  if (code !== 0) throw new RangeError(`exit ${code}: ${err}${out}`);
}
