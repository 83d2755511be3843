import { type Batch, type ChangeGroup, ident } from "../../src/connector/index.ts";
import { columnIn, hasUniqueKey, type Table } from "./table.ts";
import { equals, fromText } from "./types.ts";

/** Where a group's rows are: key parts come first, then the values before, then those after, in columns `c0`, `c1`, … */
export interface Input {
  readonly table: string;
  readonly g: number;
}

export interface GroupSql {
  /** Writes what may be written; an update or a delete returns the `n` of each change it made. */
  readonly write: string;
  /** For each change, how many rows have its key and whether they have the values it would write. */
  readonly standing: string;
}

/** The statements for changes that carry the same fields. */
export function groupSql(
  table: Table,
  batch: Batch,
  { before, after }: ChangeGroup,
  input: Input,
  connection: string,
): GroupSql {
  const keys = batch.matchOn.map((name, i) => ({ ...columnIn(table, name, connection), cell: `i.c${i}` }));
  const expected = before.map((name, i) => ({ ...columnIn(table, name, connection), cell: `i.c${keys.length + i}` }));
  const offset = keys.length + before.length;
  const wanted = after.map((name, i) => ({ ...columnIn(table, name, connection), cell: `i.c${offset + i}` }));
  type Placed = (typeof keys)[number];

  const typed = ({ cell, type, sqlType }: Placed) => fromText(cell, type, sqlType);
  const matches = (alias: string) => keys.map((k) => `${alias}.${ident(k.name)} = ${typed(k)}`).join(" AND ");
  const all = (columns: readonly Placed[]) =>
    columns.map((c) => equals(`t.${ident(c.name)}`, c.cell, c.type, c.sqlType)).join(" AND ") || "true";
  const rows = `${input.table} i`;
  const group = `i.g = ${input.g}`;
  const standing = `SELECT i.n::text AS n, count(t.ctid)::text AS found, coalesce(bool_and(${all(wanted)}), false)::text AS done
    FROM ${rows} LEFT JOIN ${table.sql} t ON ${matches("t")} WHERE ${group} GROUP BY i.n`;

  const unique = hasUniqueKey(table, batch.matchOn);
  // Without a unique key two rows may match; neither is then touched.
  const single = unique ? "true" : `(SELECT count(*) FROM ${table.sql} o WHERE ${matches("o")}) = 1`;
  switch (batch.action) {
    case "create": {
      const values = [...keys.filter(({ name }) => !after.includes(name)), ...wanted];
      const insert = `INSERT INTO ${table.sql} (${values.map(({ name }) => ident(name)).join(", ")})
        SELECT ${values.map(typed).join(", ")} FROM ${rows} WHERE ${group}`;
      const conflict = `ON CONFLICT (${keys.map(({ name }) => ident(name)).join(", ")}) DO NOTHING`;
      const absent = `AND NOT EXISTS (SELECT FROM ${table.sql} t WHERE ${matches("t")})`;
      return { write: `${insert} ${unique ? conflict : absent}`, standing };
    }
    case "update": {
      const set = wanted.map((c) => `${ident(c.name)} = ${typed(c)}`).join(", ");
      const where = `${group} AND ${matches("t")} AND ${all(expected)} AND ${single}`;
      return {
        write: `UPDATE ${table.sql} AS t SET ${set} FROM ${rows} WHERE ${where} RETURNING i.n::text AS n`,
        standing,
      };
    }
    case "delete": {
      const where = `${group} AND ${matches("t")} AND ${all(expected)} AND ${single}`;
      return { write: `DELETE FROM ${table.sql} AS t USING ${rows} WHERE ${where} RETURNING i.n::text AS n`, standing };
    }
  }
}
