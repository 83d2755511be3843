import { createHash, createHmac } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { hmacSql } from "../../src/core/masks.ts";
import { isEmpty } from "../../src/core/plan.ts";
import { literal } from "../../src/core/sql.ts";
import type { FieldMapping } from "../../src/core/sync.ts";
import type { FieldType } from "../../src/core/types.ts";
import { maskSecrets, withSecrets } from "../../src/engine/diff/masks.ts";
import { examine } from "../../src/engine/doctor.ts";
import { type OpenPlan, savePlan } from "../../src/engine/plan-file.ts";
import { withStaging } from "../../src/engine/staging/scratch.ts";
import { localDisk } from "../../src/engine/state/disk.ts";
import type { FakeRecord } from "../fake.ts";
import { pushdownWorld, said } from "../properties/pushdown-world.ts";
import { duckdbWarehouse } from "../properties/warehouses.ts";
import { changesOf, neverAborts, type SyncGiven, summaryOf, temporaryFolder } from "../world.ts";
import { fakeProject } from "./setup.ts";

const key = "canary-key-7f3a9c1d55e0";
const secret = "env:MASK_KEY";
const token = (value: string, of = key) => createHmac("sha256", of).update(value).digest("hex");

const text: FieldType = { kind: "text" };
const integer: FieldType = { kind: "integer" };
const columns = [
  { name: "id", type: text },
  { name: "mail", type: text },
  { name: "phone", type: text },
  { name: "customer", type: text },
  { name: "note", type: text },
  { name: "income", type: integer },
  { name: "spent", type: integer },
  { name: "born", type: { kind: "date" } satisfies FieldType },
];
const fields: Readonly<Record<string, FieldMapping>> = {
  mail: { column: "mail", hash: "sha256", hashAs: "googleEmail" },
  phone: { column: "phone", hash: "sha256", hashAs: "phone" },
  customer: { column: "customer", tokenise: { secret } },
  note: { column: "note", redact: "[redacted]" },
  income: { column: "income", noise: { epsilon: 0.5, sensitivity: 1000, secret, min: 0 } },
  spent: { column: "spent", bucket: { width: 1000 } },
  born: { column: "born", bucket: { by: "year" } },
};
const row = (n: number): FakeRecord => ({
  id: `k${n}`,
  mail: `rawmail.${n}@gmail.com`,
  phone: `+1 650 555 12${n}${n}`,
  customer: `rawcustomer${n}`,
  note: `rawnote ${n}`,
  income: `87654321${n}`,
  spent: `43214321${n}`,
  born: `1980-07-2${n}`,
});
/** Everything of {@link row} that must not be seen, but for the key. */
const raw = [1, 2, 3].flatMap((n) =>
  Object.entries(row(n)).flatMap(([name, value]) => (name === "id" ? [] : [value ?? ""])),
);

async function project(given: Partial<SyncGiven> = {}) {
  const env: Record<string, string | undefined> = { MASK_KEY: key };
  const made = await fakeProject({ fields, ...given }, { env, capabilities: { createsFields: true } });
  made.fake.columns = columns;
  made.fake.fields = columns;
  made.fake.rows = [1, 2, 3].map(row);
  return { ...made, env };
}

/** All that stands in files below a folder: their bytes, and the cells of those that are Parquet. */
async function contents(folder: string): Promise<string> {
  const found: string[] = [];
  await withStaging({}, async (staging) => {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile()) continue;
      found.push((await readFile(path)).toString("latin1"));
      if (path.endsWith(".parquet"))
        found.push(JSON.stringify(await staging.rows(`SELECT * FROM read_parquet(${literal(path)})`)));
    }
  });
  return found.join("\n");
}

/** The plan as the archive that is sent around, and unpacked. */
async function archived(open: OpenPlan): Promise<string> {
  const folder = await temporaryFolder();
  await savePlan(open, join(folder, "plan.ebb"));
  return `${await contents(folder)}\n${await contents(open.directory)}`;
}

