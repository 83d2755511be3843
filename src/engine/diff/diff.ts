/**
 * The three-way diff, as joins in the staging engine.
 *
 * First the row hashes of the two sides are joined on the key, and only rows that differ are kept (`candidate`).
 * Then those rows alone are looked at field by field, with the null policy, `onlyIfEmpty`, `createOnly` and `onDrift`.
 *
 * @module
 */

import { sqlType } from "../../core/canonical.ts";
import { literal, noRows } from "../../core/sql.ts";
import type { Sync } from "../../core/sync.ts";
import { type Staging, table } from "../staging/staging.ts";
import { problemSql } from "../validate.ts";
import { stageDiffering } from "./differing.ts";
import type { SyncField } from "./fields.ts";
import { holdGivenUp } from "./given-up.ts";
import { nothingObserved } from "./observe.ts";
import { leaveToOthers } from "./undo.ts";

export interface DiffInput {
  readonly sync: Sync;
  readonly fields: readonly SyncField[];
  readonly keyType: "BIGINT" | "VARCHAR";
  /** Relations: desired (present, key, f, b, h), ledger (key, id, owned, f, k, h), observed (id, key, f, h) or none. */
  readonly desired: string;
  readonly failing: readonly number[];
  readonly sourceKeys: number;
  readonly sourceNulls: number;
  /** Parts the two sides are joined in; see `partsFor`. */
  readonly parts: number;
  readonly ledger: string;
  readonly ledgerRows: number;
  readonly observed: string | null;
  readonly ambiguous: string | null;
  readonly idIsKey: boolean;
  /** This is the rollback of a run. */
  readonly undoes: boolean;
  /** Parquet file of what the destination rejected before, where there is any. */
  readonly quarantine: string | null;
}

/** What there is of a record: it is to be made, or it is there or to go. A side that no record is on has no table. */
export type Side = "fresh" | "standing";

/** Fills `candidate`: every row that may be a change, a confirmation or a rejection. */
export async function stageCandidates(staging: Staging, input: DiffInput): Promise<void> {
  const { desired, observed, ledger } = input;
  const recorded = `(SELECT key, h, owned FROM ${ledger})`;
  const deletes = input.sync.mode === "mirror";
  // Only the key and the hash of the other side enter the join: it stays small, the source streams past it.
  if (observed) {
    await staging.run(
      `CREATE OR REPLACE TABLE ${table("candidate")} AS
       SELECT d.* EXCLUDE (key, h), coalesce(d.key, o.key) AS key, d.key IS NULL AND d.present AS key_null
       FROM (SELECT * FROM ${desired}) d ${deletes ? "FULL" : "LEFT"} JOIN (SELECT key, h FROM ${observed}) o ON d.key = o.key
       LEFT JOIN ${recorded} r ON r.key = coalesce(d.key, o.key)
       WHERE CASE WHEN d.present THEN d.h IS DISTINCT FROM o.h OR d.h IS DISTINCT FROM r.h${input.sync.adopt ? " OR NOT r.owned" : ""} ELSE coalesce(r.owned, false) END`,
    );
  } else if (input.parts > 1) {
    await stagePartedCandidates(staging, input);
  } else {
    await staging.run(
      `CREATE OR REPLACE TABLE ${table("candidate")} AS
       SELECT d.* EXCLUDE (key, h), coalesce(d.key, r.key) AS key, d.key IS NULL AND d.present AS key_null, r.key IS NOT NULL AS known
       FROM (SELECT * FROM ${desired}) d FULL JOIN (SELECT key, h FROM ${recorded}) r ON d.key = r.key
       WHERE d.h IS DISTINCT FROM r.h`,
    );
  }
  await stageRejects(staging, input);
}

/** The same as the join of all rows, for many. The rows themselves are read again only where there is a difference. */
async function stagePartedCandidates(staging: Staging, { desired, ledger, ...input }: DiffInput): Promise<void> {
  const differing = await stageDiffering(staging, { desired, ledger, parts: input.parts });
  const some = differing > 0 || input.sourceNulls > 0;
  await staging.run(
    `CREATE OR REPLACE TABLE ${table("candidate")} AS
     SELECT d.* EXCLUDE (h), d.key IS NULL AS key_null, coalesce(x.known, false) AS known
     FROM (SELECT * FROM ${desired} WHERE ${some}) d LEFT JOIN ${table("differing")} x ON x.key = d.key
     WHERE d.key IS NULL OR x.key IS NOT NULL
     UNION ALL BY NAME SELECT key, false AS key_null, known FROM ${table("differing")} WHERE NOT present`,
  );
}

