/** Records, properties and associations of the account: in memory, and in an append-only log that outlives the process. @module */
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
import type { Definition } from "./definitions.ts";
import { objects } from "./objects.ts";

/** A record. Never changed in place. Empty properties are absent. */
export interface Row {
  readonly id: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly archived?: true;
  readonly properties: Readonly<Record<string, string>>;
}

type Entry =
  | readonly ["record", object: string, row: Row]
  | readonly ["property", object: string, definition: Definition]
  | readonly ["link", from: string, id: string, to: string, other: string, there: boolean];

interface Table {
  readonly rows: Map<string, Row>;
  readonly properties: Map<string, Definition>;
  /** Ids by folded value, made for a property when it is first looked up. */
  readonly indexes: Map<string, Map<string, Set<string>>>;
  live: number;
}

export class Store {
  private readonly tables = new Map<string, Table>();
  /** `deals 5 companies` to the ids of the companies. */
  private readonly links = new Map<string, Set<string>>();
  private next = 101;
  private log: number | undefined;
  private pending: string[] = [];

  constructor(directory: string | undefined) {
    for (const { name, properties } of objects)
      this.tables.set(name, {
        rows: new Map(),
        properties: new Map(properties.map((property) => [property.name, property])),
        indexes: new Map(),
        live: 0,
      });
    if (directory !== undefined) this.load(directory);
  }

  newId(): string {
    return String(this.next);
  }

  get(object: string, id: string): Row | undefined {
    const row = this.table(object).rows.get(id);
    return row?.archived ? undefined : row;
  }

  /** Oldest first, without archived ones. */
  rows(object: string): readonly Row[] {
    return [...this.table(object).rows.values()].filter(({ archived }) => !archived);
  }

  live(object: string): number {
    return this.table(object).live;
  }

  properties(object: string): ReadonlyMap<string, Definition> {
    return this.table(object).properties;
  }

  /** Records whose property has the value, whatever its case. */
  lookup(object: string, property: string, value: string): readonly Row[] {
    const { rows, indexes } = this.table(object);
    let index = indexes.get(property);
    if (!index) {
      index = new Map();
      for (const row of rows.values()) enter(index, row.properties[property], row.id);
      indexes.set(property, index);
    }
    const ids = [...(index.get(value.toLowerCase()) ?? [])];
    return ids.map((id) => this.get(object, id)).filter((row) => row !== undefined);
  }

  /** Ids of the records of another object, ascending. */
  linked(object: string, id: string, to: string): readonly string[] {
    const others = [...(this.links.get(`${object} ${id} ${to}`) ?? [])];
    return others.filter((other) => this.get(to, other)).sort((a, b) => Number(a) - Number(b));
  }

  put(object: string, row: Row): void {
    this.apply(["record", object, row]);
  }

  define(object: string, definition: Definition): void {
    this.apply(["property", object, definition]);
  }

  link(from: string, id: string, to: string, other: string, there: boolean): void {
    this.apply(["link", from, id, to, other, there]);
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

  private apply(entry: Entry): void {
    this.enter(entry);
    if (this.log !== undefined) this.pending.push(`${JSON.stringify(entry)}\n`);
  }

  private enter(entry: Entry): void {
    if (entry[0] === "property") this.table(entry[1]).properties.set(entry[2].name, entry[2]);
    else if (entry[0] === "record") this.enterRow(this.table(entry[1]), entry[2]);
    else {
      const [, from, id, to, other, there] = entry;
      this.setLink(`${from} ${id} ${to}`, other, there);
      this.setLink(`${to} ${other} ${from}`, id, there);
    }
  }

  private setLink(at: string, other: string, there: boolean): void {
    const others = this.links.get(at) ?? new Set();
    if (there) others.add(other);
    else others.delete(other);
    this.links.set(at, others);
  }

  private enterRow(table: Table, row: Row): void {
    const before = table.rows.get(row.id);
    table.live += (row.archived ? 0 : 1) - (before && !before.archived ? 1 : 0);
    table.rows.set(row.id, row);
    this.next = Math.max(this.next, Number(row.id) + 1);
    for (const [property, index] of table.indexes) {
      index.get(before?.properties[property]?.toLowerCase() ?? "")?.delete(row.id);
      enter(index, row.properties[property], row.id);
    }
  }

  private load(directory: string): void {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "hubspot.ndjson");
    const text = existsSync(file) ? readFileSync(file, "utf8") : "";
    // A line without its end was being written when the process was killed; nobody was told of it.
    const whole = text.slice(0, text.lastIndexOf("\n"));
    const entries = whole === "" ? [] : whole.split("\n").map((line) => JSON.parse(line) as Entry);
    for (const entry of entries) if (this.tables.has(entry[1])) this.enter(entry);
    if (whole.length + 1 < text.length || entries.length > 2 * this.size() + 1_000) {
      writeFileSync(`${file}.new`, [...this.entries()].map((entry) => `${JSON.stringify(entry)}\n`).join(""));
      renameSync(`${file}.new`, file);
    }
    this.log = openSync(file, "a");
  }

  private size(): number {
    return [...this.tables.values()].reduce((sum, { rows }) => sum + rows.size, this.links.size);
  }

  private *entries(): Iterable<Entry> {
    for (const [object, { rows, properties }] of this.tables) {
      const own = objects.find(({ name }) => name === object)?.properties ?? [];
      for (const property of properties.values()) if (!own.includes(property)) yield ["property", object, property];
      for (const row of rows.values()) yield ["record", object, row];
    }
    for (const [at, others] of this.links) {
      const [from = "", id = "", to = ""] = at.split(" ");
      for (const other of others) if (from < to) yield ["link", from, id, to, other, true];
    }
  }
}

function enter(index: Map<string, Set<string>>, value: string | undefined, id: string): void {
  if (value === undefined) return;
  const key = value.toLowerCase();
  const ids = index.get(key);
  if (ids) ids.add(id);
  else index.set(key, new Set([id]));
}
