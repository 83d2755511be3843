/** Below the disk that state rests on: Node's own file functions, which fail once a failpoint says so. @module */

import type { FileHandle } from "node:fs/promises";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import type { Failpoint } from "./failpoint.ts";

const files = createRequire(import.meta.url)("node:fs/promises") as typeof import("node:fs/promises");

/** Replaces the functions that write. The plan's copy into a run is a point of its own: it goes past the disk. */
export function breakableFiles(failpoint: Failpoint): void {
  const { open, cp } = files;
  const check = () => {
    const code = failpoint.failing;
    if (code) throw Object.assign(new Error(`${code}: the failpoint says so`), { code });
  };
  for (const name of ["appendFile", "writeFile", "rename", "mkdir", "link"] as const) {
    const real = files[name] as (...args: readonly unknown[]) => Promise<unknown>;
    const failing = async (...args: readonly unknown[]) => {
      check();
      return real(...args);
    };
    Object.assign(files, { [name]: failing });
  }
  const checked = (handle: FileHandle): FileHandle => {
    for (const name of ["writeFile", "sync", "datasync"] as const) {
      const real = handle[name].bind(handle) as (...args: readonly unknown[]) => Promise<void>;
      Object.assign(handle, {
        [name]: async (...args: readonly unknown[]) => {
          check();
          return real(...args);
        },
      });
    }
    return handle;
  };
  Object.assign(files, {
    async open(...args: Parameters<typeof open>) {
      if (args[1] !== "r") check();
      return checked(await open(...args));
    },
    async cp(...[from, to, options]: Parameters<typeof cp>) {
      failpoint.pass("plan.copy", "before");
      check();
      if (failpoint.halves("plan.copy"))
        await cp(join(String(from), "manifest.json"), join(String(to), "manifest.json"));
      failpoint.pass("plan.copy", "half");
      await cp(from, to, options);
      failpoint.pass("plan.copy", "after");
    },
  });
  syncBuiltinESMExports();
}
