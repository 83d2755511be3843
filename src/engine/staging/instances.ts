/** What the staging engine runs on. @module */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { giveBack, type Taken, takeInstance } from "../../connector/duckdb-instances.ts";
import { type PrivateFolder, privateFolder } from "./private-folder.ts";

export interface InstanceOptions {
  readonly memoryMb: number;
  readonly threads: number;
}

let made = 0;
/** Of this process; gone when it ends. */
let spills: PrivateFolder | undefined;

/** An instance with an empty database `staging`, which lies in memory and spills: it needs no log and no checkpoints. */
export async function openInstance({ memoryMb, threads }: InstanceOptions): Promise<Taken> {
  const taken = await takeInstance(`staging ${memoryMb}`, () => {
    spills ??= privateFolder();
    return {
      memory_limit: `${memoryMb}MB`,
      // Made when it first spills, gone when it is closed.
      temp_directory: join(spills.directory, String(++made)),
    };
  });
  await taken.connection.run(
    `ATTACH ':memory:' AS staging; SET GLOBAL TimeZone = 'UTC'; SET GLOBAL preserve_insertion_order = false; SET GLOBAL threads = ${threads}`,
  );
  return taken;
}

export async function closeInstance(taken: Taken): Promise<void> {
  const spilled = existsSync(taken.settings.temp_directory ?? "");
  await giveBack(taken, { keep: !spilled, own: "staging" });
}
