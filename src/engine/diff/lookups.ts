import { canonicalSql, textSql } from "../../core/canonical.ts";
import { ConfigError } from "../../core/errors.ts";
import { keyOf } from "../../core/key.ts";
import { ident } from "../../core/sql.ts";
import { suggest } from "../../core/suggest.ts";
import type { Sync } from "../../core/sync.ts";
import type { OpenDestination } from "../connect/connections.ts";
import { type Staging, table } from "../staging/staging.ts";
import type { SyncField } from "./fields.ts";
import { wireText } from "./observe.ts";

interface LookupInput {
  readonly sync: Sync;
  readonly fields: readonly SyncField[];
  readonly source: string;
  readonly open: OpenDestination;
}

/** Resolves every lookup field's values to ids of the looked-up object; a value with two records is left out. */
export async function stageLookups(
  staging: Staging,
  { sync, fields, source, open }: LookupInput,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const tables = new Map<number, string>();
  for (const [i, { mapping, name }] of fields.entries()) {
    const lookup = mapping.lookup;
    if (!lookup) continue;
    const { destination, capabilities } = open;
    const object = await destination.describe(lookup.object, signal);
    const field = object.fields.find((f) => f.name === lookup.matchOn);
    if (!field)
      throw new ConfigError(
        "FIELD_UNKNOWN",
        `sync "${sync.name}": ${lookup.object} has no field "${lookup.matchOn}" (fields.${name}.lookup): ${suggest(
          lookup.matchOn,
          object.fields.map((f) => f.name),
        )}`,
      );
    const from = (await staging.describe(`SELECT ${ident(lookup.column)} AS v FROM ${source}`))[0]?.type ?? "VARCHAR";
    const canonical = textSql(canonicalSql(ident(lookup.column), from, field.type).sql, field.type);
    const wanted: string[] = [];
    for await (const value of staging.text(
      `SELECT DISTINCT ${canonical} FROM ${source} WHERE (${canonical}) IS NOT NULL ORDER BY 1`,
    ))
      wanted.push(value);
    const size = capabilities.read.keys ?? 1;
    async function* found() {
      for (let at = 0; at < wanted.length; at += size) {
        const keys = wanted.slice(at, at + size).map((value) => keyOf([value]));
        const request = {
          object: lookup?.object ?? "",
          fields: [field?.name ?? ""],
          by: "keys",
          match: [field?.name ?? ""],
          keys,
        } as const;
        for await (const page of destination.read(request, signal))
          yield [page.map(({ id }) => id), page.map((record) => wireText(record.fields[field?.name ?? ""]))];
      }
    }
    await staging.loadText(`lookup_raw_${i}`, ["id", "value"], found());
    const value = textSql(canonicalSql("value", "VARCHAR", field.type).sql, field.type);
    // Keyed by the source's own spelling, so that the join needs no canonical form again.
    await staging.run(
      `CREATE OR REPLACE TABLE ${table(`lookup_${i}`)} AS
       SELECT s.key, any_value(l.id) AS id
       FROM (SELECT DISTINCT CAST(${ident(lookup.column)} AS VARCHAR) AS key, ${canonical} AS canonical FROM ${source}) s
       JOIN (SELECT id, ${value} AS value FROM ${table(`lookup_raw_${i}`)}) l ON l.value = s.canonical
       GROUP BY s.key HAVING count(DISTINCT l.id) = 1`,
    );
    tables.set(i, table(`lookup_${i}`));
  }
  return tables;
}
