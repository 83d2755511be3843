/**
 * Answers of queries that read files and nothing else: the same question about files of the same content is not asked
 * twice. Fates read the one plan of their preparation again and again.
 * @module
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { DuckDBDataChunk, DuckDBResult } from "@duckdb/node-api";

const MOST = 500;

interface Answer {
  readonly result: DuckDBResult;
  readonly chunks: readonly DuckDBDataChunk[];
}

const known = new Map<string, Answer>();

/** The query with each file's content in place of its name; undefined when the answer depends on anything else. */
export function questionOf(sql: string): string | undefined {
  if (!/^\s*(SELECT|DESCRIBE)\b/.test(sql) || !sql.includes("read_parquet(") || sql.includes("staging."))
    return undefined;
  try {
    return sql.replaceAll(/'(\/[^']+)'/g, (_, path: string) =>
      createHash("sha1").update(readFileSync(path)).digest("base64"),
    );
  } catch {
    return undefined;
  }
}

/** The answer, from memory or else from `ask`. */
export async function remembered<T extends DuckDBResult>(
  question: string,
  ask: () => Promise<T>,
  fetchChunk: (result: DuckDBResult) => Promise<DuckDBDataChunk | null>,
): Promise<T> {
  const answer = known.get(question) ?? (await whole(await ask(), fetchChunk));
  known.delete(question);
  known.set(question, answer);
  for (const oldest of known.keys()) {
    if (known.size <= MOST) break;
    known.delete(oldest);
  }
  let next = 0;
  return Object.create(answer.result, {
    fetchChunk: { value: async () => answer.chunks[next++] ?? null },
  }) as T;
}

async function whole(
  result: DuckDBResult,
  fetchChunk: (result: DuckDBResult) => Promise<DuckDBDataChunk | null>,
): Promise<Answer> {
  const chunks: DuckDBDataChunk[] = [];
  for (;;) {
    const chunk = await fetchChunk(result);
    if (!chunk || chunk.rowCount === 0) return { result, chunks };
    chunks.push(chunk);
  }
}
