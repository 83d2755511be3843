/** Runs queries and keeps their cursors. @module */
import type { Field, SObject } from "./objects.ts";
import type { Records } from "./records.ts";
import { Refusal } from "./refusal.ts";
import { type Condition, parseQuery, type Query } from "./soql.ts";
import { fieldOf, type Row, type Store } from "./store.ts";
import type { Stored } from "./values.ts";

interface Cursor {
  readonly object: SObject;
  readonly fields: readonly Field[];
  readonly rows: readonly Row[];
}

export class Queries {
  private readonly records: Records;
  private readonly cursors = new Map<string, Cursor>();
  private serial = 0;

  constructor(records: Records) {
    this.records = records;
  }

  /** @param deleted whether records in the recycle bin are found too (`queryAll`) */
  run(root: string, soql: string, deleted: boolean, batch: number) {
    const query = parseQuery(soql);
    const rows = this.find(query, deleted);
    if (!query.fields) return { totalSize: rows.length, done: true, records: [] };
    this.serial += 1;
    const locator = `01g5g00000${String(this.serial).padStart(8, "0")}`;
    const cursor = { object: query.object, fields: query.fields, rows };
    if (rows.length > batch) {
      this.cursors.set(locator, cursor);
      const [oldest] = this.cursors.keys();
      if (this.cursors.size > 100 && oldest) this.cursors.delete(oldest);
    }
    return page(root, locator, cursor, 0, batch);
  }

  /** @param locator `01g…-2000`: a cursor and how far it has come */
  more(root: string, locator: string, batch: number) {
    const [id = "", from = ""] = locator.split("-");
    const cursor = this.cursors.get(id);
    if (!cursor) throw new Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
    return page(root, id, cursor, Number(from), batch);
  }

  private find(query: Query, deleted: boolean): Row[] {
    const { store, born, faults } = this.records;
    const { object, where, orderBy, limit, offset } = query;
    const candidates = (where && lookups(where, object, store)) ?? store.rows(object.name);
    const test = where ? compile(where) : () => true;
    const hidden = Date.now() - (faults.settings.indexLagMs ?? 0);
    const lags = faults.settings.indexLagMs && where && !byId(where);
    const found: Row[] = [];
    for (const row of candidates)
      if ((deleted || !row.IsDeleted) && test(row) && !(lags && (born.get(String(row.Id)) ?? 0) > hidden))
        found.push(row);
    if (orderBy) {
      const { field, descending } = orderBy;
      found.sort((a, b) => order(fieldOf(a, field.name), fieldOf(b, field.name)) * (descending ? -1 : 1));
    }
    return limit === undefined && offset === 0 ? found : found.slice(offset, offset + (limit ?? found.length));
  }
}

/** A record as an answer shows it. */
export function shown(root: string, object: SObject, row: Row, fields: readonly Field[]): Record<string, unknown> {
  const record: Record<string, unknown> = {
    attributes: { type: object.name, url: `${root}/sobjects/${object.name}/${row.Id}` },
  };
  for (const { name } of fields) record[name] = fieldOf(row, name);
  return record;
}

function page(root: string, locator: string, { object, fields, rows }: Cursor, from: number, batch: number) {
  const records = rows.slice(from, from + batch).map((row) => shown(root, object, row, fields));
  const done = from + batch >= rows.length;
  const next = done ? {} : { nextRecordsUrl: `${root}/query/${locator}-${from + batch}` };
  return { totalSize: rows.length, done, ...next, records };
}

/** Records that may meet a condition, where an index tells; undefined when all have to be looked at. */
function lookups(condition: Condition, object: SObject, store: Store): Iterable<Row> | undefined {
  switch (condition.kind) {
    case "compare":
      return condition.operator === "=" && condition.value !== null && indexed(condition.field)
        ? store.lookup(object.name, condition.field.name, condition.value)
        : undefined;
    case "in": {
      if (!indexed(condition.field) || condition.values.includes(null)) return undefined;
      const rows = condition.values.flatMap((value) => store.lookup(object.name, condition.field.name, value));
      return new Set(rows);
    }
    case "and":
      for (const part of condition.conditions) {
        const rows = lookups(part, object, store);
        if (rows) return rows;
      }
      return undefined;
    case "or": {
      const parts = condition.conditions.map((part) => lookups(part, object, store));
      return parts.includes(undefined) ? undefined : new Set(parts.flatMap((rows) => [...(rows ?? [])]));
    }
    case "not":
      return undefined;
  }
}

function indexed({ type }: Field): boolean {
  return type !== "boolean" && type !== "picklist" && type !== "datetime";
}

function byId(condition: Condition): boolean {
  return (condition.kind === "in" || condition.kind === "compare") && condition.field.name === "Id";
}

const folded = (value: Stored | undefined): Stored =>
  typeof value === "string" ? value.toLowerCase() : (value ?? null);

function compile(condition: Condition): (row: Row) => boolean {
  switch (condition.kind) {
    case "compare": {
      const { operator, field } = condition;
      const value = folded(condition.value);
      if (operator === "=") return (row) => folded(fieldOf(row, field.name)) === value;
      if (operator === "!=") return (row) => folded(fieldOf(row, field.name)) !== value;
      return (row) => {
        const own = folded(fieldOf(row, field.name));
        if (own === null || value === null) return false;
        const by = order(own, value);
        return operator === "<" ? by < 0 : operator === "<=" ? by <= 0 : operator === ">" ? by > 0 : by >= 0;
      };
    }
    case "in": {
      const values = new Set(condition.values.map(folded));
      return (row) => values.has(folded(fieldOf(row, condition.field.name)));
    }
    case "not": {
      const test = compile(condition.condition);
      return (row) => !test(row);
    }
    case "and": {
      const tests = condition.conditions.map(compile);
      return (row) => tests.every((test) => test(row));
    }
    case "or": {
      const tests = condition.conditions.map(compile);
      return (row) => tests.some((test) => test(row));
    }
  }
}

function order(a: Stored, b: Stored): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}
