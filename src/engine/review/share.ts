/** Which changes of a large plan a report carries. @module */
import type { Action, Reason } from "../../core/types.ts";
import type { Staging } from "../staging/staging.ts";

/** Changes of one kind in one sync. */
export interface Stratum {
  readonly action: Action;
  readonly reason: Reason;
  readonly count: number;
}

/** Groups up to this size are carried whole, where there is room for all of them. */
const SMALL = 500;
/** Spreads positions evenly over 32 bits: the golden ratio, as Knuth's multiplicative hash has it. */
const SPREAD = 2_654_435_761;
const SPAN = 2 ** 32;

/** @param changes relation of the sync's changes */
export async function strataOf(staging: Staging, changes: string): Promise<readonly Stratum[]> {
  const rows = await staging.rows<{ action: Action; reason: Reason; count: string }>(
    `SELECT action, reason, count(*) AS count FROM ${changes} GROUP BY ALL ORDER BY ALL`,
  );
  return rows.map((row) => ({ ...row, count: Number(row.count) }));
}

/**
 * How much of each stratum is carried, from 0 to 1, so that all together are about `cap` changes. Deletes go first; what room
 * they leave is for small groups, and then for the others by their size.
 */
export function sharesOf<T extends Stratum>(strata: readonly T[], cap: number): ReadonlyMap<T, number> {
  const shares = new Map<T, number>();
  let room = cap;
  const take = (some: readonly T[], most: number) => {
    const total = some.reduce((sum, { count }) => sum + count, 0);
    const share = total <= most ? 1 : Math.max(0, most) / total;
    for (const stratum of some) shares.set(stratum, share);
    room -= Math.min(total, Math.max(0, most));
  };
  const others = strata.filter(({ action }) => action !== "delete");
  const small = others.filter(({ count }) => count <= SMALL);
  const large = others.filter(({ count }) => count > SMALL);
  take(
    strata.filter(({ action }) => action === "delete"),
    room,
  );
  const needed = small.reduce((sum, { count }) => sum + count, 0);
  if (large.length > 0 && needed > room / 2) take(others, room);
  else {
    take(small, room);
    take(large, room);
  }
  return shares;
}

/** Condition of the changes that are carried, the same ones each time. */
export function carriedSql(shares: readonly (readonly [Stratum, number])[]): string {
  const cases = shares
    .filter(([, share]) => share < 1)
    .map(([{ action, reason }, share]) => `WHEN action = '${action}' AND reason = '${reason}' THEN ${shareSql(share)}`);
  return cases.length === 0 ? "true" : `CASE ${cases.join(" ")} ELSE true END`;
}

/** Condition that holds for such a share of the positions `n`, spread evenly over all of them. */
export function shareSql(share: number): string {
  return share < 1 ? `(n * ${SPREAD}) & ${SPAN - 1} < ${Math.floor(share * SPAN)}` : "true";
}
