/** The changes that a filter lets through. @module */
import type { Codes, Column, Report, SyncData } from "./data.ts";
import type { Filter } from "./filter.ts";
import { eachWith } from "./search.ts";

/** Numbers of the changes, in the order of the report. */
export function matching(report: Report, filter: Filter): Uint32Array {
  const found = new Uint32Array(report.rows);
  let count = 0;
  for (const sync of report.syncs) {
    if (filter.sync !== "" && filter.sync !== sync.name) continue;
    const keep = new Uint8Array(sync.rows).fill(1);
    if (!narrowed(report, sync, filter, keep)) continue;
    for (let i = 0; i < sync.rows; i++) if (keep[i]) found[count++] = sync.start + i;
  }
  return found.subarray(0, count);
}

/** Clears what a filter keeps out. False when the sync has not even the field. */
function narrowed({ kinds }: Report, sync: SyncData, filter: Filter, keep: Uint8Array): boolean {
  const { op, why, field, from, to, where, is, text } = filter;
  if (op !== "" || why !== "") {
    const passes = kinds.map((kind) => (op === "" || kind.action === op) && (why === "" || kind.reason === why));
    for (let i = 0; i < keep.length; i++) if (!passes[sync.kinds[i] ?? 0]) keep[i] = 0;
  }
  if (field !== "") {
    const column = sync.columns.find(({ name }) => name === field);
    if (!column) return false;
    for (let i = 0; i < keep.length; i++) if (!column.from[i] && !column.to[i]) keep[i] = 0;
    if (from !== "") only(keep, [column.from], codesLike(column, from));
    if (to !== "") only(keep, [column.to], codesLike(column, to));
  }
  if (where !== "") {
    const column = sync.columns.find(({ name }) => name === where);
    if (!column) return false;
    const sides = [column.from, column.to, ...(column.kept ? [column.kept] : [])];
    only(keep, sides, codesLike(column, `=${is}`));
  }
  if (text !== "") withText(sync, text, keep);
  return true;
}

/** Keeps a change when one of the columns has one of the codes. */
function only(keep: Uint8Array, columns: readonly Codes[], wanted: Uint8Array): void {
  for (let i = 0; i < keep.length; i++) {
    let has = 0;
    for (const column of columns) has |= wanted[column[i] ?? 0] ?? 0;
    if (!has) keep[i] = 0;
  }
}

function withText(sync: SyncData, text: string, keep: Uint8Array): void {
  const hit = new Uint8Array(sync.rows);
  eachWith(sync.keys, text, (i) => {
    hit[i] = 1;
  });
  for (const column of sync.columns) {
    const wanted = codesLike(column, text, false);
    if (!wanted.includes(1)) continue;
    for (let i = 0; i < hit.length; i++)
      hit[i] = (hit[i] ?? 0) | (wanted[column.from[i] ?? 0] ?? 0) | (wanted[column.to[i] ?? 0] ?? 0);
  }
  for (let i = 0; i < keep.length; i++) if (!hit[i]) keep[i] = 0;
}

/** 1 for each code whose text has `part` in it, or is what follows `=`. */
function codesLike({ values }: Column, part: string, mayBeExact = true): Uint8Array {
  const wanted = new Uint8Array(values.length + 2);
  if (mayBeExact && part.startsWith("=")) {
    const exact = part.slice(1);
    if (exact === "null") wanted[1] = 1;
    values.forEach((value, v) => {
      if (value === exact) wanted[v + 2] = 1;
    });
    return wanted;
  }
  if ("null".includes(part.toLowerCase())) wanted[1] = 1;
  eachWith(values, part, (v) => {
    wanted[v + 2] = 1;
  });
  return wanted;
}
