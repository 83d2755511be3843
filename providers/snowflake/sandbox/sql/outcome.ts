/** What running a statement comes to. No HTTP here: the wire writes it down in its own form. @module */
import type { RowType } from "./types.ts";

/** Numbers by which the vendor tells kinds of statements apart. */
export const statementTypes = {
  select: 4_096,
  insert: 12_544,
  update: 12_800,
  delete: 13_056,
  merge: 13_312,
  copy: 13_824,
  unload: 14_080,
  session: 16_384,
  ddl: 24_576,
} as const;

export type StatementType = (typeof statementTypes)[keyof typeof statementTypes];

/** Rows, each as the text of a JSON array of cells in the form a result has them. */
export interface RowsOutcome {
  readonly kind: "rows";
  readonly type: StatementType;
  readonly columns: readonly RowType[];
  readonly count: number;
  rows(): AsyncIterable<readonly string[]>;
}

/** Files the client moves between its disk and a stage. */
export interface TransferOutcome {
  readonly kind: "transfer";
  readonly command: "UPLOAD" | "DOWNLOAD";
  /** Files: on the client's disk, or relative to the stage. */
  readonly files: readonly string[];
  /** Folder of the stage. */
  readonly folder: string;
  readonly localFolder: string;
  readonly options: Readonly<Record<string, string>>;
}

export type Outcome = RowsOutcome | TransferOutcome;

/** A small result whose cells are text, numbers or null. */
export function listed(
  type: StatementType,
  columns: readonly RowType[],
  rows: readonly (readonly (string | number | null)[])[],
): RowsOutcome {
  return {
    kind: "rows",
    type,
    columns,
    count: rows.length,
    async *rows() {
      yield rows.map((row) => JSON.stringify(row.map((cell) => (cell === null ? null : String(cell)))));
    },
  };
}
