/**
 * The plan file: one archive (zip) of `manifest.json`, `summary.json` and, per sync, `changes/`, `confirmed/` and
 * `rejected/` Parquet files, and `marks/` where the diff is in the warehouse. Inside the engine a plan is a folder of the same shape.
 * A sealed plan file is an age file around that archive.
 * @module
 */
import { createReadStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import type { Entry, ZipFile } from "yauzl";
import { streamToFile } from "../connector/stream-to-file.ts";
import { ConfigError, ConflictError } from "../core/errors.ts";
import { PLAN_FORMAT, type PlanManifest, type PlannedSync, type PlanSummary } from "../core/plan.ts";
import type { Concentration } from "./review/concentration.ts";
import { isSealed, type Seal, unseal } from "./seal.ts";
import { digestOf, digestOfFile, PIECE_BYTES } from "./staging/digest.ts";
import { withScratch } from "./staging/scratch.ts";
import type { Disk } from "./state/disk.ts";
import type { World } from "./world.ts";
import { isRefusal, unwritten, writeWhole } from "./write-whole.ts";

/** A plan as a folder, checked against its digest. */
export interface OpenPlan {
  readonly directory: string;
  readonly manifest: PlanManifest;
  readonly summary: PlanSummary;
  /** What the updates of a sync have in common, by its name. Holds record values. */
  readonly concentrations: Readonly<Record<string, readonly Concentration[]>>;
}

const FOLDERS = ["changes", "confirmed", "rejected", "marks"] as const;
/** Beside the summary, because it holds values. It is not part of what would be done. */
export const CONCENTRATIONS = "concentrations.json";
const MAX_JSON_BYTES = 64 * 1024 * 1024;

/** The folders of a plan, in a folder that is there. */
export async function makePlanFolders(disk: Disk, directory: string): Promise<void> {
  for (const folder of FOLDERS) await disk.makeDirectory(join(directory, folder));
}

/** Paths of a plan's data files, relative to its folder. */
export function planDataFiles(syncs: readonly Pick<PlannedSync, "file" | "marks">[]): readonly string[] {
  return syncs.flatMap(({ file, marks }) =>
    FOLDERS.filter((folder) => folder !== "marks" || marks).map((folder) => `${folder}/${file}.parquet`),
  );
}

/** What the manifest's digest covers: everything but itself. */
export function manifestDigest({ digest: _, ...rest }: PlanManifest): string {
  return digestOf(rest);
}

/**
 * Refuses a plan that is not the one that was approved.
 *
 * @param digest the whole digest in hexadecimal, or its first 12 characters or more
 * @throws ConflictError PLAN_DIGEST
 */
export function requireDigest({ digest: own }: PlanManifest, digest: string): void {
  if (own.startsWith(digest.toLowerCase())) return;
  throw new ConflictError("PLAN_DIGEST", `the plan's digest is ${own.slice(0, 12)}…, not ${digest.slice(0, 12)}…`);
}

/** Writes a plan file, whole or not at all, its folder too; with `seal` it is encrypted on its way. */
export async function savePlan({ directory, manifest }: OpenPlan, file: string, seal?: Seal): Promise<void> {
  const { default: yazl } = await import("yazl");
  const zip = new yazl.ZipFile();
  // The time stamps of an archive say nothing here, and would make equal plans differ.
  const options = { mtime: new Date(0), mode: 0o100600, compress: false };
  zip.addFile(join(directory, "manifest.json"), "manifest.json", { ...options, compress: true });
  for (const name of Object.keys(manifest.files).sort()) zip.addFile(join(directory, name), name, options);
  zip.end();
  const bytes = zip.outputStream as Readable;
  // A file that could not be read: the archive's own stream would just wait for it. Whoever writes it is told.
  bytes.on("error", () => undefined);
  zip.on("error", (error) => bytes.destroy(error));
  // Where it cannot be made, the file cannot be written either, which is told then.
  await mkdir(dirname(file), { recursive: true }).catch(() => undefined);
  try {
    await writeWhole(file, seal ? await seal(bytes) : bytes, "the plan");
  } catch (cause) {
    throw cause instanceof ConfigError ? cause : unwritten(file, "the plan", cause);
  }
}

/**
 * Unpacks a plan file into a folder and checks every byte of it against the digest.
 *
 * @param identities secret keys (`AGE-SECRET-KEY-1…`), of which one opens the file if it is sealed
 */
export async function unpackPlan(
  world: World,
  file: string,
  directory: string,
  identities: readonly string[] = [],
): Promise<OpenPlan> {
  if (!(await world.disk.exists(file)))
    throw new ConfigError("FILE_MISSING", `there is no plan ${file}`, { next: "Save one with `ebb plan --out FILE`." });
  await makePlanFolders(world.disk, directory);
  if (await isSealed(file).catch(() => false))
    await withScratch(async (scratch) => {
      const archive = join(scratch, "plan.zip");
      await unseal(file, identities, archive);
      await unpack(archive, directory, file);
    });
  else await unpack(file, directory, file);
  return readPlan(world, directory);
}

async function unpack(archive: string, directory: string, file: string): Promise<void> {
  try {
    await unzip(archive, directory);
  } catch (cause) {
    if (cause instanceof ConfigError) throw cause;
    if (isRefusal(cause))
      throw new ConfigError("STATE_UNWRITABLE", `${file} cannot be unpacked: ${(cause as Error).message}`, {
        cause,
        next: "Make room for temporary files, or choose another folder for them with TMPDIR.",
      });
    throw new ConflictError("PLAN_UNREADABLE", `${file} is not a plan file, or it is truncated`, { cause });
  }
}

/** Reads a plan's folder and checks it. */
export async function readPlan(world: World, directory: string): Promise<OpenPlan> {
  const json = async <T>(name: string): Promise<T> => {
    try {
      return JSON.parse((await world.disk.read(join(directory, name))) ?? "") as T;
    } catch (cause) {
      throw new ConflictError("PLAN_UNREADABLE", `the plan's ${name} cannot be read`, { cause });
    }
  };
  const manifest = await json<PlanManifest>("manifest.json");
  if (manifest.format !== PLAN_FORMAT)
    throw new ConflictError(
      "PLAN_VERSION",
      `the plan has format ${manifest.format}, this version reads ${PLAN_FORMAT}`,
    );
  if (manifestDigest(manifest) !== manifest.digest)
    throw new ConflictError("PLAN_ALTERED", "the plan's manifest does not match its digest");
  for (const [name, sha256] of Object.entries(manifest.files)) {
    const path = join(directory, name);
    if (!(await world.disk.exists(path)) || (await digestOfFile(path)) !== sha256)
      throw new ConflictError("PLAN_ALTERED", `the plan's ${name} does not match its digest`);
  }
  const summary = await json<Omit<PlanSummary, "digest">>("summary.json");
  const concentrations = await json<OpenPlan["concentrations"]>(CONCENTRATIONS);
  return { directory, manifest, summary: { ...summary, digest: manifest.digest }, concentrations };
}

const allowed =
  /^((manifest|summary|concentrations)\.json|(changes|confirmed|rejected|marks)\/[A-Za-z0-9_-]+\.parquet)$/;

async function unzip(file: string, directory: string): Promise<void> {
  const { default: yauzl } = await import("yauzl");
  const zip = await yauzl.openPromise(file, { autoClose: false, validateEntrySizes: true });
  const seen = new Set<string>();
  try {
    for await (const entry of zip.eachEntry()) {
      const { fileName: name, compressedSize, uncompressedSize } = entry;
      const tooLarge = name.endsWith(".json") && uncompressedSize > MAX_JSON_BYTES;
      const inflated = name.endsWith(".parquet") && compressedSize !== uncompressedSize;
      if (!allowed.test(name) || seen.has(name) || tooLarge || inflated)
        throw new ConflictError("PLAN_UNREADABLE", "the archive holds files that no plan has");
      seen.add(name);
      const bytes = name.endsWith(".parquet")
        ? await storedAs(file, zip, entry)
        : await zip.openReadStreamPromise(entry);
      await streamToFile(bytes, join(directory, name));
    }
  } finally {
    zip.close();
  }
}

/** The bytes of a file that the archive holds as it is, in pieces as large as they are wanted. */
async function storedAs(file: string, zip: ZipFile, entry: Entry): Promise<Readable> {
  const { fileDataStart: start } = await zip.readLocalFileHeaderPromise(entry, { minimal: true });
  return createReadStream(file, { start, end: start + entry.compressedSize - 1, highWaterMark: PIECE_BYTES });
}
