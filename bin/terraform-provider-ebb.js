#!/usr/bin/env node
import { existsSync } from "node:fs";
import module from "node:module";
import { fileURLToPath } from "node:url";

const built = new URL("../dist/provider/main.js", import.meta.url);

if (existsSync(fileURLToPath(built))) {
  module.enableCompileCache?.();
  const { main } = await import(built.href);
  await main();
} else {
  process.stderr.write("Ebb is not built here.\n  Next: Run `npm run build` in its folder.\n");
  process.exitCode = 1;
}
