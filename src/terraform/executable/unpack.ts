/** Unpacks the provider that an executable carries, once for each user of a machine. @module */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import yauzl from "yauzl";
import { streamToFile } from "../../connector/stream-to-file.ts";

export interface Packed {
  /** Digest of the zip: another provider lies in another folder. */
  readonly digest: string;
  /** The zip that is published in script form. */
  zip(): Buffer;
}

/** What is loaded to start it: the executable itself can only load CommonJS. */
const START = "start.cjs";
const start = `import("./ebb/bin/terraform-provider-ebb.js");\n`;

/**
 * Answers the path of the file to load. Processes that unpack at the same time do not disturb each other.
 *
 * @param cache folder of the user's caches
 */
export async function unpacked({ digest, zip }: Packed, cache: string): Promise<string> {
  const parent = join(cache, "ebb");
  const folder = join(parent, `terraform-provider-${digest}`);
  if (!isThere(folder)) {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const aside = mkdtempSync(join(parent, ".unpacking-"));
    try {
      await unzip(zip(), aside);
      writeFileSync(join(aside, START), start);
      renameSync(aside, folder);
    } catch (error) {
      rmSync(aside, { recursive: true, force: true });
      // Another was faster.
      if (!isThere(folder)) throw error;
    }
  }
  return join(folder, START);
}

/** Whoever could have put something else there could do anything as this user. */
function isThere(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (!found) return false;
  const mine = process.getuid === undefined || found.uid === process.getuid();
  if (!found.isDirectory() || !mine || (found.mode & 0o022) !== 0)
    throw new Error(`${folder} is not a folder that only this user can write to`);
  return true;
}

async function unzip(bytes: Buffer, to: string): Promise<void> {
  const zip = await yauzl.fromBufferPromise(bytes, { validateEntrySizes: true });
  for await (const entry of zip.eachEntry()) {
    const path = join(to, entry.fileName);
    mkdirSync(dirname(path), { recursive: true });
    await streamToFile(await zip.openReadStreamPromise(entry), path);
  }
  chmodSync(to, 0o700);
}
