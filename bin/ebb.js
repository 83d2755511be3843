#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const built = new URL("../dist/src/cli/main.js", import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`Ebb needs Node.js 20.19 or newer; this is ${process.versions.node}\n`);
  process.exitCode = 1;
} else if (!existsSync(fileURLToPath(built))) {
  process.stderr.write("Ebb is not built here.\n  Next: Run `npm run build` in its folder.\n");
  process.exitCode = 1;
} else {
  module.enableCompileCache?.();
  const { main } = await import(built.href);
  await main(process.argv.slice(2));
}