describe("masked fields", () => {
  test("arrive masked, and the next plan is empty, noise and all", async () => {
    const { fake, run } = await project();
    await run.run();
    const record = [...fake.records.values()].find(({ id }) => id === "k1");
    const sha256 = (value: string) => createHash("sha256").update(value).digest("hex");
    expect(record).toMatchObject({
      mail: sha256("rawmail1@gmail.com"),
      phone: sha256("16505551211"),
      customer: token("rawcustomer1"),
      note: "[redacted]",
      spent: "432143000",
      born: "1980-01-01",
      income: expect.stringMatching(/^\d+$/),
    });
    expect(record?.income).not.toBe("876543211");
    for (const refresh of ["full", "changed", "off"] as const)
      expect(isEmpty((await run.plan({ refresh })).summary), refresh).toBe(true);
    // A change that stays within its bucket is none.
    fake.rows = [{ ...row(1), spent: "432143999", note: "another" }, row(2), row(3)];
    expect(await changesOf(await run.plan())).toEqual([]);
    fake.rows = [{ ...row(1), customer: "other", income: null }, row(2), row(3)];
    const open = await run.plan();
    expect(await changesOf(open)).toMatchObject([
      {
        action: "update",
        before: { customer: token("rawcustomer1"), income: record?.income },
        after: { customer: token("other"), income: null },
      },
    ]);
    await run.apply(open);
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });

  test("are named in the plan's summary", async () => {
    const { run } = await project({
      fields: { ...fields, id: { column: "id" }, phone: { column: "phone", truncate: 3 } },
    });
    expect(summaryOf(await run.plan()).masked).toEqual([
      { field: "mail", how: "hash sha256 (googleEmail)" },
      { field: "phone", how: "truncate to 3" },
      { field: "customer", how: "tokenise" },
      { field: "note", how: 'redact as "[redacted]"' },
      { field: "income", how: "noise ε=0.5, sensitivity 1000" },
      { field: "spent", how: "bucket width 1000" },
      { field: "born", how: "bucket by year" },
    ]);
    const { run: plain } = await project({ fields: { mail: "mail" } });
    expect(summaryOf(await plain.plan())).not.toHaveProperty("masked");
  });

  test("are nowhere in the plan as they were", async () => {
    const { fake, run } = await project();
    const create = await run.plan();
    await run.apply(create);
    fake.rows = [1, 2, 3].map((n) => ({ ...row(n), customer: `rawcustomer${n} again`, income: `9${n}` }));
    const update = await run.plan();
    const state = await contents(run.world.directory);
    for (const found of [await archived(create), await archived(update), state])
      expect(raw.filter((value) => found.includes(value))).toEqual([]);
    // The search finds what is there.
    const { run: plain } = await project({
      fields: Object.fromEntries(columns.slice(1).map(({ name }) => [name, name])),
    });
    const clear = await archived(await plain.plan());
    expect(raw.filter((value) => !clear.includes(value))).toEqual([]);
  });

  test("whose column is the key are said not to be hidden", async () => {
    const { run } = await project({
      key: ["mail"],
      destination: { connection: "crm", object: "people", matchOn: ["id"] },
    });
    expect(summaryOf(await run.plan()).warnings).toContainEqual(expect.stringContaining("mail masks the column mail"));
    const { run: other } = await project();
    expect(summaryOf(await other.plan()).warnings.join()).not.toContain("masks the column");
  });

  test("that the object lacks are made with the type of what is sent", async () => {
    const more: Readonly<Record<string, FieldMapping>> = {
      code: { column: "income", tokenise: { secret } },
      band: { column: "spent", bucket: { edges: [1000] } },
    };
    const { fake, run } = await project({ missingFields: "create", fields: { ...fields, ...more } });
    fake.fields = [{ name: "id", type: text }];
    const kinds = summaryOf(await run.plan()).newFields.map(({ name, type }) => [name, type.kind]);
    expect(Object.fromEntries(kinds)).toEqual({
      ...{ mail: "text", phone: "text", customer: "text", note: "text", code: "text", band: "text" },
      ...{ income: "integer", spent: "decimal", born: "date" },
    });
    await run.run();
    expect(isEmpty((await run.plan()).summary)).toBe(true);
  });
});

