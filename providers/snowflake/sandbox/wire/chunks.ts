/** A result in pieces: the first rows in the answer, the others as gzipped fragments at addresses of their own. @module */
import { randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { RowsOutcome } from "../sql/outcome.ts";
import type { Answer } from "./answer.ts";
import type { Faults, Truncation } from "./faults.ts";

/** Text the answer itself carries, and a chunk, in characters. */
const inlineSize = 100_000;
const chunkSize = 6_000_000;

export interface Chunked {
  /** Rows of the answer, each the text of a JSON array. */
  readonly inline: readonly string[];
  readonly chunks: readonly {
    readonly id: string;
    readonly rowCount: number;
    readonly size: number;
    readonly gzip: Buffer;
  }[];
}

/** Cuts a result; with `rows` into pieces of so many. */
export async function cut(outcome: RowsOutcome, rows: number | undefined): Promise<Chunked> {
  const chunks: Chunked["chunks"][number][] = [];
  let inline: string[] | undefined;
  let piece: string[] = [];
  let length = 0;
  const end = () => {
    if (inline === undefined) inline = piece;
    else if (piece.length > 0) {
      const text = piece.join(",");
      const id = `${chunks.length}-${randomBytes(16).toString("hex")}`;
      chunks.push({ id, rowCount: piece.length, size: text.length, gzip: gzipSync(text, { level: 1 }) });
    }
    piece = [];
    length = 0;
  };
  for await (const page of outcome.rows())
    for (const row of page) {
      const most = inline === undefined ? inlineSize : chunkSize;
      if (rows === undefined ? length + row.length > most && piece.length > 0 : piece.length >= rows) end();
      piece.push(row);
      length += row.length;
    }
  end();
  return { inline: inline ?? [], chunks };
}

/** Chunks that can be fetched, by the id in their address. */
export class ChunkStore {
  private readonly held = new Map<string, Buffer>();
  fetched = 0;

  put(id: string, gzip: Buffer): void {
    this.held.set(id, gzip);
  }

  delete(id: string): void {
    this.held.delete(id);
  }

  get(id: string, faults: Faults): Answer {
    const gzip = this.held.get(id);
    if (!gzip) return { status: 403, json: { message: "expired" } };
    this.fetched += 1;
    const how = faults.truncate(Number(id.split("-")[0]));
    if (how === "bytes") return { status: 200, gzip: gzip.subarray(0, gzip.length / 2), missing: gzip.length / 2 };
    if (how === undefined) return { status: 200, gzip };
    if (how === "gzip") return { status: 200, gzip: gzip.subarray(0, gzip.length / 2) };
    return { status: 200, gzip: gzipSync(damaged(gunzipSync(gzip).toString(), how)) };
  }
}

function damaged(text: string, how: Exclude<Truncation, "bytes" | "gzip">): string {
  const rows = () => JSON.parse(`[${text}]`) as unknown[][];
  const written = (all: readonly unknown[]) => JSON.stringify(all).slice(1, -1);
  switch (how) {
    case "json":
      return text.slice(0, text.length - 3);
    case "rows":
      return text.slice(0, text.lastIndexOf(",["));
    case "narrow":
      return written(rows().map((row) => row.slice(1)));
    case "wide":
      return written(rows().map((row) => [...row, null]));
    case "page":
      return "<html><body>Sign in to the proxy</body></html>";
  }
}
