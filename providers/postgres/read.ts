import {
  ConfigError,
  ident,
  keyOf,
  keyParts,
  type ObservedRecord,
  type ReadRequest,
  RecordError,
  type RecordKey,
} from "../../src/connector/index.ts";
import type { Client, Row } from "./client.ts";
import { classify } from "./errors.ts";
import { columnIn, type Table } from "./table.ts";
import { fromText, toText } from "./types.ts";

const pageSize = 10_000;

/** Rows by key or all of them, every value as the server's own text. */
export async function* readRows(
  client: Client,
  table: Table,
  request: ReadRequest,
  connection: string,
  signal: AbortSignal,
): AsyncIterable<readonly ObservedRecord[]> {
  switch (request.by) {
    case "keys":
      yield await readKeys(client, table, request.fields, request.match, request.keys, connection, signal);
      return;
    case "scan":
      yield* scan(client, table, request.fields, request.match, connection, signal);
      return;
    default:
      throw new ConfigError("MODE_UNSUPPORTED", `${connection}: Postgres cannot be read by ${request.by}`);
  }
}

/** Values as columns `f0…`: a row object must not lose a column to a name. */
function selected(table: Table, fields: readonly string[], connection: string): string {
  return fields
    .map((name, i) => `${toText(`t.${ident(name)}`, columnIn(table, name, connection).type)} AS f${i}`)
    .join(", ");
}

function valuesOf(row: Row, fields: readonly string[]): ObservedRecord["fields"] {
  return Object.fromEntries(fields.map((name, i) => [name, row[`f${i}`] ?? null]));
}

async function readKeys(
  client: Client,
  table: Table,
  fields: readonly string[],
  match: readonly string[],
  keys: readonly RecordKey[],
  connection: string,
  signal: AbortSignal,
): Promise<readonly ObservedRecord[]> {
  const parts = keys.map((key) => keyParts(key, match.length));
  const values = match.map((_, i) => parts.map((part) => part[i] ?? null));
  const columns = match.map((name) => columnIn(table, name, connection));
  const query = (on: string) => `SELECT k.ord::text AS ord, ${selected(table, fields, connection)}
    FROM unnest(${match.map((_, i) => `$${i + 1}::text[]`).join(", ")}) WITH ORDINALITY AS k (${match.map((_, i) => `k${i}`).join(", ")}, ord)
    JOIN ${table.sql} t ON ${on}`;
  const typed = columns.map((c, i) => `t.${ident(c.name)} = ${fromText(`k.k${i}`, c.type, c.sqlType)}`).join(" AND ");
  const asText = columns.map((c, i) => `${toText(`t.${ident(c.name)}`, c.type)} = k.k${i}`).join(" AND ");
  const { rows } = await client.query(query(typed), values, signal).catch((error: unknown) => {
    // One of the keys is no value of its column's type; compared as text it finds nothing, and the others are found.
    if (classify(error, connection) instanceof RecordError) return client.query(query(asText), values, signal);
    throw error;
  });
  return rows.flatMap((row) => {
    const id = keys[Number(row.ord) - 1];
    return id === undefined ? [] : [{ id, fields: valuesOf(row, fields) }];
  });
}

/** Through a cursor, in one snapshot. */
async function* scan(
  client: Client,
  table: Table,
  fields: readonly string[],
  key: readonly string[],
  connection: string,
  signal: AbortSignal,
): AsyncIterable<readonly ObservedRecord[]> {
  const names = [...new Set([...fields, ...key])];
  const sql = `SELECT ${selected(table, names, connection)} FROM ${table.sql} t`;
  const pages = new TransformStream<readonly Row[], readonly Row[]>();
  const writer = pages.writable.getWriter();
  const reading = client
    .transaction(async (tx) => {
      await tx.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
      await tx.query(`DECLARE ebb_scan NO SCROLL CURSOR FOR ${sql}`);
      for (;;) {
        const { rows } = await tx.query(`FETCH ${pageSize} FROM ebb_scan`);
        if (rows.length === 0) return;
        await writer.write(rows);
      }
    }, signal)
    .then(
      () => writer.close(),
      (error) => writer.abort(error),
    );
  try {
    for await (const rows of pages.readable.values())
      yield rows.map((row) => {
        const values = valuesOf(row, names);
        const id = keyOf(key.map((name) => String(values[name] ?? "")));
        return { id, fields: Object.fromEntries(fields.map((name) => [name, values[name] ?? null])) };
      });
  } finally {
    await reading.catch(() => undefined);
  }
}
