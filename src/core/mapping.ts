import { bucketSql, type Masked, type MaskTarget, noiseSql, redactSql, tokenSql } from "./masks.ts";
import { lostSql, normalSql } from "./normalise.ts";
import { ident, literal } from "./sql.ts";
import type { FieldMapping } from "./sync.ts";

export interface MappedSql {
  readonly sql: string;
  /** True for a row whose value is lost on the way (a cast that does not fit, a value that is not in the list). */
  readonly fails: readonly string[];
}

const CASTS = {
  text: "VARCHAR",
  integer: "BIGINT",
  decimal: "DECIMAL(38,10)",
  float: "DOUBLE",
  boolean: "BOOLEAN",
  date: "DATE",
  timestamp: "TIMESTAMPTZ",
} as const;

/**
 * One field mapping as SQL over the source's columns. The steps run in the order of the properties here, whatever
 * the order they were declared in: trim, case, cast, round, values, one mask (bucket, noise, hash, tokenise or redact),
 * truncate, default.
 *
 * @param lookup SQL of the looked-up id, when the mapping is a lookup; the join is the caller's.
 * @param target where the value goes, for the noise. Without it only the type of the result is right.
 */
export function mappingSql(field: FieldMapping, lookup?: string, target?: MaskTarget): MappedSql {
  const fails: string[] = [];
  let sql = baseSql(field, lookup);
  const text = () => `CAST(${sql} AS VARCHAR)`;
  const step = (next: string) => {
    fails.push(`(${sql}) IS NOT NULL AND (${next}) IS NULL`);
    sql = next;
  };
  const mask = (masked: Masked) => {
    fails.push(masked.lost);
    sql = masked.sql;
  };
  if (field.lookup && lookup) fails.push(`${ident(field.lookup.column)} IS NOT NULL AND ${lookup} IS NULL`);
  if (field.trim) sql = `trim(${text()}, ' ' || chr(9) || chr(10) || chr(11) || chr(12) || chr(13))`;
  if (field.changeCase) sql = `${field.changeCase}(${text()})`;
  if (field.cast) step(`TRY_CAST(${sql} AS ${CASTS[field.cast]})`);
  if (field.round !== undefined)
    // Through text, because 2.675 as a double is a little less; and at once, because rounding twice rounds 0.4999999 up.
    step(`TRY_CAST(${text()} AS DECIMAL(38,${field.round}))`);
  if (field.values) {
    const cases = Object.entries(field.values).map(([from, to]) => `WHEN ${literal(from)} THEN ${literal(to)}`);
    const otherwise = field.otherwise === undefined ? "NULL" : literal(field.otherwise);
    step(
      `CASE WHEN (${sql}) IS NULL THEN NULL ELSE CASE ${text()} WHEN NULL THEN NULL ${cases.join(" ")} ELSE ${otherwise} END END`,
    );
  }
  if (field.bucket) step(bucketSql(sql, field.bucket));
  if (field.noise) mask(noiseSql(sql, field.noise, field.round, target));
  if (field.hash && field.hashAs) {
    const lost = lostSql(text(), field.hashAs);
    if (lost) fails.push(lost);
    sql = normalSql(text(), field.hashAs);
  }
  if (field.hash) sql = `${field.hash}(${text()})`;
  if (field.tokenise) mask(tokenSql(text(), field.tokenise));
  if (field.redact !== undefined) sql = redactSql(sql, field.redact);
  if (field.truncate !== undefined) sql = `left(${text()}, ${field.truncate})`;
  if (field.default !== undefined) sql = `coalesce(CAST(${sql} AS VARCHAR), ${literal(field.default)})`;
  return { sql, fails };
}

/** The columns a mapping reads, in order of appearance. */
export function mappingColumns(field: FieldMapping): readonly string[] {
  if (field.column !== undefined) return [field.column];
  if (field.lookup) return [field.lookup.column];
  if (field.template !== undefined)
    return templateParts(field.template).flatMap((p) => ("column" in p ? [p.column] : []));
  return [];
}

/** `Hello {name}` into its parts; `{{` and `}}` stand for braces. Nothing in a template is ever evaluated. */
export function templateParts(template: string): readonly ({ readonly text: string } | { readonly column: string })[] {
  const parts: ({ text: string } | { column: string })[] = [];
  let text = "";
  for (const [token] of template.matchAll(/\{\{|\}\}|\{[^{}]*\}|[^{}]+|[{}]/g)) {
    if (token === "{{" || token === "}}") text += token[0];
    else if (token.length > 2 && token.startsWith("{") && token.endsWith("}")) {
      if (text) parts.push({ text });
      text = "";
      parts.push({ column: token.slice(1, -1).trim() });
    } else text += token;
  }
  if (text) parts.push({ text });
  return parts;
}

function baseSql(field: FieldMapping, lookup: string | undefined): string {
  if (field.lookup) return lookup ?? "NULL";
  if (field.column !== undefined) return ident(field.column);
  if (field.template !== undefined) {
    const parts = templateParts(field.template).map((part) =>
      "column" in part ? `CAST(${ident(part.column)} AS VARCHAR)` : literal(part.text),
    );
    return parts.length === 0 ? "''" : `(${parts.join(" || ")})`;
  }
  return field.constant === undefined ? "NULL" : `CAST(${literal(field.constant)} AS VARCHAR)`;
}
