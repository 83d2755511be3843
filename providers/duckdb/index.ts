/** DuckDB: a database file, or data files read in place. @module */
import * as z from "zod";
import { defineSystem } from "../../src/connector/index.ts";

const connection = z.strictObject({
  path: z
    .string()
    .optional()
    .describe(
      "Database file, relative to the project. Without it, queries read data files (Parquet, CSV, NDJSON) and there is no destination.",
    ),
});

/** Options of a DuckDB connection. */
export type DuckdbOptions = z.output<typeof connection>;

export default defineSystem({
  name: "duckdb",
  title: "DuckDB",
  summary: "Tables of a DuckDB file, and Parquet, CSV and NDJSON files.",
  connection,
  source: {
    reads: ["sql", "table", "file"],
    pushdown: true,
    open: async (options, context) => (await import("./source.ts")).openSource(options, context),
  },
  destination: {
    capabilities: {
      actions: ["create", "update", "delete"],
      read: { keys: 10_000, scan: 1_000_000, lagSeconds: 0 },
      write: [{ name: "batch", above: 0, records: 10_000, concurrency: 1, calls: 1 }],
      createIsIdempotent: "key",
      checksBefore: true,
      idIsKey: true,
      rates: [],
      delete: "erase",
    },
    open: async (options, context) => (await import("./destination.ts")).openDestination(options, context),
  },
});
