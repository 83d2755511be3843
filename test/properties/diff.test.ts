import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sqlType } from "../../src/core/canonical.ts";
import type { PlannedSync } from "../../src/core/plan.ts";
import { literal } from "../../src/core/sql.ts";
import type { FieldMapping, Sync } from "../../src/core/sync.ts";
import type { FieldDescription, Value } from "../../src/core/types.ts";
import { readChanges } from "../../src/engine/diff/changes.ts";
import { type DiffInput, stageCandidates, stageChanges } from "../../src/engine/diff/diff.ts";
import { hashedFields, type SyncField } from "../../src/engine/diff/fields.ts";
import { changesSql, confirmedSql, typesOf } from "../../src/engine/diff/saved.ts";
import { tally } from "../../src/engine/diff/summarise.ts";
import { rowHashSql } from "../../src/engine/staging/row-hash.ts";
import { table } from "../../src/engine/staging/staging.ts";
import { testSync } from "../world.ts";
import {
  type DesiredRow,
  type NaiveChange,
  naiveDiff,
  type ObservedRow,
  type RecordedRow,
  type Sides,
} from "./naive-diff.ts";
import { sharedStaging } from "./setup.ts";

const shared = sharedStaging();

const descriptions: readonly FieldDescription[] = [
  { name: "name", type: { kind: "text", maxLength: 3 } },
  { name: "stage", type: { kind: "text" }, options: ["a", "b", ""] },
  { name: "size", type: { kind: "integer" } },
];

const textValue = fc.constantFrom<Value[]>(null, "", "a", "b", "long");
const numberValue = fc.constantFrom<Value[]>(null, "0", "1", "9007199254740993");
const values = fc.tuple(textValue, textValue, numberValue).map((tuple): readonly Value[] => tuple);
const flags = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()).map((tuple): readonly boolean[] => tuple);
const keys = ["1", "2", "3", "4", "5"];
const key = fc.constantFrom(...keys);

const mapping: fc.Arbitrary<FieldMapping> = fc
  .record(
    {
      whenNull: fc.constantFrom("clear", "keep", "reject"),
      onlyIfEmpty: fc.boolean(),
      createOnly: fc.boolean(),
    },
    { requiredKeys: [] },
  )
  .map((given) => ({ column: "x", ...given }) as FieldMapping);

const setting = fc.record({
  mode: fc.constantFrom("create", "update", "upsert", "mirror"),
  onDrift: fc.constantFrom("overwrite", "keep", "fail"),
  adopt: fc.boolean(),
  mappings: fc.tuple(mapping, mapping, mapping),
  required: fc.option(fc.nat(2), { nil: undefined }),
  /** Joined at once, and part by part. */
  parts: fc.constantFrom(1, 3),
  numericKey: fc.boolean(),
  read: fc.boolean(),
});

