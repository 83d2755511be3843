/**
 * The command line compiled for the faults: file by file, without types, into a folder of its own, so that a process
 * starts as fast as the shipped one and nobody else's `dist` is touched. The folder is named after what went in.
 * @module
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const builds = join(root, "node_modules", ".cache", "ebb-faults");
const OLD_MS = 3_600_000;
const compilerOptions: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
};

let entry: string | undefined;

/** Compiles what has changed since; answers the path of the entry, the same for as long as this process lives. */
export function builtEntry(): string {
  entry ??= build();
  return entry;
}

function build(): string {
  const sources = sourceFiles().map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
  const hash = createHash("sha256");
  for (const { path, text } of sources) hash.update(`${path}\0${text}\0`);
  const folder = join(builds, hash.digest("hex").slice(0, 16));
  if (!existsSync(folder)) {
    compile(sources, folder);
    removeOld(folder);
  }
  return join(folder, "test/faults/ebb.js");
}

function sourceFiles(): string[] {
  const below = ["src", "providers"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  const own = readdirSync(join(root, "test/faults/ebb"), { encoding: "utf8" }).map((name) =>
    join("test/faults/ebb", name),
  );
  return [...below, ...own, "test/faults/ebb.ts"]
    .filter((path) => path.endsWith(".ts") && !/\.(test|d)\.ts$|^src\/(constructs|terraform)\/|\/sandbox/.test(path))
    .sort();
}

interface Source {
  readonly path: string;
  readonly text: string;
}

function compile(sources: readonly Source[], folder: string): void {
  const aside = `${folder}.${process.pid}`;
  for (const source of sources) {
    const file = join(aside, source.path.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(file), { recursive: true });
    cpSync(compiled(source), file);
  }
  cpSync(join(root, "package.json"), join(aside, "package.json"));
  try {
    renameSync(aside, folder);
  } catch (error) {
    // Another process made the same.
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** A file compiled is kept by what it held: a change of one costs one. */
function compiled({ path, text }: Source): string {
  const file = join(builds, "files", `${createHash("sha256").update(text).digest("hex")}.js`);
  if (existsSync(file)) {
    utimesSync(file, new Date(), new Date());
    return file;
  }
  const { outputText } = ts.transpileModule(text, { compilerOptions, fileName: path });
  mkdirSync(dirname(file), { recursive: true });
  // The compiler leaves some `import("./x.ts")` as they are.
  writeFileSync(`${file}.${process.pid}`, outputText.replace(/\bimport\("(\.[^"]+)\.ts"\)/g, 'import("$1.js")'));
  renameSync(`${file}.${process.pid}`, file);
  return file;
}

function removeOld(newest: string): void {
  for (const parent of [builds, join(builds, "files")])
    for (const name of readdirSync(parent)) {
      const path = join(parent, name);
      // Another process may just be done with it, and has given it another name.
      const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (path !== newest && name !== "files" && age > OLD_MS) rmSync(path, { recursive: true, force: true });
    }
}