/** Rows that cannot be planned for their key's sake go to `rejected` and leave `candidate`. */
async function stageRejects(staging: Staging, input: DiffInput): Promise<void> {
  await staging.run(
    `CREATE OR REPLACE TABLE ${table("rejected")} (key VARCHAR, code VARCHAR, field VARCHAR, count BIGINT)`,
  );
  const rejectKeys = async (keys: string, code: string) => {
    await staging.run(
      `INSERT INTO ${table("rejected")} SELECT CAST(key AS VARCHAR), ${literal(code)}, NULL, n FROM (${keys})`,
    );
    await staging.run(`DELETE FROM ${table("candidate")} WHERE key IN (SELECT key FROM (${keys}))`);
  };
  if (input.sourceNulls > 0) {
    await staging.run(
      `INSERT INTO ${table("rejected")} SELECT NULL, 'KEY_NULL', NULL, count(*) FROM ${table("candidate")} WHERE key_null HAVING count(*) > 0`,
    );
    await staging.run(`DELETE FROM ${table("candidate")} WHERE key_null`);
  }
  if (await mayHaveDuplicates(staging, input)) {
    const duplicates = await staging.make(
      "duplicate",
      `SELECT key, count(*) AS n FROM (SELECT key FROM ${input.desired}) WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1`,
    );
    if (duplicates > 0) await rejectKeys(`SELECT key, n FROM ${table("duplicate")}`, "KEY_DUPLICATE");
  }
  if (input.ambiguous)
    await rejectKeys(
      `SELECT key, 1 AS n FROM ${input.ambiguous} WHERE key IN (SELECT key FROM ${table("candidate")} WHERE present)`,
      "AMBIGUOUS",
    );
}

/**
 * Without a destination read, the join has already told: of the ledger's distinct keys, `ledger − gone` met a row, so
 * more matches than that are duplicates, and new keys can be counted by themselves. This spares a grouping of all rows.
 */
async function mayHaveDuplicates(staging: Staging, input: DiffInput): Promise<boolean> {
  if (input.observed) return true;
  const found = await staging.row<{ fresh: string; distinct_fresh: string; gone: string }>(
    `SELECT count(*) FILTER (present AND NOT known) AS fresh, count(DISTINCT key) FILTER (present AND NOT known) AS distinct_fresh,
            count(*) FILTER (present IS NULL) AS gone FROM ${table("candidate")}`,
  );
  const matched = input.sourceKeys - Number(found.fresh);
  return Number(found.fresh) > Number(found.distinct_fresh) || matched > input.ledgerRows - Number(found.gone);
}

/** Looks at the candidates field by field and fills `judged`, `confirmed` and `rejected`. Answers which sides there are. */
export async function stageChanges(staging: Staging, input: DiffInput): Promise<readonly Side[]> {
  const { fields } = input;
  const each = (make: (i: number) => string) => fields.map((_, i) => `, ${make(i)}`).join("");
  const sides = await stageJudged(staging, input);
  if (input.undoes) await leaveToOthers(staging, sides);
  await holdGivenUp(staging, input, sides);
  const of = {
    fresh: `SELECT *${each((i) => freshSql(input, i))} FROM ${table("fresh")}`,
    standing: `SELECT * FROM ${table("standing")}`,
  };
  const all = sides.map((side) => of[side]).join(" UNION ALL BY NAME ") || nobodySql(input);
  const full = input.observed !== null;
  const confirmed = `${full} AND wanted AND there AND action IS NULL AND problem IS NULL AND NOT kept AND NOT differs AND NOT recorded`;
  // Judged, the candidates are needed no more, and sorting the changes wants the room.
  await staging.run(
    `CREATE OR REPLACE VIEW ${table("judged")} AS SELECT *, ${confirmed} AS confirmed FROM (${all});
     CREATE OR REPLACE VIEW ${table("confirmed")} AS SELECT * FROM ${table("judged")} WHERE confirmed;
     DROP TABLE ${table("candidate")}`,
  );
  for (const side of sides)
    await staging.run(
      `INSERT INTO ${table("rejected")} SELECT CAST(key AS VARCHAR), problem.code, problem.field, 1 FROM ${table(side)} WHERE problem IS NOT NULL AND (asked OR problem.code = 'GIVEN_UP')`,
    );
  return sides;
}

