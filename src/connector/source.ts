import type { Column } from "../core/types.ts";
import type { Pushdown } from "./pushdown.ts";
import type { Finding } from "./system.ts";

/** What to read: exactly one of `sql`, `table` and `file`. */
export interface Query {
  readonly sql?: string;
  readonly table?: string;
  readonly file?: string;
  /** What is read for, e.g. `ebb sync=customer-ltv`; a source that can, labels its statements with it. */
  readonly label?: string;
}

/**
 * Rows on their way to the staging engine, as columns or bytes, never as objects.
 *
 * - `relation` — the staging engine reaches the rows itself: run `setup`, then select from `sql`. It may be read more
 *   than once and must give the same rows each time.
 * - `csv` — RFC 4180 with a header line, in UTF-8; an unquoted empty cell is null, a quoted one is the empty string.
 * - `text` — batches of columns of canonical text.
 */
export type Extract =
  | { readonly kind: "relation"; readonly setup: readonly string[]; readonly sql: string }
  | { readonly kind: "csv"; readonly columns: readonly Column[]; readonly bytes: AsyncIterable<Uint8Array> }
  | { readonly kind: "text"; readonly columns: readonly Column[]; readonly batches: AsyncIterable<ColumnBatch> };

/** Column name to the values of some rows; every column has the same length. */
export type ColumnBatch = Readonly<Record<string, readonly (string | null)[]>>;

/** A connection rows can be read from. */
export interface Source {
  /** Names and types of the columns, without reading rows. Throws `SOURCE_FAILED` with the source's own words. */
  describe(query: Query, signal: AbortSignal): Promise<readonly Column[]>;
  /** Starts reading. The rows must be those of one moment (one snapshot). */
  extract(query: Query, signal: AbortSignal): Promise<Extract>;
  /** Compares rows with what was last applied by itself; see `System.source.pushdown`. */
  readonly pushdown?: Pushdown;
  /** Looks at credentials and permissions, for `ebb doctor`. Writes nothing. */
  examine?(signal: AbortSignal): AsyncIterable<Finding>;
  close?(): Promise<void>;
}
