/** `containmentOf`, which is SQL on the files of two plans, against what it means, said in a few lines of JavaScript. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { sqlType } from "../../src/core/canonical.ts";
import { PLAN_FORMAT, type PlannedSync } from "../../src/core/plan.ts";
import { ident, literal } from "../../src/core/sql.ts";
import type { FieldType, Value } from "../../src/core/types.ts";
import { containmentOf } from "../../src/engine/contained.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import type { Staging } from "../../src/engine/staging/staging.ts";
import { temporaryFolder, testSync } from "../world.ts";
import { sharedStaging } from "./setup.ts";

const staging = sharedStaging();

const types: Readonly<Record<string, FieldType>> = {
  plain: { kind: "text" },
  'it\'s "odd"': { kind: "decimal", precision: 10, scale: 2 },
  at: { kind: "timestamp", digits: 3, zone: true },
};
const names = Object.keys(types);
const values = [
  [null, "", "a", "é␊'\"", "null"],
  [null, "0.00", "1.50", "-12345678.90"],
  [null, "2026-01-31T08:00:00.000Z", "2026-01-31T08:00:00.001Z"],
] as const;

/** A change as a plan file has it: every field in both images, also those that do not change. */
interface Row {
  readonly key: string;
  readonly action: "create" | "update" | "delete";
  readonly id: string;
  readonly changed: readonly boolean[];
  readonly before: readonly Value[];
  readonly after: readonly Value[];
}

const image = fc.tuple(...values.map((some) => fc.constantFrom<Value[]>(...some)));
const flags = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
const rowOf = (key: fc.Arbitrary<string>): fc.Arbitrary<Row> =>
  fc.record({
    key,
    action: fc.constantFrom("create", "update", "delete"),
    id: fc.constantFrom("r1", "r1", "r1", "r2"),
    changed: flags,
    before: image,
    after: image,
  });

/** A reviewed plan, and one that was made of it by leaving out, narrowing, altering and adding. */
const plans = fc
  .uniqueArray(rowOf(fc.constantFrom("k1", "k2", "k3", "k'4")), { selector: ({ key }) => key, maxLength: 4 })
  .chain((reviewed) =>
    fc.record({
      reviewed: fc.constant(reviewed),
      now: fc
        .tuple(
          ...reviewed.map((row) =>
            fc.oneof(
              { arbitrary: fc.constant([row]), weight: 8 },
              { arbitrary: fc.constant([]), weight: 1 },
              { arbitrary: rowOf(fc.constant(row.key)).map((other) => [other]), weight: 1 },
              { arbitrary: flags.map((less) => [{ ...row, changed: less }]), weight: 1 },
              {
                arbitrary: flags.map((less) => [{ ...row, changed: row.changed.map((c, i) => c && less[i] === true) }]),
                weight: 2,
              },
              { arbitrary: image.map((before) => [{ ...row, before }]), weight: 1 },
              { arbitrary: image.map((after) => [{ ...row, after }]), weight: 1 },
            ),
          ),
          fc.oneof(
            { arbitrary: fc.constant([]), weight: 5 },
            { arbitrary: rowOf(fc.constant("k9")).map((more) => [more]), weight: 1 },
          ),
        )
        .map((parts) => parts.flat()),
    }),
  );

/** What the words say. */
function naive(now: readonly Row[], reviewed: readonly Row[]) {
  const found = { unreviewed: [] as string[], different: [] as string[] };
  for (const row of now) {
    const was = reviewed.find(({ key }) => key === row.key);
    if (!was) found.unreviewed.push(row.key);
    else if (!isPart(row, was)) found.different.push(row.key);
  }
  return { unreviewed: found.unreviewed.sort(), different: found.different.sort() };
}

function isPart(row: Row, was: Row): boolean {
  if (row.action !== was.action) return false;
  if (row.action === "create") return names.every((_, i) => row.after[i] === was.after[i]);
  if (row.id !== was.id) return false;
  if (row.action === "delete") return true;
  const same = (i: number) => was.changed[i] && row.before[i] === was.before[i] && row.after[i] === was.after[i];
  return names.every((_, i) => !row.changed[i] || same(i));
}

