import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { holdAttached } from "../../src/connector/duckdb-instances.ts";
import { openStaging } from "../../src/engine/staging/staging.ts";
import { root } from "../cli/run.ts";
import { temporaryFolder } from "../world.ts";

/** In a process of its own, as locks are held by processes. */
function written(file: string): string {
  const script = `const { DuckDBInstance } = require("@duckdb/node-api");
    DuckDBInstance.create(process.argv[1]).then(async (instance) => {
      const connection = await instance.connect();
      await connection.run("CREATE OR REPLACE TABLE t AS SELECT 1");
      console.log("written");
    }, (error) => console.log(error.message));`;
  return spawnSync(process.execPath, ["-e", script, file], { cwd: root, encoding: "utf8" }).stdout;
}

async function readOnce(file: string): Promise<void> {
  const staging = await openStaging({ directory: await temporaryFolder() });
  await staging.reach([`ATTACH IF NOT EXISTS '${file}' AS warehouse (READ_ONLY)`]);
  expect(await staging.rows("SELECT count(*) AS n FROM warehouse.main.t")).toHaveLength(1);
  await staging.close();
}

test("a file stays attached from sync to sync while somebody holds it, and no longer", {
  timeout: 60_000,
}, async () => {
  const file = join(await temporaryFolder(), "warehouse.duckdb");
  expect(written(file)).toBe("written\n");
  await readOnce(file);
  expect(written(file)).toBe("written\n");

  const [release, also] = [holdAttached(), holdAttached()];
  await readOnce(file);
  await readOnce(file);
  expect(written(file)).toMatch(/Could not set lock/);
  await also();
  await also();
  expect(written(file)).toMatch(/Could not set lock/);
  await release();
  expect(written(file)).toBe("written\n");
});
