/**
 * Records the destination rejected: kept with the reason and how often they were tried, until they are applied, are not
 * wanted any more, or their row changes. The next plan tries them again; after some attempts it gives them up, so that
 * they cost no call and no look any more. Beside them creates in doubt (`IN_DOUBT`, no attempts), for plans that read nothing.
 * @module
 */
import { join } from "node:path";
import type { PlannedSync } from "../../core/plan.ts";
import { literal } from "../../core/sql.ts";
import { changesFrom } from "../diff/changes.ts";
import { Status, type SyncProgress } from "../run/progress.ts";
import type { LoadedRun } from "../run/runs.ts";
import { columnPages, type Staging, table } from "../staging/staging.ts";
import type { World } from "../world.ts";
import { isOfRun, rowsFile, writeRows } from "./rows-file.ts";
import { fileName, type StateStore } from "./state.ts";

/** As the state lists it. Columns: key, action, code, field, message, attempts, wanted, first, last. */
export interface QuarantineState {
  /** Path below the state folder. */
  readonly file: string;
  readonly rows: number;
  /** Of those, the ones that are not tried again. */
  readonly givenUp: number;
}

/** SQL of what a change wants, so that a row that has changed is told from one that has not. `after` is NULL for a delete. */
export function wantedSql(after: string): string {
  return `md5(coalesce(CAST(to_json(${after}) AS VARCHAR), ''))`;
}

/** What is in quarantine when a run has ended; undefined when nothing is. */
export async function foldQuarantine(
  world: World,
  staging: Staging,
  store: StateStore,
  run: LoadedRun,
  planned: PlannedSync,
  before: QuarantineState | undefined,
  serial: number,
): Promise<QuarantineState | undefined> {
  const progress = run.progress.get(planned.sync.name);
  if (!progress) return before;
  // The run was folded before its end, and is folded again: its attempts are counted already.
  if (before && isOfRun(before.file, run.run)) return before;
  if (progress.rejected.size === 0 && !before && !progress.status.includes(Status.doubt)) return undefined;

  const name = fileName(planned.sync.name);
  const [now, open] = [`refused_${name}`, `open_${name}`];
  await staging.loadText(now, ["n", "code", "field", "message"], columnPages(4, refused(progress)));
  await staging.loadText(open, ["n", "doubt"], columnPages(2, unsettled(progress)));
  const changes = changesFrom(run.files.plan, planned);
  const held = `read_parquet(${literal(join(run.files.plan, "rejected", `${planned.file}.parquet`))})`;
  const earlier = before
    ? `read_parquet(${literal(store.path(before.file))})`
    : "(SELECT '' AS key, '' AS action, '' AS code, '' AS field, '' AS message, 0::BIGINT AS attempts, '' AS wanted, '' AS first, '' AS last WHERE false)";
  const id = literal(run.run);
  const file = rowsFile(world, { kind: "quarantine", sync: planned.sync.name, serial, run: run.run });
  const rows = await writeRows(
    world,
    store,
    staging,
    file,
    `WITH refused AS (
         SELECT CAST(c.key AS VARCHAR) AS key, c.action, r.code, r.field, r.message, ${wantedSql("c.after")} AS wanted
         FROM ${changes} c JOIN (SELECT CAST(n AS BIGINT) AS n, code, field, message FROM ${table(now)}) r USING (n)
       ), unsettled AS (
         SELECT CAST(c.key AS VARCHAR) AS key, c.action, ${wantedSql("c.after")} AS wanted, o.doubt
         FROM ${changes} c JOIN (SELECT CAST(n AS BIGINT) AS n, doubt = '1' AS doubt FROM ${table(open)}) o USING (n)
       ), earlier AS (SELECT * FROM ${earlier})
       SELECT r.key, r.action, r.code, r.field, r.message, coalesce(e.attempts, 0) + 1 AS attempts, r.wanted,
              coalesce(e.first, ${id}) AS first, ${id} AS last
       FROM refused r LEFT JOIN earlier e ON e.key = r.key AND e.action = r.action AND e.wanted = r.wanted
       UNION ALL
       SELECT key, action, 'IN_DOUBT', NULL, 'the answer was lost', 0, wanted, ${id}, ${id} FROM unsettled WHERE doubt AND action = 'create'
       UNION ALL
       SELECT e.* FROM earlier e WHERE e.key NOT IN (SELECT key FROM refused)
         AND (e.key IN (SELECT key FROM ${held} WHERE code IN ('GIVEN_UP', 'IN_DOUBT'))
              OR e.key IN (SELECT key FROM unsettled WHERE NOT (doubt AND action = 'create')))`,
  );
  const path = store.path(file);
  if (rows === 0) {
    await world.disk.remove(path);
    return undefined;
  }
  const most = planned.sync.giveUpAfter;
  const { n } = await staging.row<{ n: string }>(
    `SELECT count(*) FILTER (${most} > 0 AND attempts >= ${most}) AS n FROM read_parquet(${literal(path)})`,
  );
  return { file, rows, givenUp: Number(n) };
}

function* refused({ rejected }: SyncProgress): Iterable<readonly (string | null)[]> {
  for (const [n, code, field, message] of rejected.values()) yield [String(n), code, field, message ?? null];
}

/** Positions of changes that were neither applied nor rejected: what was in quarantine before stays there. */
function* unsettled({ status }: SyncProgress): Iterable<readonly string[]> {
  for (let n = 0; n < status.length; n++)
    if (status[n] === Status.skipped || status[n] === Status.doubt)
      yield [String(n), status[n] === Status.doubt ? "1" : "0"];
}
