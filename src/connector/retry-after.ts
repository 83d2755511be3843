/**
 * Milliseconds named by a Retry-After header (RFC 9110 §10.2.3): seconds, or an HTTP date held against the answer's
 * own Date where there is one.
 *
 * @example retryAfterMs("2") // 2000
 */
export function retryAfterMs(header: string | undefined, dateHeader?: string): number | undefined {
  if (!header) return undefined;
  if (/^\d+(\.\d+)?$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  const now = Date.parse(dateHeader ?? "");
  if (Number.isNaN(at)) return undefined;
  return Number.isNaN(now) ? 1_000 : Math.max(0, at - now);
}