/** Makes the table of each side that a candidate is on. Where nothing differs, which is the usual case, that is none. */
async function stageJudged(staging: Staging, input: DiffInput): Promise<readonly Side[]> {
  const { n } = await staging.row<{ n: string }>(`SELECT count(*) AS n FROM ${table("candidate")}`);
  const candidates = Number(n);
  if (candidates === 0) return [];
  const settled = settledSql(input, await joinedSql(staging, input));
  // New records need no image of what was there: most of a first plan's columns would be empty.
  const fresh = await staging.make("fresh", judgedSql(input, settled, "fresh"));
  if (fresh === candidates) return ["fresh"];
  await staging.make("standing", judgedSql(input, settled, "standing"));
  return fresh === 0 ? ["standing"] : ["fresh", "standing"];
}

/** What is wanted, what is there and what is recorded of each candidate, side by side. */
async function joinedSql(staging: Staging, input: DiffInput): Promise<string> {
  const { fields, keyType } = input;
  const full = input.observed !== null;
  if (input.ledgerRows > 0)
    await staging.make(
      "recorded",
      `SELECT * FROM ${input.ledger} WHERE key IN (SELECT key FROM ${table("candidate")})`,
    );
  const recorded = input.ledgerRows > 0 ? table("recorded") : input.ledger;
  const observed = input.observed ?? nothingObserved(fields, keyType);
  const each = (make: (i: number) => string) => fields.map((_, i) => `, ${make(i)}`).join("");
  const base = full ? "o" : "r";
  // A record that somebody else made anew under the same key is theirs.
  const owned = input.idIsKey ? "coalesce(r.owned, false)" : `coalesce(r.owned AND r.id = ${base}.id, false)`;
  return `SELECT d.key, coalesce(d.present, false) AS wanted, ${base}.key IS NOT NULL AS there, r.key IS NOT NULL AS known,
            coalesce(${base}.id, r.id) AS id, r.id AS known_id, ${owned} AS owned
            ${each((i) => `d.f${i} AS d${i}`)} ${each((i) => `${base}.f${i} AS o${i}`)}
            ${each((i) => `r.f${i} AS r${i}`)} ${each((i) => `coalesce(r.k${i}, false) AS k${i}`)}
            ${input.failing.map((i) => `, coalesce(d.b${i}, false) AS b${i}`).join("")}
     FROM ${table("candidate")} d LEFT JOIN ${observed} o ON o.key = d.key LEFT JOIN ${recorded} r ON r.key = d.key`;
}

/**
 * Per field: what it will be (`a`), whether that is a change (`c`), whether somebody else moved it (`s`), and both (`w`);
 * and with `onDrift: keep` what is recorded of it (`l`).
 */
function settledSql({ sync, fields, observed }: DiffInput, joined: string): string {
  const full = observed !== null;
  const keep = sync.onDrift === "keep";
  const columns = fields.map(({ mapping }, i) => {
    const drifted = full ? `(known AND k${i} AND o${i} IS DISTINCT FROM r${i})` : "false";
    const moved = full ? `(known AND k${i} AND (NOT wanted OR d${i} IS DISTINCT FROM r${i}))` : "true";
    let wanted = `d${i}`;
    if (mapping.whenNull === "keep") wanted = `coalesce(d${i}, o${i})`;
    if (mapping.onlyIfEmpty)
      wanted = `CASE WHEN o${i} IS NULL OR CAST(o${i} AS VARCHAR) = '' THEN ${wanted} ELSE o${i} END`;
    if (mapping.createOnly) wanted = `o${i}`;
    const held = `(${drifted} AND (${wanted}) IS DISTINCT FROM o${i})`;
    if (keep) wanted = `CASE WHEN ${drifted} THEN o${i} ELSE ${wanted} END`;
    const after = `CASE WHEN NOT wanted THEN NULL WHEN there THEN ${wanted} ELSE d${i} END`;
    return { after, drifted, moved, held, index: i };
  });
  const inner = columns.flatMap(({ after, drifted, moved, held, index }) => [
    `${after} AS a${index}`,
    `${drifted} AS s${index}`,
    `${moved} AS w${index}`,
    ...(keep ? [`CASE WHEN wanted AND there AND ${held} THEN r${index} ELSE ${after} END AS l${index}`] : []),
  ]);
  const changed = columns.map(
    ({ index: i }) =>
      `CASE WHEN NOT wanted THEN o${i} IS NOT NULL WHEN there THEN a${i} IS DISTINCT FROM o${i} ELSE a${i} IS NOT NULL END AS c${i}`,
  );
  const kept = keep ? columns.map(({ held }) => held).join(" OR ") || "false" : "false";
  return `SELECT *, ${[...changed, `wanted AND there AND (${kept}) AS kept`].join(", ")} FROM (SELECT ${["*", ...inner].join(", ")} FROM (${joined}))`;
}

