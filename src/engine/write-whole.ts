/** Files that a command was asked for: plans, reports, comments. @module */
import { rename, rm } from "node:fs/promises";
import { type Pieces, streamToFile } from "../connector/stream-to-file.ts";
import { ConfigError } from "../core/errors.ts";

/** What a disk answers; a network has codes of its own. */
const REFUSALS = new Set([
  "EACCES",
  "EDQUOT",
  "EFBIG",
  "EIO",
  "EISDIR",
  "ELOOP",
  "ENAMETOOLONG",
  "ENOENT",
  "ENOSPC",
  "ENOTDIR",
  "EPERM",
  "EROFS",
]);

/** Whether it is the disk that failed, and not what was to be written. */
export function isRefusal(cause: unknown): boolean {
  return REFUSALS.has((cause as { readonly code?: string }).code ?? "");
}

/**
 * Writes a file whole or not at all, into a folder that is there; values may be in it, so nobody else may read it.
 *
 * @param what names the file in an error, e.g. `the report`
 * @throws ConfigError STATE_UNWRITABLE; what `pieces` throws is thrown on
 */
export async function writeWhole(file: string, pieces: Pieces, what: string): Promise<void> {
  const aside = `${file}.new`;
  try {
    await streamToFile(pieces, aside);
    await rename(aside, file);
  } catch (cause) {
    await rm(aside, { force: true }).catch(() => undefined);
    throw isRefusal(cause) ? unwritten(file, what, cause) : cause;
  }
}

export function unwritten(file: string, what: string, cause: unknown): ConfigError {
  return new ConfigError("STATE_UNWRITABLE", `${what} cannot be written to ${file}`, {
    cause,
    next: "Choose another place for it.",
  });
}
