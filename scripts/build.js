/** Compiles into dist, which then needs nothing of the sources. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
// Made aside, so that whoever runs the old build meanwhile can.
const aside = join(root, "node_modules", `.dist-${process.pid}`);
const old = `${aside}-old`;
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", aside], {
  cwd: root,
  stdio: "inherit",
});
if (existsSync(aside)) {
  rewriteImports();
  await addPageAssets();
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(aside, dist);
  rmSync(old, { recursive: true, force: true });
}
chmodSync(join(root, "bin", "ebb.js"), 0o755);
process.exitCode = status ?? 1;

/** The script and the style of the HTML report, each as one file beside what writes it. */
async function addPageAssets() {
  const { pageAssets } = await import(pathToFileURL(join(aside, "scripts/page-assets.js")).href);
  const { script, style } = pageAssets(root);
  writeFileSync(join(aside, "src/report/html/page-script.js"), script);
  writeFileSync(join(aside, "src/report/html/page-style.css"), style);
}

/** The compiler leaves `import("./x.ts")` as it is within `export default`. */
function rewriteImports() {
  for (const file of readdirSync(aside, { recursive: true }).filter((name) => name.endsWith(".js"))) {
    const path = join(aside, file);
    const text = readFileSync(path, "utf8");
    const next = text.replace(/\bimport\("(\.[^"]+)\.ts"\)/g, 'import("$1.js")');
    if (next !== text) writeFileSync(path, next);
  }
}
