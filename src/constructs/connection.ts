import { Construct } from "constructs";
import type { Sql } from "./sql.ts";
import { SyncStack } from "./stack.ts";

/** Where rows come from: made by `query`, `table` and `file` of a connection. */
export interface Source {
  readonly connection: Connection;
  readonly rows: { readonly query: string } | { readonly table: string } | { readonly file: string };
}

/** Where records go: made by `object` and `table` of a connection. */
export interface Destination {
  readonly connection: Connection;
  readonly records: { readonly object: string; readonly matchOn?: string[] };
}

/** A table that can be either. */
export interface Table extends Source, Destination {}

export interface DestinationOptions {
  /**
   * Destination fields the key is matched with, in the order of the sync's `key` (default: the same names).
   *
   * @example { matchOn: "Email" }
   */
  readonly matchOn?: string | readonly string[];
}

/** A configured system. Each system has its class, with the options and the methods its manifest allows. */
export abstract class Connection extends Construct {
  /** What syncs refer to. */
  readonly name: string;

  constructor(scope: Construct, id: string, system: string, options: object) {
    super(scope, id);
    this.name = id;
    SyncStack.of(this).addConnection(id, system, options);
  }

  protected readQuery(sql: Sql): Source {
    return { connection: this, rows: { query: sql.text } };
  }

  protected readTable(table: string): Source {
    return { connection: this, rows: { table } };
  }

  protected readFile(path: string): Source {
    return { connection: this, rows: { file: path } };
  }

  protected writeObject(object: string, { matchOn }: DestinationOptions): Destination {
    const fields = typeof matchOn === "string" ? [matchOn] : matchOn && [...matchOn];
    return { connection: this, records: { object, ...(fields === undefined ? {} : { matchOn: fields }) } };
  }

  protected useTable(name: string, options: DestinationOptions): Table {
    return { ...this.readTable(name), ...this.writeObject(name, options) };
  }
}