/** Mostly the same on all sides, so that nothing, drift, change and conflict all come up. */
const world = fc
  .record({
    base: fc.uniqueArray(fc.record({ key, values, owned: fc.boolean(), known: flags }), {
      selector: (r) => r.key,
      maxLength: 5,
    }),
    edits: fc.array(
      fc.record({ side: fc.constantFrom("desired", "recorded", "observed"), key, field: fc.nat(2), values }),
      { maxLength: 6 },
    ),
    lost: fc.array(fc.record({ side: fc.constantFrom("desired", "recorded", "observed"), key }), { maxLength: 3 }),
    known: fc.boolean(),
    extra: fc.array(fc.record({ key: fc.option(key, { nil: null }), values }), { maxLength: 2 }),
    bad: fc.array(fc.record({ key, field: fc.nat(2) }), { maxLength: 1 }),
    moved: fc.array(key, { maxLength: 1 }),
    ambiguous: fc.array(key, { maxLength: 1 }),
  })
  .map(({ base, edits, lost, known, extra, bad, moved, ambiguous }) => {
    const side = (name: string) =>
      base
        .filter((row) => !lost.some((one) => one.side === name && one.key === row.key))
        .map((row) => ({
          ...row,
          values: row.values.map((value, i) => {
            const edit = edits.find((one) => one.side === name && one.key === row.key && one.field === i);
            return edit ? (edit.values[i] ?? null) : value;
          }),
        }));
    const desired: DesiredRow[] = [...side("desired"), ...extra].map((row) => ({
      key: row.key,
      values: row.values.map((value, i) => (isBad(row.key, i) ? null : value)),
      bad: descriptions.map((_, i) => isBad(row.key, i)),
    }));
    function isBad(of: string | null, i: number): boolean {
      return bad.some((one) => one.key === of && one.field === i);
    }
    const recorded: RecordedRow[] = side("recorded").map((row) => {
      const which = known ? row.values.map(() => true) : row.known;
      return {
        ...row,
        id: `r${row.key}`,
        known: which,
        values: row.values.map((value, i) => (which[i] ? value : null)),
      };
    });
    const observed: ObservedRow[] = side("observed")
      .filter((row) => !ambiguous.includes(row.key))
      .map((row) => ({ ...row, id: moved.includes(row.key) ? `new${row.key}` : `r${row.key}` }));
    return { desired, recorded, observed, ambiguous };
  });

function relation(head: readonly string[], rows: readonly (readonly string[])[], types: readonly string[]): string {
  const typed = head.map((name, i) => `CAST(${name} AS ${types[i]}) AS ${name}`).join(", ");
  if (rows.length === 0)
    return `(SELECT ${types.map((type, i) => `CAST(NULL AS ${type}) AS ${head[i]}`).join(", ")} WHERE false)`;
  const tuples = rows.map((row) => `(${row.join(", ")})`).join(", ");
  return `(SELECT ${typed} FROM (VALUES ${tuples}) t(${head.join(", ")}))`;
}

async function engineDiff(
  sync: Sync,
  fields: readonly SyncField[],
  sides: Sides,
  keyType: "BIGINT" | "VARCHAR",
  parts: number,
) {
  const staging = shared();
  const f = fields.map((_, i) => `f${i}`);
  const b = fields.map((_, i) => `b${i}`);
  const k = fields.map((_, i) => `k${i}`);
  const types = fields.map(({ type }) => sqlType(type));
  const booleans = fields.map(() => "BOOLEAN");
  const cell = (value: Value | boolean) => literal(value);
  const hashed = (sql: string, bad = "false") =>
    `(SELECT *, ${rowHashSql(hashedFields(fields), (i) => `f${i}`, bad)} AS h FROM ${sql})`;
  const input: DiffInput = {
    sync,
    fields,
    keyType,
    desired: hashed(
      relation(
        ["present", "key", ...f, ...b],
        sides.desired.map((row) => ["true", cell(row.key), ...row.values.map(cell), ...row.bad.map(cell)]),
        ["BOOLEAN", keyType, ...types, ...booleans],
      ),
      b.join(" OR "),
    ),
    failing: fields.map((_, i) => i),
    sourceKeys: sides.desired.filter((row) => row.key !== null).length,
    sourceNulls: sides.desired.filter((row) => row.key === null).length,
    parts,
    ledger: hashed(
      relation(
        ["key", "id", "owned", ...f, ...k],
        sides.recorded.map((row) => [
          cell(row.key),
          cell(row.id),
          cell(row.owned),
          ...row.values.map(cell),
          ...row.known.map(cell),
        ]),
        [keyType, "VARCHAR", "BOOLEAN", ...types, ...booleans],
      ),
    ),
    ledgerRows: sides.recorded.length,
    observed:
      sides.observed &&
      hashed(
        relation(
          ["id", "key", ...f],
          sides.observed.map((row) => [cell(row.id), cell(row.key), ...row.values.map(cell)]),
          ["VARCHAR", keyType, ...types],
        ),
      ),
    ambiguous:
      sides.observed &&
      relation(
        ["key"],
        sides.ambiguous.map((one) => [cell(one)]),
        [keyType],
      ),
    idIsKey: false,
    undoes: false,
    quarantine: null,
  };
  await stageCandidates(staging, input);
  const counted = await tally(staging, fields, await stageChanges(staging, input));
  const saved = { ...counted, forgotten: 0 };
  const file = join(staging.directory, "changes", "people.parquet");
  await mkdir(join(staging.directory, "changes"), { recursive: true });
  await staging.run(`COPY (${changesSql(input, saved)}) TO ${literal(file)} (FORMAT parquet)`);
  const planned = { file: "people", types: typesOf(fields) } as unknown as PlannedSync;
  const owners = await staging.rows<{ key: string; owned: boolean }>(
    `SELECT key, owned FROM (${changesSql(input, saved)})`,
  );
  const changes: NaiveChange[] = [];
  for await (const { change, reason, drifted } of readChanges(staging, staging.directory, planned)) {
    expect(change.n).toBe(changes.length);
    changes.push({
      action: change.action,
      key: change.key,
      id: change.action === "create" ? null : change.id,
      reason,
      owned: owners.find((one) => one.key === change.key)?.owned ?? false,
      drifted,
      before: change.action === "create" ? {} : change.before,
      after: change.action === "delete" ? {} : change.after,
    });
  }
  const json = fields.map(({ name }) => `CAST(after.${name} AS VARCHAR)`).join(", ");
  const confirmed = await staging.rows<{ j: string }>(
    `SELECT CAST(json_array(key, id, owned, [${json}]) AS VARCHAR) AS j FROM (${confirmedSql(input, saved)})`,
  );
  const rejected = await staging.rows<{ key: string; code: string; field: string; count: string }>(
    `SELECT * FROM ${table("rejected")} ORDER BY code, key`,
  );
  return { changes, confirmed: confirmed.map(({ j }) => JSON.parse(j) as unknown), rejected, tally: counted };
}

