import { rm } from "node:fs/promises";
import type { Entry, ZipFile } from "yauzl";
import { streamToFile } from "../connector/stream-to-file.ts";
import { ConflictError } from "../core/errors.ts";

/**
 * Writes one file of an archive, whole or not at all.
 *
 * @throws ConflictError REVIEW_MISSING when the archive does not hold it, or is none
 */
export async function extract(archive: string, name: string, file: string): Promise<void> {
  const { default: yauzl } = await import("yauzl");
  const missing = (cause?: unknown) =>
    new ConflictError("REVIEW_MISSING", `the artifact of the review holds no ${name}`, { cause });
  const zip = await new Promise<ZipFile>((resolve, reject) =>
    yauzl.open(archive, { lazyEntries: true, autoClose: false }, (error, opened) =>
      error ? reject(missing(error)) : resolve(opened),
    ),
  );
  try {
    const entry = await new Promise<Entry>((resolve, reject) => {
      zip.on("error", (error) => reject(missing(error)));
      zip.on("end", () => reject(missing()));
      zip.on("entry", (one: Entry) => (one.fileName === name ? resolve(one) : zip.readEntry()));
      zip.readEntry();
    });
    const bytes = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
      zip.openReadStream(entry, (error, stream) => (error ? reject(missing(error)) : resolve(stream))),
    );
    await streamToFile(bytes, file).catch(async (error: unknown) => {
      await rm(file, { force: true });
      throw missing(error);
    });
  } finally {
    zip.close();
  }
}
