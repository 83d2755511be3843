/** The verb explain: everything about one record, and why a plan does with it what it does. @module */
import { textSql } from "../../core/canonical.ts";
import type { Project } from "../../core/decode.ts";
import { ConfigError } from "../../core/errors.ts";
import type { RejectCode, SyncSummary } from "../../core/plan.ts";
import { ident, literal } from "../../core/sql.ts";
import { suggest } from "../../core/suggest.ts";
import type { Refresh, Sync } from "../../core/sync.ts";
import type { Action, Fields, Reason, Value } from "../../core/types.ts";
import { openConnections } from "../connect/connections.ts";
import { keySql } from "../diff/desired.ts";
import { planSync, type Staged } from "../diff/plan-sync.ts";
import { makePlanFolders } from "../plan-file.ts";
import { unfinishedRuns } from "../run/runs.ts";
import { withScratch, withStaging } from "../staging/scratch.ts";
import { type Staging, table } from "../staging/staging.ts";
import { openState } from "../state/state.ts";
import type { Listener, World } from "../world.ts";
import { type RunOfRecord, recordHistory } from "./history.ts";
import { columnsRead, type Step, stepValues } from "./steps.ts";

export interface ExplainedField {
  readonly field: string;
  readonly steps: readonly Step[];
  /** What the warehouse wants; absent where there is no row. */
  readonly desired?: Value;
  /** What Ebb last left; absent where nothing is recorded of it. */
  readonly recorded?: Value;
  /** What is there now; absent where there is no record, or it was not read. */
  readonly observed?: Value;
  /** The plan writes it. */
  readonly changes: boolean;
  /** Somebody else changed it since. */
  readonly drifted: boolean;
}

export interface Explained {
  readonly sync: Sync;
  readonly key: string;
  readonly basis: SyncSummary["basis"];
  /** Columns of the source's rows with this key; several rows mean that none can be taken. */
  readonly rows: readonly Fields[];
  /** The destination's own identifier. */
  readonly id: string | null;
  readonly recorded: boolean;
  /** Ebb made the record or adopted it, so that mirror may delete it. */
  readonly owned: boolean;
  readonly observed: boolean;
  readonly action: Action | null;
  readonly reason: Reason | null;
  /** With `onDrift: keep`: what somebody else wrote is left. */
  readonly kept: boolean;
  readonly problem: { readonly code: RejectCode; readonly field: string | null } | null;
  readonly fields: readonly ExplainedField[];
  readonly runs: readonly RunOfRecord[];
}

export interface ExplainOptions {
  readonly key: string;
  /** Needed where the project has several. */
  readonly sync?: string | undefined;
  readonly refresh?: Refresh | undefined;
}

/** Rows shown of a key that several have. */
const MOST_ROWS = 5;

/** Plans the sync of the record, without saving anything, and looks at what the diff found. */
export async function explain(
  world: World,
  project: Project,
  options: ExplainOptions,
  listen: Listener,
  signal: AbortSignal,
): Promise<Explained> {
  const declared = chosen(project, options.sync);
  // All rows are wanted, not only those that changed.
  const sync: Sync = { ...declared, diff: "local" };
  const store = openState(world, project.state.directory);
  const state = await store.read();
  const unfinished = await unfinishedRuns(world, store);
  const connections = openConnections(world, project, listen);
  try {
    return await withScratch(async (directory) => {
      await makePlanFolders(world.disk, directory);
      return withStaging({}, async (staging) => {
        let found: Found | undefined;
        const look = async (at: Staging, staged: Staged) => {
          found = await lookUp(at, staged, options.key);
        };
        const input = {
          world,
          sync,
          connections,
          store,
          state,
          unfinished,
          directory,
          tool: world.version,
          listen,
          look,
        };
        const { summary } = await planSync(staging, { ...input, refresh: options.refresh ?? sync.refresh }, signal);
        if (!found)
          throw new ConfigError("SOURCE_FAILED", `sync "${sync.name}" cannot be planned: ${summary.problem ?? ""}`);
        if (found.rows.length === 0 && !found.recorded && !found.observed)
          throw new ConfigError("RECORD_UNKNOWN", `sync "${sync.name}" knows no record with this key`);
        const runs = await recordHistory(world, store, staging, sync.name, found.key);
        return { sync: declared, basis: summary.basis, ...found, runs };
      });
    });
  } finally {
    await connections.close();
  }
}

function chosen({ syncs }: Project, name: string | undefined): Sync {
  const names = syncs.map((sync) => sync.name);
  const [only] = syncs;
  if (name === undefined && only && syncs.length === 1) return only;
  if (name === undefined)
    throw new ConfigError("USAGE", "the project has several syncs", { next: `Add --sync: ${names.join(", ")}.` });
  const found = syncs.find((sync) => sync.name === name);
  if (!found) throw new ConfigError("SYNC_UNKNOWN", `no sync "${name}": ${suggest(name, names)}`);
  return found;
}

type Found = Omit<Explained, "sync" | "basis" | "runs">;