const byKey = <T extends { readonly key: string | null }>(rows: readonly T[]) =>
  [...rows].sort((x, y) => String(x.key).localeCompare(String(y.key)));

describe("the diff and the design's own words, record by record", () => {
  test("agree on changes, reasons, confirmations, rejections and counts", { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(setting, world, async (given, sides) => {
        const fields = descriptions.map((description, i): SyncField => {
          const required = given.required === i;
          return {
            name: description.name,
            type: description.type,
            mapping: given.mappings[i] ?? { column: "x" },
            description: { ...description, ...(required ? { required } : {}) },
            implicit: false,
          };
        });
        const sync: Sync = {
          ...testSync({ fields: {} }),
          mode: given.mode as Sync["mode"],
          onDrift: given.onDrift as Sync["onDrift"],
          adopt: given.adopt,
          fields: Object.fromEntries(fields.map((field) => [field.name, field.mapping])),
        };
        const read: Sides = given.read ? sides : { ...sides, observed: null, ambiguous: [] };
        const expected = naiveDiff(sync, fields, read);
        const actual = await engineDiff(sync, fields, read, given.numericKey ? "BIGINT" : "VARCHAR", given.parts);
        const changes = expected.changes.map((one) => ({ ...one }));
        expect(actual.changes).toEqual(
          changes.sort((x, y) => rank[x.action] - rank[y.action] || x.key.localeCompare(y.key)),
        );
        expect(actual.confirmed).toEqual(
          byKey(expected.confirmed).map((one) => [one.key, one.id, one.owned, one.after]),
        );
        expect(byKey(actual.rejected.map((one) => ({ ...one, count: Number(one.count) })))).toEqual(
          byKey(expected.rejected),
        );
        const { unchanged: _, ...counts } = expected.tally;
        expect(actual.tally).toMatchObject(counts);
      }),
      { numRuns: 500 },
    );
  });
});

const rank = { create: 0, update: 1, delete: 2 };
