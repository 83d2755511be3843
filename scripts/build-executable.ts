/** The Terraform provider as one executable file: this machine's Node.js with the packed provider inside. @module */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { inject } from "postject";

/** Of Node.js's manual of single executable applications: what a binary that can carry one contains. */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const BLOB = "NODE_SEA_BLOB";

/** Why this machine's Node.js cannot carry a program; undefined where it can. */
export function cannotCarry(): string | undefined {
  if (process.platform !== "linux") return "it is made on Linux only: elsewhere the file has to be signed again";
  const fused = readFileSync(process.execPath).includes(FUSE);
  return fused ? undefined : `${process.execPath} is built without support for single executable applications`;
}

/** Licences of what the executable is made of, which go where it goes. Node.js's is left out where it is not installed. */
export function licenses(root: string): readonly { readonly path: string; readonly file: string }[] {
  const home = join(dirname(realpathSync(process.execPath)), "..");
  const node = ["LICENSE", "share/doc/node/LICENSE", "share/doc/nodejs/LICENSE"]
    .map((file) => join(home, file))
    .find((file) => existsSync(file));
  const bundled = ["yauzl", "pend"].map((name) => ({
    path: `LICENSE.${name}`,
    file: join(root, "node_modules", name, "LICENSE"),
  }));
  return [...(node ? [{ path: "LICENSE.node", file: node }] : []), ...bundled];
}

/**
 * @param root folder of the sources
 * @param zip the provider in script form
 * @param digest of the zip
 * @param out file to be made
 */
export async function buildExecutable(root: string, zip: string, digest: string, out: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "ebb-executable-"));
  const at = (name: string) => join(scratch, name);
  try {
    await build({
      entryPoints: [join(root, "src/terraform/executable/main.ts")],
      outfile: at("main.cjs"),
      bundle: true,
      format: "cjs",
      platform: "node",
      target: "node20.19",
      minify: true,
      legalComments: "inline",
      logLevel: "warning",
    });
    writeFileSync(at("digest"), digest);
    const assets = { zip, digest: at("digest") };
    const config = { main: at("main.cjs"), output: at("blob"), disableExperimentalSEAWarning: true, assets };
    writeFileSync(at("sea.json"), JSON.stringify(config));
    const made = spawnSync(process.execPath, ["--experimental-sea-config", at("sea.json")], { encoding: "utf8" });
    if (made.status !== 0) throw new TypeError(made.stderr);
    copyFileSync(process.execPath, out);
    await inject(out, BLOB, readFileSync(at("blob")), { sentinelFuse: FUSE });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