/** A plan of these changes, with the columns its actions need. */
async function planOf(engine: Staging, rows: readonly Row[]): Promise<OpenPlan> {
  const directory = await temporaryFolder();
  mkdirSync(join(directory, "changes"));
  const struct = (cells: (i: number) => string) =>
    `struct_pack(${names.map((name, i) => `${ident(name)} := ${cells(i)}`).join(", ")})`;
  const cast = (of: readonly Value[]) =>
    struct(
      (i) =>
        `CAST(${of[i] === null ? "NULL" : literal(of[i] ?? "")} AS ${sqlType(types[names[i] ?? ""] ?? { kind: "text" })})`,
    );
  const selects = rows.map(({ key, action, id, changed, before, after }) => {
    const head = `SELECT ${literal(action)} AS action, ${literal(key)} AS key, ${action === "create" ? "CAST(NULL AS VARCHAR)" : literal(id)} AS id, 'warehouse' AS reason, true AS owned`;
    const parts = {
      create: [`${cast(after)} AS after`],
      update: [
        `${struct((i) => String(changed[i]))} AS changed`,
        `${cast(before)} AS before`,
        `${cast(after)} AS after`,
      ],
      delete: [`${cast(before)} AS before`],
    }[action];
    return [head, ...parts].join(", ");
  });
  const sql =
    selects.join(" UNION ALL BY NAME ") ||
    "SELECT '' AS action, '' AS key, '' AS id, '' AS reason, true AS owned WHERE false";
  await engine.run(`COPY (${sql}) TO ${literal(join(directory, "changes/people.parquet"))} (FORMAT parquet)`);
  const count = (wanted: string) => rows.filter(({ action }) => action === wanted).length;
  const planned: PlannedSync = {
    sync: testSync({ fields: Object.fromEntries(names.map((name) => [name, name])) }),
    file: "people",
    account: "fake:1",
    types,
    keyType: "VARCHAR",
    idIsKey: false,
    createIsIdempotent: "no",
    observedAt: null,
    coversAll: true,
    newFields: [],
    changes: rows.length,
    counts: { create: count("create"), update: count("update"), delete: count("delete") },
    confirmed: 0,
  };
  const common = { format: PLAN_FORMAT, digest: "", created: "", expires: "", complete: true } as const;
  const manifest = {
    ...common,
    tool: "",
    content: "",
    files: {},
    config: "",
    state: { lineage: "", serial: 0 },
    stopped: false,
  };
  return {
    directory,
    manifest: { ...manifest, syncs: [planned] },
    summary: { ...common, syncs: [] },
    concentrations: {},
  };
}

test("a plan is contained in another as the definition says", { timeout: 120_000 }, async () => {
  const seen = { contained: 0, not: 0 };
  await fc.assert(
    fc.asyncProperty(plans, fc.constantFrom(1, 2, 100), async ({ now, reviewed }, partChanges) => {
      const wanted = naive(now, reviewed);
      const found = await containmentOf(await planOf(staging(), now), await planOf(staging(), reviewed), partChanges);
      const keys = (why: string) =>
        found.examples
          .filter((one) => one.why === why)
          .map(({ key }) => key)
          .sort();
      expect({ ...found, examples: undefined }).toEqual({
        changes: now.length,
        reviewed: reviewed.length,
        unreviewed: wanted.unreviewed.length,
        different: wanted.different.length,
        newFields: [],
        examples: undefined,
      });
      expect({ unreviewed: keys("unreviewed"), different: keys("different") }).toEqual(wanted);
      seen[wanted.unreviewed.length + wanted.different.length === 0 ? "contained" : "not"] += 1;
    }),
    { numRuns: 150 },
  );
  // Both answers come up often, or the property says little.
  expect(Math.min(seen.contained, seen.not)).toBeGreaterThan(20);
});
