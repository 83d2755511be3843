/** The one seam between Ebb and Snowflake's driver: another driver takes the place of `sdk.ts` by keeping to this. @module */

/** A column of a result, as the vendor names its type: `fixed`, `real`, `text`, `timestamp_ntz` … */
export interface ResultColumn {
  readonly name: string;
  readonly type: string;
  readonly precision: number | null;
  readonly scale: number | null;
}

/** Values of some rows by column, in the order of the columns. */
export type TextColumns = readonly (readonly (string | null)[])[];

/** A statement that has run. */
export interface Result {
  readonly queryId: string;
  readonly columns: readonly ResultColumn[];
  /** Rows of the whole result, known before any is fetched. */
  readonly rowCount: number;
  /** Every row, by some thousands. Every column must be text. Rejects when fewer rows come than there are. */
  batches(signal: AbortSignal): AsyncIterable<TextColumns>;
  /** Rows of a small result of any types, each cell as text. */
  rows(signal: AbortSignal): Promise<readonly Readonly<Record<string, string | null>>[]>;
}

export interface StatementOptions {
  /** Query tag of the statement. */
  readonly label?: string | undefined;
  /** Compile only: columns, no rows. */
  readonly describeOnly?: boolean;
  readonly binds?: readonly (string | null)[];
}

/** Errors come as the driver throws them; `errors.ts` says what they mean. */
export interface Driver {
  /** Runs a statement; an aborted signal cancels it on the server. */
  execute(sql: string, options: StatementOptions, signal: AbortSignal): Promise<Result>;
  close(): Promise<void>;
}
