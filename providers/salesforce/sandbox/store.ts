/** Records of the organisation: in memory, and in an append-only log that outlives the process. @module */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { objects } from "./objects.ts";
import { longId, type Stored } from "./values.ts";

/**
 * A record. Never changed in place, so that a query's cursor keeps what it found. Empty fields are absent, and so is
 * what {@link fieldOf} derives: this keeps the log short.
 */
export type Row = Readonly<Record<string, Stored>>;

const user = "0055g000001AbCdAAK";

export function fieldOf(row: Row, field: string): Stored {
  const own = row[field];
  if (own !== undefined) return own;
  switch (field) {
    case "IsDeleted":
      return false;
    case "Name":
      return [row.FirstName, row.LastName].filter(Boolean).join(" ") || null;
    case "CreatedDate":
    case "LastModifiedDate":
      return row.SystemModstamp ?? null;
    case "OwnerId":
    case "CreatedById":
    case "LastModifiedById":
      return user;
    default:
      return null;
  }
}

type Index = Map<string, string[]>;

interface Table {
  readonly prefix: string;
  readonly rows: Map<string, Row>;
  /** Made for a field when it is first looked up. */
  readonly indexes: Map<string, Index>;
  live: number;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

export class Store {
  private readonly tables = new Map<string, Table>();
  private log: number | undefined;
  private pending: string[] = [];

  constructor(directory: string | undefined) {
    for (const { name, keyPrefix } of objects)
      this.tables.set(name, { prefix: keyPrefix, rows: new Map(), indexes: new Map(), live: 0 });
    if (directory !== undefined) this.load(directory);
  }

  get(object: string, id: string): Row | undefined {
    return this.table(object).rows.get(longId(id));
  }

  /** Deleted ones included, oldest first. */
  rows(object: string): Iterable<Row> {
    return this.table(object).rows.values();
  }

  live(object: string): number {
    return this.table(object).live;
  }

  /** Records whose field has the value, deleted ones included. Text is compared without regard to case. */
  lookup(object: string, field: string, value: Stored): readonly Row[] {
    const table = this.table(object);
    let index = table.indexes.get(field);
    if (!index) {
      index = new Map();
      for (const row of table.rows.values()) enter(index, fieldOf(row, field), String(row.Id));
      table.indexes.set(field, index);
    }
    const ids = index.get(indexKey(value)) ?? [];
    return ids.map((id) => table.rows.get(id)).filter((row) => row !== undefined);
  }

  newId(object: string): string {
    const table = this.table(object);
    let serial = "";
    for (let n = table.rows.size + 1, i = 0; i < 5; i++, n = Math.floor(n / 62)) serial = alphabet[n % 62] + serial;
    return longId(`${table.prefix}5g00000${serial}`);
  }

  put(object: string, row: Row): void {
    this.enter(object, row);
    if (this.log !== undefined) this.pending.push(`${JSON.stringify([object, row])}\n`);
  }

  /** Writes what was put. Called before an answer is sent. */
  flush(): void {
    if (this.log === undefined || this.pending.length === 0) return;
    writeSync(this.log, this.pending.join(""));
    this.pending = [];
  }

  close(): void {
    this.flush();
    if (this.log !== undefined) closeSync(this.log);
    this.log = undefined;
  }

  private table(object: string): Table {
    const table = this.tables.get(object);
    if (!table) throw new TypeError(`no table ${object}`);
    return table;
  }

  private enter(object: string, row: Row): void {
    const table = this.table(object);
    const id = String(row.Id);
    const before = table.rows.get(id);
    table.live += (row.IsDeleted ? 0 : 1) - (before && !before.IsDeleted ? 1 : 0);
    table.rows.set(id, row);
    for (const [field, index] of table.indexes) {
      const value = fieldOf(row, field);
      if (before && fieldOf(before, field) === value) continue;
      if (before) leave(index, fieldOf(before, field), id);
      enter(index, value, id);
    }
  }

  private load(directory: string): void {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "salesforce.ndjson");
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    // A line without its end was being written when the process was killed; nobody was told of it.
    const whole = text.slice(0, text.lastIndexOf("\n"));
    const entries = whole === "" ? [] : whole.split("\n").map((line) => JSON.parse(line) as [string, Row]);
    for (const [object, row] of entries) if (this.tables.has(object)) this.enter(object, row);
    const kept = [...this.tables].reduce((sum, [, { rows }]) => sum + rows.size, 0);
    if (whole.length + 1 < text.length || entries.length > 2 * kept + 1_000) {
      const lines = [...this.tables].flatMap(([name, { rows }]) =>
        [...rows.values()].map((row) => `${JSON.stringify([name, row])}\n`),
      );
      writeFileSync(`${file}.new`, lines.join(""));
      renameSync(`${file}.new`, file);
    }
    this.log = openSync(file, "a");
  }
}

function indexKey(value: Stored): string {
  return String(value).toLowerCase();
}

function enter(index: Index, value: Stored, id: string): void {
  if (value === null) return;
  const key = indexKey(value);
  const ids = index.get(key);
  if (ids) ids.push(id);
  else index.set(key, [id]);
}

function leave(index: Index, value: Stored, id: string): void {
  if (value === null) return;
  const ids = index.get(indexKey(value));
  ids?.splice(ids.indexOf(id), 1);
}
