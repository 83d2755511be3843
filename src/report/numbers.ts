/** Numbers as a person reads them. @module */
import { sanitise } from "./sanitise.ts";

/** @example thousands(1234567) // "1,234,567" */
export function thousands(n: number): string {
  // A number of a plan that somebody else made may be none.
  return String(Number(n)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** @example counted(1, "row") // "1 row" */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${thousands(n)} ${n === 1 ? one : many}`;
}

/** @example percent(1, 8) // "12.5 %" */
export function percent(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const share = (100 * part) / whole;
  return share > 0 && share < 0.05 ? "under 0.1 %" : `${share.toFixed(1)} %`;
}

/** @example duration(4000) // "1 h 7 min" */
export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @example moment("2026-11-21T08:14:09.123Z") // "2026-11-21 08:14 UTC" */
export function moment(iso: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(iso) ? `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC` : sanitise(iso);
}

/** A measure with as many decimals as say something. @example figure(1234.5) // "1,234.5" */
export function figure(n: number): string {
  const size = Math.abs(n);
  if (size >= 1e15 || (size > 0 && size < 0.005)) return n.toPrecision(3);
  const [whole = "0", decimals] = String(Number(n.toFixed(2))).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return decimals === undefined ? grouped : `${grouped}.${decimals}`;
}

/** How a measure moved, without saying what it is. @example moved(100, 138) // "+38.0 %" */
export function moved(before: number, after: number): string {
  if (before === after) return "unchanged";
  if (before === 0) return after > 0 ? "up" : "down";
  const share = (100 * (after - before)) / Math.abs(before);
  if (Math.abs(share) >= 1_000) return `${share > 0 ? "+" : "-"}${thousands(Math.round(Math.abs(share)))} %`;
  return `${share > 0 ? "+" : ""}${share.toFixed(1)} %`;
}