describe("a mask's secret", () => {
  test("is in no plan, no state, no journal, no event", async () => {
    const { fake, run } = await project();
    const open = await run.plan();
    await run.apply(open);
    fake.rows = [row(1), { ...row(2), customer: "x" }];
    const next = await run.plan();
    const found = [
      await archived(open),
      await archived(next),
      await contents(run.world.directory),
      JSON.stringify(run.events),
    ];
    const forms = [key, Buffer.from(key).toString("hex"), Buffer.from(key).toString("base64").slice(0, 24)];
    const secrets = await maskSecrets(run.world, run.project.syncs[0] ?? expect.unreachable());
    for (const pad of secrets.pads.values())
      forms.push(Buffer.from(pad).toString("hex"), Buffer.from(pad).toString("latin1"));
    expect(forms.filter((form) => found.some((one) => one.includes(form)))).toEqual([]);
    expect(found[0]).toContain(secret);
  });

  test("is in no message of the engine, and gone after a statement that fails", async () => {
    const world = { env: { MASK_KEY: key }, directory: "/", disk: localDisk };
    const { project: given } = (await project()).run;
    const secrets = await maskSecrets(world, given.syncs[0] ?? expect.unreachable());
    await withStaging({}, async (staging) => {
      const token = hmacSql("token", secret, "'x'");
      for (const wrong of [
        `CAST(${token} AS INTEGER)`,
        `error(${token} || 'no')`,
        `${token} +`,
        `nothing(${token})`,
        `CAST(hex(${token}) AS DATE)`,
      ]) {
        const failed = withSecrets(staging, secrets, () => staging.run(`CREATE TABLE t AS SELECT ${wrong}`));
        const message = await failed.then(
          () => "",
          (error: Error) => `${error.message} ${error.stack}`,
        );
        expect(message).not.toBe("");
        expect(message).not.toContain(key);
        for (const pad of secrets.pads.values()) {
          expect(message.toUpperCase()).not.toContain(Buffer.from(pad).toString("hex").toUpperCase());
          // As the engine itself would write it.
          expect(message).not.toContain(Buffer.from(pad).toString("latin1").slice(0, 16));
        }
        expect(await staging.rows("SELECT * FROM duckdb_variables()")).toEqual([]);
      }
    });
  });

  test("cannot be asked for by a query", async () => {
    const warehouse = await duckdbWarehouse();
    await warehouse.execute(["CREATE TABLE people AS SELECT 'a@x' AS id, 'Ada' AS name"]);
    const { runner, fake } = await pushdownWorld({ ...warehouse, env: { MASK_KEY: key } });
    const query = "SELECT *, (SELECT CAST(count(*) AS VARCHAR) FROM duckdb_variables()) AS city FROM people";
    const masked = { name: { column: "name", tokenise: { secret } }, city: "city" };
    await runner({ source: { connection: "warehouse", query }, fields: masked }).run();
    expect([...fake.records.values()]).toMatchObject([{ name: token("Ada"), city: "0" }]);
  });

  test("that is not there, or too short, stops the plan; apply needs none", async () => {
    const { run, env, fake } = await project();
    const open = await run.plan();
    env.MASK_KEY = undefined;
    await expect(run.plan()).rejects.toMatchObject({ code: "SECRET_MISSING", effect: "auth" });
    env.MASK_KEY = "fifteen bytes..";
    const weak = await run.plan().catch((error: Error) => error);
    expect(weak).toMatchObject({ code: "SECRET_WEAK" });
    expect(String(weak)).not.toContain("fifteen");
    const checks = [];
    for await (const check of examine(run.world, run.project, neverAborts)) checks.push(check);
    expect(checks.find(({ about }) => about === "sync people")).toMatchObject({
      status: "fail",
      detail: expect.stringContaining("SECRET_WEAK"),
    });
    expect(await run.apply(open)).toMatchObject({ status: "applied" });
    expect(fake.records.size).toBe(3);
  });

  test("may be in a file", async () => {
    const { run, fake } = await project({
      fields: { customer: { column: "customer", tokenise: { secret: "file:mask.key" } } },
    });
    await writeFile(join(run.world.directory, "mask.key"), `${key}\n`);
    await run.run();
    expect([...fake.records.values()].map(({ customer }) => customer)).toContain(token("rawcustomer1"));
  });

  test("that is renewed makes new tokens and new noise; its name is part of the configuration", async () => {
    const { run, env, fake } = await project();
    const first = await run.plan();
    await run.apply(first);
    env.MASK_KEY = "another-key-5a5a5a5a5a";
    env.OTHER_KEY = key;
    const renewed = await run.plan();
    expect(summaryOf(renewed)).toMatchObject({ counts: { create: 0, update: 3, delete: 0 } });
    expect(
      summaryOf(renewed)
        .fields.map(({ name }) => name)
        .sort(),
    ).toEqual(["customer", "income"]);
    expect(renewed.manifest.config).toBe(first.manifest.config);
    const elsewhere = { ...fields, customer: { column: "customer", tokenise: { secret: "env:OTHER_KEY" } } };
    const [sync] = run.project.syncs;
    const other = run.with({ ...run.project, syncs: sync ? [{ ...sync, fields: elsewhere }] : [] });
    expect((await other.plan()).manifest.config).not.toBe(first.manifest.config);
    await run.apply(renewed);
    expect([...fake.records.values()].map(({ customer }) => customer)).toContain(token("rawcustomer1", env.MASK_KEY));
  });
});

