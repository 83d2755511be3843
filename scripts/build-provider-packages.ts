/** Which installed packages a program needs. @module */
import { existsSync } from "node:fs";
import { readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Folders, below `root`, of all packages that the one in `from` needs, and those they need. */
export async function packagesBelow(root: string, from: string): Promise<readonly string[]> {
  const found = new Set<string>();
  const visit = async (folder: string): Promise<void> => {
    const manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) {
      const at = resolved(folder, name, root);
      // What is optional is installed where it fits the machine.
      if (at === undefined || found.has(at)) continue;
      found.add(await realpath(at));
      await visit(at);
    }
  };
  await visit(from);
  return [...found].sort();
}

/** Where Node.js finds a package that a file in `folder` asks for. */
function resolved(folder: string, name: string, root: string): string | undefined {
  for (let place = folder; place.startsWith(root); place = dirname(place)) {
    const at = join(place, "node_modules", name);
    if (existsSync(join(at, "package.json"))) return at;
  }
  return undefined;
}
