import { createRequire } from "node:module";

/**
 * The embedded DuckDB's module, loaded when it is first asked for. By `require`, because to import a CommonJS module Node
 * reads every file of it once more for its names, which takes longer than the engine itself.
 */
export function loadDuckdb(): typeof import("@duckdb/node-api") {
  return createRequire(import.meta.url)("@duckdb/node-api");
}
