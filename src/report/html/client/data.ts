/** The changes, read from the page's data blocks into columns. @module */
import type { CodesBlock, ReportIndex } from "../format.ts";

export type Codes = Uint8Array | Uint16Array | Uint32Array;

export interface Column {
  readonly name: string;
  /** Distinct values; code 2 is the first of them. */
  readonly values: readonly string[];
  readonly from: Codes;
  readonly to: Codes;
  /** Values that an update leaves as they are. */
  readonly kept: Codes | null;
  readonly theirs: Codes | null;
}

export interface SyncData {
  readonly name: string;
  /** Number of its first change in the report. */
  readonly start: number;
  readonly rows: number;
  readonly kinds: Codes;
  readonly positions: Codes;
  readonly keys: readonly string[];
  readonly ids: readonly string[] | null;
  readonly columns: readonly Column[];
}

export interface Report {
  readonly syncs: readonly SyncData[];
  readonly rows: number;
  readonly kinds: ReportIndex["kinds"];
}

export const NULL = 1;
const FIRST = 2;

/** Text of a code that is part of the change. */
export function textOfCode({ values }: Column, code: number): string {
  return code === NULL ? "null" : (values[code - FIRST] ?? "");
}

/** The sync that a change of the report is of, and its place there. */
export function placeOf({ syncs }: Report, row: number): { readonly sync: SyncData; readonly i: number } {
  const sync = syncs.find(({ start, rows }) => row < start + rows);
  if (!sync) throw new RangeError("there is no such change");
  return { sync, i: row - sync.start };
}

export async function readReport(): Promise<Report> {
  const { syncs, kinds } = JSON.parse(await textOf("index")) as ReportIndex;
  let rows = 0;
  const read = syncs.map(async (indexed): Promise<SyncData> => {
    const start = rows;
    rows += indexed.rows;
    const codes = (block: CodesBlock) => codesOf(block, indexed.rows);
    const maybe = (block: CodesBlock | undefined) => (block ? codes(block) : Promise.resolve(null));
    const columns = indexed.fields.map(async ({ name, values, from, to, kept, theirs }): Promise<Column> => {
      const [texts, ...all] = await Promise.all([linesOf(values), codes(from), codes(to), maybe(kept), maybe(theirs)]);
      return { name, values: texts, from: all[0], to: all[1], kept: all[2], theirs: all[3] };
    });
    return {
      name: indexed.name,
      start,
      rows: indexed.rows,
      kinds: await codes(indexed.kinds),
      positions: await codes(indexed.positions),
      keys: await linesOf(indexed.keys),
      ids: indexed.ids === undefined ? null : await linesOf(indexed.ids),
      columns: await Promise.all(columns),
    };
  });
  return { syncs: await Promise.all(read), rows, kinds };
}

async function linesOf(block: number): Promise<readonly string[]> {
  return (await textOf(`b${block}`)).split("\n");
}

async function codesOf({ block, bytes }: CodesBlock, rows: number): Promise<Codes> {
  const data = new Uint8Array(await inflated(`b${block}`));
  if (bytes === 1) return data;
  const codes = bytes === 2 ? new Uint16Array(rows) : new Uint32Array(rows);
  for (let b = 0; b < bytes; b++) {
    const scale = 256 ** b;
    for (let i = 0; i < rows; i++) codes[i] = (codes[i] ?? 0) + (data[b * rows + i] ?? 0) * scale;
  }
  return codes;
}

async function textOf(id: string): Promise<string> {
  return new TextDecoder().decode(await inflated(id));
}

function inflated(id: string): Promise<ArrayBuffer> {
  const element = document.getElementById(id);
  const packed = fromBase64(element?.textContent ?? "");
  // It has served, and may be large.
  element?.remove();
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> }).fromBase64;
  if (native) return native(text);
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}