async function lookUp(staging: Staging, { diff, keyTypes, rows }: Staged, given: string): Promise<Found> {
  const { sync, fields, keyType } = diff;
  const key = await canonicalKey(staging, sync, keyTypes, keyType, given);
  const mine = `CAST(key AS VARCHAR) = ${literal(key)}`;
  const texts = (prefix: string) => fields.map(({ type }, i) => `${textSql(`${prefix}${i}`, type)} AS "${prefix}${i}"`);
  const one = async (sql: string) => (await staging.rows<Record<string, unknown>>(`${sql} LIMIT 1`))[0];

  const types = new Map((await staging.describe(`SELECT * FROM ${rows}`)).map(({ name, type }) => [name, type]));
  const parts = sync.key.map((column, i) => ({
    ...{ sql: ident(column), from: types.get(column) ?? "VARCHAR" },
    type: keyTypes[i] ?? ({ kind: "text" } as const),
  }));
  const source = `(SELECT * FROM ${rows} WHERE CAST(${keySql(parts, keyType)} AS VARCHAR) = ${literal(key)})`;
  const columns = columnsRead(
    sync.key,
    fields.map(({ mapping }) => mapping),
  );
  const cells = columns.map((column, i) => `CAST(${ident(column)} AS VARCHAR) AS c${i}`);
  const sourceRows = await staging.rows<Record<string, Value>>(
    `SELECT ${cells.join(", ")} FROM ${source} LIMIT ${MOST_ROWS}`,
  );

  const desired = await one(`SELECT ${texts("f").join(", ")} FROM ${diff.desired} WHERE present AND ${mine}`);
  const known = fields.map((_, i) => `k${i}`).join(", ");
  const recorded = await one(
    `SELECT id, owned, ${[...texts("f"), known].join(", ")} FROM ${table("ledger")} WHERE ${mine}`,
  );
  const observed = diff.observed
    ? await one(`SELECT CAST(id AS VARCHAR) AS id, ${texts("f").join(", ")} FROM ${diff.observed} WHERE ${mine}`)
    : undefined;
  const flags = fields.map((_, i) => `c${i}, s${i}`).join(", ");
  const judged = await one(
    `SELECT action, reason, kept, asked, problem.code AS code, problem.field AS field, ${flags} FROM ${table("judged")} WHERE ${mine}`,
  );
  const rejected = await one(`SELECT code, field FROM ${table("rejected")} WHERE key = ${literal(key)}`);
  const problem = rejected ?? (judged?.code && judged.asked ? judged : undefined);

  const explained: ExplainedField[] = [];
  for (const [i, { name, mapping }] of fields.entries())
    explained.push({
      field: name,
      steps: sourceRows.length > 0 ? await stepValues(staging, mapping, source) : [],
      ...(desired ? { desired: valueIn(desired, `f${i}`) } : {}),
      ...(recorded?.[`k${i}`] ? { recorded: valueIn(recorded, `f${i}`) } : {}),
      ...(observed ? { observed: valueIn(observed, `f${i}`) } : {}),
      changes: judged?.action != null && problem === undefined && judged[`c${i}`] === true,
      drifted: judged?.[`s${i}`] === true,
    });
  return {
    key,
    rows: sourceRows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[`c${i}`] ?? null]))),
    id: (observed?.id ?? recorded?.id ?? null) as string | null,
    recorded: recorded !== undefined,
    owned: recorded?.owned === true,
    observed: observed !== undefined,
    action: problem ? null : ((judged?.action ?? null) as Action | null),
    reason: judged?.action ? (judged.reason as Reason) : null,
    kept: judged?.kept === true,
    problem: problem ? { code: problem.code as RejectCode, field: (problem.field ?? null) as string | null } : null,
    fields: explained,
  };
}

function valueIn(row: Readonly<Record<string, unknown>>, name: string): Value {
  const value = row[name];
  return value === null || value === undefined ? null : String(value);
}

/** A key as somebody types it, in the form it is compared in. Of several parts: a JSON array. */
async function canonicalKey(
  staging: Staging,
  sync: Sync,
  types: Staged["keyTypes"],
  keyType: "BIGINT" | "VARCHAR",
  given: string,
): Promise<string> {
  const texts = sync.key.length === 1 ? [given] : partsOf(given);
  if (texts.length !== sync.key.length)
    throw new ConfigError(
      "USAGE",
      `the key of sync "${sync.name}" has ${sync.key.length} parts: ${sync.key.join(", ")}`,
      {
        next: `Give it as a JSON array, such as '["a", "b"]'.`,
      },
    );
  const parts = texts.map((text, i) => ({
    sql: literal(text),
    from: "VARCHAR",
    type: types[i] ?? ({ kind: "text" } as const),
  }));
  const { key } = await staging.row<{ key: string | null }>(`SELECT CAST(${keySql(parts, keyType)} AS VARCHAR) AS key`);
  return key ?? given;
}

function partsOf(given: string): readonly string[] {
  try {
    const parts: unknown = JSON.parse(given);
    return Array.isArray(parts) ? parts.map(String) : [];
  } catch {
    return [];
  }
}