describe("with the diff in the warehouse", () => {
  const given = (more: Readonly<Record<string, FieldMapping>> = {}): SyncGiven => ({
    source: { connection: "warehouse", table: "people" },
    diff: "warehouse",
    mode: "mirror",
    fields: {
      name: { column: "name", tokenise: { secret } },
      amount: { column: "amount", noise: { epsilon: 1, sensitivity: 5, secret } },
      ...more,
    },
  });
  const setUp = async () => {
    const warehouse = await duckdbWarehouse();
    await warehouse.execute([
      "CREATE TABLE people AS SELECT 'p' || i || '@x' AS id, 'name ' || i AS name, 'city' AS city, i AS amount FROM range(50) t(i)",
    ]);
    const env: Record<string, string> = { MASK_KEY: key };
    return { warehouse, env, ...(await pushdownWorld({ ...warehouse, env })) };
  };

  test("the plan is the same as without", async () => {
    const { warehouse, runner, returned } = await setUp();
    const [there, here] = [runner(given()), runner({ ...given(), diff: "local" })];
    expect(await said(await there.plan())).toEqual(await said(await here.plan()));
    await there.run();
    await warehouse.execute([
      "UPDATE people SET name = 'rawchange' WHERE id = 'p1@x'",
      "DELETE FROM people WHERE id = 'p2@x'",
    ]);
    const open = await there.plan();
    expect(returned.at(-1)).toBe(1 + 1 + 1);
    expect(await changesOf(open)).toMatchObject([
      { action: "update", after: { name: token("rawchange") } },
      { action: "delete" },
    ]);
    expect(await said(open)).toEqual(await said(await here.plan()));
    const found = await archived(open);
    expect(["name 1", "rawchange"].filter((one) => found.includes(one))).toEqual([]);
  });

  test("another mask, and another key behind the same name, plan every row anew", async () => {
    const { runner, env, returned } = await setUp();
    await runner(given()).run();
    expect(isEmpty((await runner(given()).plan()).summary)).toBe(true);
    expect(returned.at(-1)).toBe(1);
    const shorter = runner(given({ name: { column: "name", tokenise: { secret, length: 16 } } }));
    expect(summaryOf(await shorter.plan()).counts.update).toBe(50);
    env.MASK_KEY = "another-key-5a5a5a5a5a";
    const renewed = await runner(given()).plan();
    expect(summaryOf(renewed).counts.update).toBe(50);
    expect(JSON.stringify(renewed.manifest)).not.toContain(env.MASK_KEY);
  });
});

describe("a mask that does not fit is refused before anything is read", () => {
  const noise = { epsilon: 1, sensitivity: 1, secret };
  test.each<[string, FieldMapping, string]>([
    ["customer", { column: "income", noise }, "is text, which cannot hold what noise makes"],
    ["income", { column: "customer", tokenise: { secret } }, "is integer, which cannot hold what tokenise makes"],
    ["born", { column: "note", redact: "x" }, "is date, which cannot hold what redact makes"],
    ["spent", { column: "spent", bucket: { edges: [1] } }, "is integer, which cannot hold what bucket makes"],
    ["spent", { column: "born", bucket: { by: "year" } }, "is integer, which cannot hold what bucket makes"],
    ["income", { column: "born", noise }, 'column "born" (fields.income): it is date, and noise'],
    [
      "customer",
      { column: "flag", bucket: { edges: [1] } },
      'column "flag" (fields.customer): it is boolean, and bucket',
    ],
    [
      "born",
      { column: "income", bucket: { by: "day" } },
      'column "income" (fields.born): it is integer, and bucket by day',
    ],
  ])("%s %j", async (field, mapping, message) => {
    const { run, fake } = await project({ fields: { [field]: mapping } });
    fake.columns = [...columns, { name: "flag", type: { kind: "boolean" } }];
    await expect(run.plan()).rejects.toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(message),
    });
  });

  test("and one that fits a column of text rejects the values that do not, alone", async () => {
    const { run, fake } = await project({ fields: { income: { column: "note", noise } } });
    fake.rows = [
      { ...row(1), note: "12" },
      { ...row(2), note: "twelve" },
      { ...row(3), note: null },
    ];
    const open = await run.plan();
    expect(summaryOf(open).rejected).toEqual([{ code: "TYPE_MISMATCH", field: "income", count: 1 }]);
    expect(summaryOf(open).counts.create).toBe(2);
  });
});