/** What the columns of a field that `fresh` leaves out would hold. */
function freshSql({ sync, fields }: DiffInput, i: number): string {
  const empty = `CAST(NULL AS ${sqlType(fields[i]?.type ?? { kind: "text" })})`;
  const recorded = sync.onDrift === "keep" ? `, a${i} AS l${i}` : "";
  return `${empty} AS o${i}, a${i} IS NOT NULL AS c${i}, false AS s${i}${recorded}`;
}

/** The columns of `standing`, of no record. */
function nobodySql({ sync, fields, keyType }: DiffInput): string {
  const typed = (type: string, ...names: readonly string[]) => names.map((name) => [name, type] as const);
  const columns = [
    ...typed(keyType, "key"),
    ...typed("VARCHAR", "id", "action", "reason"),
    ...typed("BOOLEAN", "owned", "wanted", "there", "kept", "recorded", "asked", "differs"),
    ...typed("STRUCT(code VARCHAR, field VARCHAR)", "problem"),
    ...fields.flatMap(({ type }, i) => [
      ...typed(sqlType(type), `a${i}`, `o${i}`, ...(sync.onDrift === "keep" ? [`l${i}`] : [])),
      ...typed("BOOLEAN", `c${i}`, `s${i}`),
    ]),
  ];
  return noRows(Object.fromEntries(columns));
}

/** Adds the action the mode allows, the reason, and the first problem a check finds; of wanted records that are not there, or of all others. */
function judgedSql(input: DiffInput, from: string, which: Side): string {
  const { sync, fields } = input;
  const any = (make: (i: number) => string) => fields.map((_, i) => make(i)).join(" OR ") || "false";
  const creates = sync.mode !== "update";
  const updates = sync.mode !== "create";
  const action = `CASE
    WHEN wanted AND there AND ${updates} AND (${any((i) => `c${i}`)}) THEN 'update'
    WHEN wanted AND NOT there AND ${creates} THEN 'create'
    WHEN NOT wanted AND there AND owned AND ${sync.mode === "mirror"} THEN 'delete' END`;
  // A record that is gone though it was recorded has drifted as a whole.
  const reason = `CASE
    WHEN wanted AND NOT there THEN CASE WHEN known THEN 'drift' ELSE 'warehouse' END
    WHEN ${any((i) => `(c${i} AND s${i} AND w${i})`)} THEN 'conflict'
    WHEN ${any((i) => `(c${i} AND s${i})`)} THEN CASE WHEN ${any((i) => `(c${i} AND NOT s${i})`)} THEN 'conflict' ELSE 'drift' END
    ELSE 'warehouse' END`;
  const same = fields.map((_, i) => `r${i} IS NOT DISTINCT FROM a${i} AND k${i}`).join(" AND ") || "true";
  const settled = `known AND known_id IS NOT DISTINCT FROM id AND (owned OR NOT ${sync.adopt}) AND ${same}`;
  // Only what is looked at later is kept: these rows may be all there are.
  const columns = [
    ...["key", "id", "owned", "wanted", "there", "kept"],
    ...fields.flatMap((_, i) => [
      `a${i}`,
      ...(which === "standing" ? [`o${i}`, `c${i}`, `s${i}`, ...(sync.onDrift === "keep" ? [`l${i}`] : [])] : []),
    ]),
    `${action} AS action`,
    `${reason} AS reason`,
    `${problemSql(fields, input.failing, creates)} AS problem`,
    `(${settled}) AS recorded`,
    `wanted AND CASE WHEN there THEN ${updates} ELSE ${creates} END AS asked`,
    `(${any((i) => `c${i}`)}) AS differs`,
  ];
  const condition = which === "fresh" ? "wanted AND NOT there" : "NOT wanted OR there";
  return `SELECT ${columns.join(", ")} FROM (${from}) WHERE ${condition}`;
}
