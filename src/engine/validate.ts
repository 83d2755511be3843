import type { RejectCode } from "../core/plan.ts";
import { literal } from "../core/sql.ts";
import type { SyncField } from "./diff/fields.ts";

/**
 * The first problem of a row as `{code, field}`, or NULL: the destination's own rules, held against each row that is to
 * be written before anything is sent. Columns as in `settled`.
 */
export function problemSql(fields: readonly SyncField[], failing: readonly number[], creates: boolean): string {
  const cases: string[] = [];
  const written = `wanted AND (NOT there OR ${fields.map((_, i) => `c${i}`).join(" OR ") || "false"})`;
  const when = (condition: string, code: RejectCode, name: string) =>
    cases.push(`WHEN ${condition} THEN struct_pack(code := ${literal(code)}, field := ${literal(name)})`);
  fields.forEach(({ name, type, mapping, description }, i) => {
    if (failing.includes(i)) when(`wanted AND b${i}`, mapping.lookup ? "LOOKUP_MISSING" : "TYPE_MISMATCH", name);
    if (mapping.whenNull === "reject") when(`${written} AND d${i} IS NULL`, "NULL_REFUSED", name);
    const maxLength = type.kind === "text" || type.kind === "email" ? type.maxLength : undefined;
    if (maxLength !== undefined) when(`wanted AND c${i} AND length(a${i}) > ${maxLength}`, "TOO_LONG", name);
    if (description.options)
      when(
        `wanted AND c${i} AND a${i} NOT IN (${description.options.map(literal).join(", ") || "NULL"})`,
        "NOT_IN_LIST",
        name,
      );
    if (description.forwardOnly && description.options) {
      const place = (value: string) => `list_position([${description.options?.map(literal).join(", ")}], ${value})`;
      when(`wanted AND there AND c${i} AND ${place(`a${i}`)} < ${place(`o${i}`)}`, "NOT_FORWARD", name);
    }
    if (description.nullable === false && !description.required)
      when(`wanted AND there AND c${i} AND a${i} IS NULL`, "NULL_REFUSED", name);
    if (description.required) {
      const missing = creates ? `(NOT there OR c${i})` : `there AND c${i}`;
      when(`wanted AND ${missing} AND a${i} IS NULL`, "REQUIRED_MISSING", name);
    }
  });
  return cases.length === 0 ? "CAST(NULL AS STRUCT(code VARCHAR, field VARCHAR))" : `CASE ${cases.join(" ")} END`;
}
