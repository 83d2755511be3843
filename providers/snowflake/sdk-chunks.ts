/**
 * Chunks of a result, looked at before the driver reads them. The driver parses a chunk, and converts its values, in
 * callbacks of its own: what is no part of the result (a proxy's page with status 200) throws there, out of anybody's
 * reach, and the process ends; rows of another width are read as if nothing were wrong. Each chunk says by an event that
 * it has come, with an error where it has not: a damaged one is made to say so too.
 * @module
 */
import { ConfigError, TransientError } from "../../src/connector/index.ts";
import { damaged } from "./errors.ts";

/** What is used here of a class that the driver does not publish: the tests hold it against the driver. */
interface Chunk {
  readonly _columns: readonly { getId(): number; getType(): string }[];
  getStartIndex(): number;
  getEndIndex(): number;
  /** Parses what has come, once. */
  getRows(): readonly { readonly values: unknown; getColumnValue(id: number): unknown }[] | undefined;
  emit(event: string, error: unknown, chunk: Chunk): boolean;
  listenerCount(event: string): number;
}

/** To be called once, before the driver reads its first result. */
export async function guardChunks(): Promise<void> {
  const driver = await load();
  const { emit } = driver.prototype;
  driver.prototype.emit = function (this: Chunk, event, error, chunk) {
    // Without a listener it was fetched ahead, and says so again when its turn comes.
    const due = event === "loadcomplete" && this.listenerCount(event) > 0;
    return emit.call(this, event, due ? (error ? final(error) : damage(this)) : error, chunk);
  };
}

async function load(): Promise<{ readonly prototype: Chunk }> {
  try {
    const { default: driver } = await import("snowflake-sdk/dist/lib/connection/result/chunk.js");
    return driver as unknown as { readonly prototype: Chunk };
  } catch (cause) {
    throw new ConfigError("CONFIG_INVALID", "this version of snowflake-sdk is one that Ebb does not know", {
      next: "Install version 3.3 of snowflake-sdk.",
      cause,
    });
  }
}

/** What is wrong with a chunk that has come. */
function damage(chunk: Chunk): TransientError | undefined {
  try {
    const rows = chunk.getRows() ?? [];
    const expected = chunk.getEndIndex() - chunk.getStartIndex() + 1;
    if (rows.length !== expected) return damaged(`a chunk has ${rows.length} rows instead of ${expected}`);
    const width = chunk._columns.length;
    if (!rows.every(({ values }) => Array.isArray(values) && values.length === width))
      return damaged("a chunk has rows of other columns");
    const converted = chunk._columns.filter((column) => column.getType().toLowerCase() !== "text");
    for (const row of rows) for (const column of converted) row.getColumnValue(column.getId());
    return undefined;
  } catch {
    return damaged("a chunk cannot be read");
  }
}

/**
 * Of an address that has expired the driver does not speak: it asks for new ones, gives them to the wrong chunks when
 * there were rows in the answer itself, and fails at that.
 */
function final(error: unknown): unknown {
  const { response } = error as { readonly response?: { readonly statusCode?: number } };
  if (response?.statusCode !== 403) return error;
  return new TransientError("UNAVAILABLE", "a part of the result was refused (403): its address may have expired", {
    next: "Run it again; if it comes back, let this machine reach every host that SYSTEM$ALLOWLIST() names.",
  });
}
