/**
 * What stands in the report's data blocks: written by the generator, read by the page's script. A block is a gzipped
 * file in base64; the last one is the {@link ReportIndex} as JSON.
 * @module
 */

export interface ReportIndex {
  readonly syncs: readonly IndexedSync[];
  /** What a code of {@link IndexedSync.kinds} means. */
  readonly kinds: readonly { readonly action: "create" | "update" | "delete"; readonly reason: string }[];
}

export interface IndexedSync {
  readonly name: string;
  readonly rows: number;
  readonly kinds: CodesBlock;
  /** Positions in the plan's apply order. */
  readonly positions: CodesBlock;
  readonly keys: TextBlock;
  /** The destination's identifiers, where they are not the keys and may be seen. */
  readonly ids?: TextBlock;
  readonly fields: readonly IndexedField[];
}

/** Codes: 0 no part of the change, 1 null, then the place of the value in `values`, from 2. */
export interface IndexedField {
  readonly name: string;
  readonly values: TextBlock;
  readonly from: CodesBlock;
  readonly to: CodesBlock;
  readonly kept?: CodesBlock;
  readonly theirs?: CodesBlock;
}

/** Number of a block of lines. */
export type TextBlock = number;

/** A block of whole numbers of so many bytes: first the lowest byte of each, then the next. */
export interface CodesBlock {
  readonly block: number;
  readonly bytes: 1 | 2 | 3 | 4;
}
