/** Compiles dist, once before the tests, when the sources are newer: scenarios and made projects run the compiled package. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

export default function build(): void {
  // For whoever knows that the tests at hand run nothing that is compiled.
  if (process.env.EBB_NO_BUILD) return;
  const built = join(root, "dist/src/cli/main.js");
  const changed = ["src", "providers"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter(({ name }) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  );
  if (existsSync(built) && statSync(built).mtimeMs >= Math.max(...changed)) return;
  // Whether the types are right is for `npm run check`; what was compiled can run all the same.
  spawnSync(process.execPath, [join(root, "scripts/build.js")], { cwd: root, stdio: "inherit" });
}
