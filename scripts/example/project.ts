/** The folder an example runs in: a project of its own, which could be taken elsewhere. @module */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Example } from "./story.ts";

const root = join(import.meta.dirname, "..", "..");

/** Makes it anew. What is there is removed only where it is an example. */
export async function makeProject(name: string, { rehearsal }: Example, directory: string): Promise<void> {
  if (!isFree(directory, name)) throw new RangeError(`${directory} is in use; choose a new or empty folder`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(join(directory, "sandbox/snowflake"), { recursive: true });
  await copyFile(join(root, "stacks", `${name}.ts`), join(directory, "main.ts"));
  await copyFile(join(import.meta.dirname, `${name}.sql`), join(directory, "sandbox/snowflake/seed.sql"));
  const write = (file: string, text: string) => writeFile(join(directory, file), text);
  const json = (file: string, value: object) => write(file, `${JSON.stringify(value, null, 2)}\n`);
  await json("package.json", { name: packageName(name), private: true, type: "module" });
  await json("cdktf.json", {
    language: "typescript",
    app: "node --env-file=sandbox.env --import ebb/typescript main.ts",
    output: "cdktf.out",
  });
  const lines = Object.entries(rehearsal).map(([variable, value]) => `${variable}=${value}\n`);
  await write(
    "sandbox.env",
    `# These lines make it a rehearsal. Without them, main.ts means the real accounts.\n${lines.join("")}`,
  );
  await link(directory);
}

const packageName = (example: string) => `ebb-example-${example}`;

function isFree(directory: string, name: string): boolean {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return true;
  const file = join(directory, "package.json");
  return existsSync(file) && (JSON.parse(readFileSync(file, "utf8")) as { name?: unknown }).name === packageName(name);
}

/** What `npm install` would make of a dependency on this checkout. */
async function link(directory: string): Promise<void> {
  const modules = join(directory, "node_modules");
  await mkdir(join(modules, ".bin"), { recursive: true });
  await symlink(root, join(modules, "ebb"), "dir");
  await symlink(join("..", "ebb", "bin", "ebb.js"), join(modules, ".bin", "ebb"));
}
