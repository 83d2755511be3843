/** Compiles into dist, which then needs nothing of the sources. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const dist = join(root, "dist");
// Made aside, so that whoever runs the old build meanwhile can.
const aside = join(root, "node_modules", `.dist-${process.pid}`);
const old = `${aside}-old`;
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

/** What is read of JavaScript at every start, as few files: many small ones take twice as long. */
const bundle = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  minifyWhitespace: true,
  minifySyntax: true,
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
  plugins: [{ name: "duckdb", setup: requireByName }],
  logLevel: "warning",
};

const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", aside], {
  cwd: root,
  stdio: "inherit",
});
if (existsSync(aside)) {
  rewriteImports();
  await addPageAssets();
  await addDuckdb();
  await addProvider();
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

/** The JavaScript around the embedded engine, in the file that loads it. */
async function addDuckdb() {
  const outfile = join(aside, "src/connector/duckdb.js");
  const entry = join(root, "src/connector/duckdb.ts");
  await build({ ...bundle, entryPoints: [entry], outfile, allowOverwrite: true, external: ["@duckdb/node-bindings"] });
  addLicense("@duckdb/node-api", dirname(outfile));
}

function addLicense(name, folder) {
  copyFileSync(join(root, "node_modules", name, "LICENSE"), join(folder, `LICENSE.${name.replace("/", "-")}`));
}

/**
 * The provider, which Terraform starts several times for one plan, in few files: they are loaded in half the time. What is
 * seldom used, and the native engine, is found where it is installed; the manifest beside the files names it.
 */
async function addProvider() {
  const { name, version, dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const bundled = ["zod", "@duckdb/node-api"];
  const out = join(aside, "provider");
  const { metafile } = await build({
    ...bundle,
    entryPoints: [join(root, "src/terraform/main.ts")],
    outdir: out,
    splitting: true,
    external: Object.keys(dependencies).filter((one) => !bundled.includes(one)),
    metafile: true,
  });
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
  const needed = Object.entries(dependencies).filter(([one]) =>
    imported.some((path) => `${path}/`.startsWith(`${one}/`)),
  );
  const manifest = { name, version, type: "module", private: true, dependencies: Object.fromEntries(needed) };
  writeFileSync(join(out, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  const [service] =
    Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint?.endsWith("/service.ts")) ?? [];
  const { createService, SCHEMA } = await import(pathToFileURL(join(root, service)).href);
  writeFileSync(join(out, "schema.bin"), await createService(root).answer(SCHEMA, new Uint8Array()));
  for (const one of bundled) addLicense(one, out);
}

/** A name that only the running program knows cannot be followed. */
function requireByName({ onLoad }) {
  const contents = 'export function loadDuckdb() { return require("@duckdb/node-api"); }';
  onLoad({ filter: /[\\/]src[\\/]connector[\\/]duckdb\.ts$/ }, () => ({ contents }));
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
