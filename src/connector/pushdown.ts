/**
 * The diff in the warehouse: a source that keeps, in a schema of Ebb's own, a mark for each row whose wanted values are
 * the recorded ones, and returns only the rows that differ from their marks.
 *
 * - **raw key** — the row's key columns as the source writes them: a JSON array of texts, or null where a part is null.
 * - **mark** — a raw key and the source's own hash of the used columns of its one row. Never compared with a hash of
 *   another engine.
 * - **token** — names the state of all marks of a table; kept beside them and changed in the same transaction.
 *
 * @module
 */
import type { Extract, Query } from "./source.ts";

/** Columns that come before the source's own in what {@link Pushdown.changes} returns, all text. */
export const markColumns = {
  /** `changed`: a row of the source. `gone`: a mark whose raw key no row has; the source's own columns are null. */
  what: "ebb:what",
  /** Raw key. The mark whose raw key is empty is no row's: its hash is the token. */
  key: "ebb:key",
  /** Hash of the row, or of the mark that is gone. */
  hash: "ebb:hash",
} as const;

export interface ChangesRequest {
  readonly query: Query;
  /** Columns of the record key, as {@link Source.describe} names them. */
  readonly key: readonly string[];
  /** Columns that are hashed and returned, those of the key among them. */
  readonly columns: readonly string[];
  /** Name of the marks' table: lower-case letters, digits and underscores. */
  readonly table: string;
  /** Marks of this token are compared with; null, or where there are no such marks: every row is changed. */
  readonly token: string | null;
}

/** A mark to be set, or with a null hash removed. */
export interface Mark {
  readonly key: string;
  readonly hash: string | null;
}

export interface RecordRequest {
  readonly table: string;
  /** The token the marks must have; null: all marks are replaced by the given ones. */
  readonly token: string | null;
  /** The token they get. */
  readonly next: string;
  /** Pages of some thousand; each raw key at most once. */
  readonly marks: AsyncIterable<readonly Mark[]>;
}

/** What a source that can compare rows itself does. Errors as in {@link Source}. */
export interface Pushdown {
  /**
   * Rows that have no mark or another hash than their mark, all rows of a raw key that several rows have, rows without a
   * raw key, and the marks that are gone; of one moment, in the columns of {@link markColumns} and `columns`. Where
   * marks were compared with, the one that holds their token is among those gone. Creates and writes nothing.
   */
  changes(request: ChangesRequest, signal: AbortSignal): Promise<Extract>;
  /** Sets and removes marks in one transaction; true when they now have token `next`, false when they had another than `token`. */
  record(request: RecordRequest, signal: AbortSignal): Promise<boolean>;
}
