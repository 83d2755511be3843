/** Masks: steps of a field mapping that hide what a value is from whoever receives it. SQL of the staging engine. @module */
import type { Bucket, Noise, Tokenise } from "./mask-options.ts";
import { literal } from "./sql.ts";
import type { FieldMapping } from "./sync.ts";
import type { FieldType } from "./types.ts";

/** What a secret is used for; each use has a key of its own made of it, so that a token tells nothing of a noise. */
export type SecretUse = "token" | "noise";

/** The record and the field a value goes to, which its noise follows from. */
export interface MaskTarget {
  /** Name of the destination's field. */
  readonly field: string;
  /** SQL of the record key as text. */
  readonly key: string;
  /** Type of the destination's field, where it is known. */
  readonly type?: FieldType | undefined;
}

/** Secrets a mapping refers to, with what each is used for. */
export function mappingSecrets({ tokenise, noise }: FieldMapping): readonly (readonly [SecretUse, string])[] {
  return [
    ...(tokenise ? [["token", tokenise.secret] as const] : []),
    ...(noise ? [["noise", noise.secret] as const] : []),
  ];
}

/** Name of the engine's variable that holds the inner or the outer padded key of a secret. */
export function padVariable(use: SecretUse, reference: string, pad: "inner" | "outer"): string {
  const hex = [...new TextEncoder().encode(reference)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `ebb_${use}_${pad}_${hex.join("")}`;
}

const pad = (use: SecretUse, reference: string, which: "inner" | "outer") =>
  `CAST(getvariable(${literal(padVariable(use, reference, which))}) AS BLOB)`;

/** HMAC-SHA-256 (RFC 2104) of a text expression, 64 hexadecimal digits in lower case. The padded keys are variables. */
export function hmacSql(use: SecretUse, reference: string, text: string): string {
  return `sha256(${pad(use, reference, "outer")} || unhex(sha256(${pad(use, reference, "inner")} || encode(${text}))))`;
}

/** An expression, and SQL that is true where a value is lost by it. */
export interface Masked {
  readonly sql: string;
  readonly lost: string;
}

export function tokenSql(text: string, { secret, length }: Tokenise): Masked {
  const token = hmacSql("token", secret, text);
  return {
    sql: length === undefined ? token : `left(${token}, ${length})`,
    // Not by whether the token is null: the engine would compute it twice.
    lost: `${text} IS NOT NULL AND ${pad("token", secret, "inner")} IS NULL`,
  };
}

export function redactSql(expr: string, to: string): string {
  return `CASE WHEN (${expr}) IS NOT NULL THEN ${literal(to)} END`;
}

/** A value that is no number, or no date, becomes NULL. */
export function bucketSql(expr: string, { width, edges, by }: Bucket): string {
  // Through text: it casts from every type, and what is not meant to be a number or a date does not become one.
  const text = `CAST(${expr} AS VARCHAR)`;
  if (by !== undefined)
    return `CAST(date_trunc(${literal(by)}, timezone('UTC', TRY_CAST(${text} AS TIMESTAMPTZ))) AS DATE)`;
  const value = `TRY_CAST(${text} AS DECIMAL(38,10))`;
  if (width !== undefined) {
    const wide = `CAST('${width.toFixed(10)}' AS DECIMAL(38,10))`;
    const over = `(${value} % ${wide})`;
    const scale =
      width
        .toFixed(10)
        .replace(/\.?0+$/, "")
        .split(".")[1]?.length ?? 0;
    return `CAST(${value} - ${over} - CASE WHEN ${over} < 0 THEN ${wide} ELSE 0 END AS DECIMAL(38,${scale}))`;
  }
  const labels = bucketLabels(edges ?? []);
  const cases = (edges ?? []).map((edge, i) => `WHEN ${value} < ${decimal(edge)} THEN ${literal(labels[i] ?? "")}`);
  return `CASE WHEN ${value} IS NULL THEN NULL ${cases.join(" ")} ELSE ${literal(labels.at(-1) ?? "")} END`;
}

/**
 * Labels of the buckets between ascending edges, one more than there are edges. Between whole numbers the last whole one
 * is named, and a fraction above it belongs to it.
 *
 * @example bucketLabels([0, 100, 1000]) // ["<0", "0-99", "100-999", "1000+"]
 */
export function bucketLabels(edges: readonly number[]): readonly string[] {
  const whole = edges.every(Number.isInteger);
  const between = (from: number, to: number) => {
    const last = whole ? String(to - 1) : `<${to}`;
    if (last === String(from)) return last;
    return from < 0 || to <= 0 ? `${from} to ${last}` : `${from}-${last}`;
  };
  const first = edges[0] ?? 0;
  const inner = edges.slice(1).map((to, i) => between(edges[i] ?? 0, to));
  return [`<${first}`, ...inner, `${edges.at(-1) ?? first}+`];
}

/**
 * A number with Laplace noise of scale sensitivity / epsilon. Its 52 random bits are the HMAC of field, record key and
 * value, so that a plan that is made again is the same plan. A value that is no number is lost.
 */
export function noiseSql(
  expr: string,
  noise: Noise,
  round: number | undefined,
  target: MaskTarget | undefined,
): Masked {
  const scale = noise.sensitivity / noise.epsilon;
  const value = `(TRY_CAST(CAST(${expr} AS VARCHAR) AS DOUBLE) + 0.0)`;
  // The number and not its spelling: 1 and 1.00 are the same value.
  const about = `[${literal(target?.field ?? "")}, ${target?.key ?? "NULL"}, printf('%.17g', ${value})]`;
  const digits = `left(${hmacSql("noise", noise.secret, `CAST(to_json(${about}) AS VARCHAR)`)}, 13)`;
  // Strictly between -1/2 and 1/2, and never 0. It stands twice in the formula and is computed once.
  const uniform = `((CAST(CAST('0x' || ${digits} AS BIGINT) AS DOUBLE) + ${double(0.5)}) / ${double(2 ** 52)} - ${double(0.5)})`;
  const noisy = `(${value} - sign(${uniform}) * ${double(scale)} * ln(1 - 2 * abs(${uniform})))`;
  const above = noise.min === undefined ? noisy : `greatest(${noisy}, ${double(noise.min)})`;
  const within = noise.max === undefined ? above : `least(${above}, ${double(noise.max)})`;
  // The bounds take null for a value; adding nothing of it gives the null back.
  const bounded = within === noisy ? noisy : `(${within} + 0 * ${value})`;
  const decimals = noiseDecimals(scale, round, target?.type);
  // The noise is never more than 37 times its scale.
  const most = `(1e${decimals === 0 ? 18 : 37 - decimals} - ${double(37 * scale)})`;
  const unfit = [`${value} IS NULL`, `isnan(${value})`, `abs(${value}) > ${most}`];
  return {
    sql: decimals === 0 ? `TRY_CAST(round(${bounded}) AS BIGINT)` : `TRY_CAST(${bounded} AS DECIMAL(38,${decimals}))`,
    lost: `(${expr}) IS NOT NULL AND (${unfit.join(" OR ")} OR ${pad("noise", noise.secret, "inner")} IS NULL)`,
  };
}

/** A field that does not round gets a millionth of the noise: finer digits differ between machines, and tell of the value. */
function noiseDecimals(scale: number, round: number | undefined, type: FieldType | undefined): number {
  if (round !== undefined) return round;
  if (type?.kind === "integer") return 0;
  if (type?.kind === "decimal") return type.scale;
  return Math.min(18, Math.max(0, 6 - Math.floor(Math.log10(scale))));
}

const double = (value: number) => `CAST('${value}' AS DOUBLE)`;
const decimal = (value: number) => `CAST('${value}' AS DECIMAL(38,10))`;

/** What masks a field, in words for a person; undefined where its values go out as they are. */
export function maskWords(mapping: FieldMapping): string | undefined {
  const { hash, hashAs, tokenise, redact, bucket, noise, truncate } = mapping;
  const words = [
    ...(hash ? [`hash ${hash}${hashAs ? ` (${hashAs})` : ""}`] : []),
    ...(tokenise ? [`tokenise${tokenise.length === undefined ? "" : `, ${tokenise.length} digits`}`] : []),
    ...(redact === undefined ? [] : [`redact as "${redact}"`]),
    ...(bucket ? [`bucket ${bucketWords(bucket)}`] : []),
    ...(noise ? [`noise ε=${noise.epsilon}, sensitivity ${noise.sensitivity}`] : []),
    ...(truncate === undefined ? [] : [`truncate to ${truncate}`]),
  ];
  return words.length === 0 ? undefined : words.join(", ");
}

function bucketWords({ width, edges, by }: Bucket): string {
  if (by !== undefined) return `by ${by}`;
  return width === undefined ? `edges ${(edges ?? []).join(", ")}` : `width ${width}`;
}
