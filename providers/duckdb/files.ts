import { ConfigError, literal } from "../../src/connector/index.ts";

const csv = "header = true, all_varchar = false, allow_quoted_nulls = false, sample_size = -1, union_by_name = true";

const readers: Readonly<Record<string, (path: string) => string>> = {
  parquet: (path) => `read_parquet(${path}, union_by_name = true)`,
  csv: (path) => `read_csv(${path}, ${csv})`,
  tsv: (path) => `read_csv(${path}, delim = '\t', ${csv})`,
  ndjson: (path) => `read_ndjson(${path}, sample_size = -1, union_by_name = true)`,
  jsonl: (path) => `read_ndjson(${path}, sample_size = -1, union_by_name = true)`,
  json: (path) => `read_json(${path}, sample_size = -1, union_by_name = true)`,
};

/** The query that reads a data file, or every file a pattern names, by its extension. */
export function fileQuery(path: string, connection: string): string {
  const extension = /\.([a-z]+)(?:\.(?:gz|zst))?$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  const reader = readers[extension];
  if (!reader)
    throw new ConfigError(
      "SOURCE_FAILED",
      `${connection}: cannot tell the format of ${path}; known are .${Object.keys(readers).join(", .")}`,
    );
  return `SELECT * FROM ${reader(literal(path))}`;
}
