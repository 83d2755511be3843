/** What two long texts differ in. Used by the generator and by the page's script. @module */

/** Texts longer than this are told by what differs. */
const LONG = 32;

/**
 * Two long texts without the words that both begin and end with. Short ones stay as they are.
 *
 * @example apart("a call in the second quarter of the year", "a call in the third quarter of the year") // ["… second …", "… third …"]
 */
export function apart(before: string, after: string): readonly [string, string] {
  if (Math.min(before.length, after.length) <= LONG) return [before, after];
  const [a, b] = [before.split(" "), after.split(" ")];
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < most - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const middle = (words: readonly string[]) =>
    [head > 0 ? "…" : "", ...words.slice(head, words.length - tail), tail > 0 ? "…" : ""].filter(Boolean).join(" ");
  return [middle(a), middle(b)];
}
