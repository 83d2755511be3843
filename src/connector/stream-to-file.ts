import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/** What a file can be made of. */
export type Pieces = Iterable<string> | AsyncIterable<string | Uint8Array> | NodeJS.ReadableStream;

/**
 * Writes a file that only this user may read. When that fails, half of it may be there, and nothing more happens to it:
 * whoever removes it then has removed it.
 *
 * @throws what `pieces` throws, or the disk's refusal
 */
export async function streamToFile(pieces: Pieces, file: string): Promise<void> {
  const stream = createWriteStream(file, { mode: 0o600 });
  // One that fails early is still being opened, which makes the file.
  const closed = new Promise<void>((resolve) => stream.once("close", () => resolve()));
  stream.on("error", () => undefined);
  try {
    await pipeline(pieces, stream);
  } finally {
    stream.destroy();
    await closed;
  }
}
