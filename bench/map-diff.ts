/** The same 1M diff in plain JavaScript: rows streamed from DuckDB into a Map, compared field by field. */
import { DuckDBInstance } from "@duckdb/node-api";
import { timed } from "./harness.ts";

export async function benchMapDiff(
  before: string,
  after: string,
): Promise<{ readonly seconds: number; readonly changes: number }> {
  const db = await DuckDBInstance.create(":memory:", { memory_limit: "400MB" });
  const connection = await db.connect();
  const rowsOf = async function* (file: string, columns: string) {
    const result = await connection.stream(`SELECT ${columns} FROM '${file}'`);
    for (;;) {
      const chunk = await result.fetchChunk();
      if (!chunk || chunk.rowCount === 0) return;
      yield chunk.getRows();
    }
  };
  const made = await timed(async () => {
    const known = new Map<unknown, readonly unknown[]>();
    const recorded = `key, ${names.map((name) => `"f:${name}"`).join(", ")}`;
    for await (const page of rowsOf(before, recorded)) for (const [key, ...row] of page) known.set(key, row);
    let changes = 0;
    for await (const page of rowsOf(after, ["id", ...names].join(", ")))
      for (const [key, ...row] of page) {
        const old = known.get(key);
        if (!old || row.some((value, i) => String(value) !== String(old[i]))) changes += 1;
        known.delete(key);
      }
    return changes + known.size;
  });
  connection.closeSync();
  db.closeSync();
  return { seconds: made.seconds, changes: made.value };
}

const names = ["name", "email", "city", "n", "amount", "score", "active", "d", "ts"];
