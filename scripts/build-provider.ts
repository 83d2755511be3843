/**
 * Packs the Terraform provider as a registry expects it: a zip for this machine's kind, a manifest and the checksums of
 * both. `npm run build:provider` writes them to build/provider: that zip needs Node.js on the PATH and nothing else; the one
 * in build/provider/executable, of the same name, brings its own. One of them is published.
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import yazl from "yazl";
import { buildExecutable, cannotCarry, licenses } from "./build-executable.ts";
import { packagesBelow } from "./build-provider-packages.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const bundle = "dist/provider";

/** Terraform starts it; packages of the archive lie beside it. */
const starter = `#!/bin/sh
# Ebb's provider runs on Node.js 20.19 or newer.
if ! command -v node >/dev/null 2>&1; then
  echo "Ebb's provider needs Node.js 20.19 or newer on the PATH. Next: Install it, and run Terraform again." >&2
  exit 1
fi
exec node "\${0%/*}/ebb/bin/terraform-provider-ebb.js"
`;

export interface BuiltProvider {
  /** Name of the zip, as `terraform init` looks for it. */
  readonly zip: string;
  readonly files: readonly string[];
}

export interface BuildOptions {
  /** Folder the files are written to; it is replaced. */
  readonly out: string;
  /** `script` runs on the machine's Node.js; `executable` carries its own. */
  readonly form: "script" | "executable";
  /** Smaller, and slower to make (default true). */
  readonly compress?: boolean;
}

/** The same sources give the same bytes. */
export async function buildProvider({ out, form, compress = true }: BuildOptions): Promise<BuiltProvider> {
  if (!existsSync(join(root, bundle))) throw new TypeError("run `npm run build` first");
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const name = `terraform-provider-ebb_${version}`;
  const program = `terraform-provider-ebb_v${version}`;
  const zip = `${name}_${platform()}.zip`;
  const manifest = `${name}_manifest.json`;
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const packed = join(out, zip);
  await pack(packed, await scriptForm(program, version), compress);
  if (form === "executable") {
    const made = join(out, program);
    await buildExecutable(root, packed, (await sha256(packed)).slice(0, 16), made);
    await pack(packed, [{ path: program, file: made, runs: true }, ...licenses(root)], compress);
    await rm(made);
  }
  await writeFile(
    join(out, manifest),
    `${JSON.stringify({ version: 1, metadata: { protocol_versions: ["6.0"] } }, null, 2)}\n`,
  );
  const sums = await Promise.all([zip, manifest].map(async (file) => `${await sha256(join(out, file))}  ${file}\n`));
  await writeFile(join(out, `${name}_SHA256SUMS`), sums.join(""));
  return { zip, files: [zip, manifest, `${name}_SHA256SUMS`] };
}

interface Packed {
  /** In the zip. */
  readonly path: string;
  /** What is packed: a file's path, or bytes. */
  readonly file: string | Buffer;
  readonly runs?: boolean;
}

async function scriptForm(program: string, version: string): Promise<readonly Packed[]> {
  const about = { name: "ebb", version, type: "module", private: true };
  const packed: Packed[] = [
    { path: program, file: Buffer.from(starter), runs: true },
    { path: "ebb/package.json", file: Buffer.from(`${JSON.stringify(about)}\n`) },
  ];
  const folders = ["bin", bundle].map((folder) => join(root, folder));
  for (const folder of [...folders, ...(await packagesBelow(root, join(root, bundle)))])
    for (const file of await filesOf(folder)) packed.push({ path: `ebb/${relative(root, file)}`, file });
  return packed;
}

async function pack(to: string, packed: readonly Packed[], compress: boolean): Promise<void> {
  const zip = new yazl.ZipFile();
  for (const { path, file, runs = false } of packed) {
    const options = { mtime: new Date("2000-01-01T00:00:00Z"), compress, mode: runs ? 0o100755 : 0o100644 };
    if (typeof file === "string") zip.addFile(file, path, options);
    else zip.addBuffer(file, path, options);
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(to));
}

const needless = /\.d\.[cm]?ts$|\.map$|\/(readme|changelog)[^/]*$/i;

/** Files of a folder without those of packages installed below it. */
async function filesOf(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(folder, file).includes("node_modules") && !needless.test(relative(root, file)))
    .sort();
}

/** Terraform's name of this machine's kind: the embedded database is made for one. */
function platform(): string {
  const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };
  return `${process.platform}_${architectures[process.arch] ?? process.arch}`;
}

async function sha256(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = join(root, "build", "provider");
  const print = (folder: string, files: readonly string[]) =>
    process.stdout.write(`${files.map((file) => join(folder, file)).join("\n")}\n`);
  print(out, (await buildProvider({ out, form: "script" })).files);
  const executable = join(out, "executable");
  const reason = cannotCarry();
  if (reason) process.stderr.write(`No executable was made: ${reason}.\n`);
  else print(executable, (await buildProvider({ out: executable, form: "executable" })).files);
}
