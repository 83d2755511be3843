/** What destinations share that hold records as rows of a table and answer in SQL. @module */
import type { Change, Outcome } from "../core/types.ts";
import { applied, drifted, rejected } from "./outcomes.ts";

/** Changes that compare the same fields and set the same fields, so that one statement serves them all. */
export interface ChangeGroup {
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly changes: readonly Change[];
}

/** Groups changes by the names of the fields they carry; only changed fields are ever written. */
export function groupByFields(changes: readonly Change[]): readonly ChangeGroup[] {
  const groups = new Map<string, ChangeGroup & { readonly changes: Change[] }>();
  for (const change of changes) {
    const before = change.action === "create" ? [] : Object.keys(change.before).sort();
    const after = change.action === "delete" ? [] : Object.keys(change.after).sort();
    const shape = JSON.stringify([before, after]);
    const group = groups.get(shape);
    if (group) group.changes.push(change);
    else groups.set(shape, { before, after, changes: [change] });
  }
  return [...groups.values()];
}

/** How the table stands to one change, before the change. */
export interface Standing {
  /** Rows with the change's key. */
  readonly found: number;
  /** Every such row has the values the change expects. */
  readonly same: boolean;
  /** Every such row already has the values the change would write. */
  readonly done: boolean;
}

/**
 * The outcome of a change that was written only where `found` and `same` allowed it: a create where nothing was found,
 * an update or a delete where exactly one row was found and is as expected.
 */
export function outcomeOf(change: Change, { found, same, done }: Standing): Outcome {
  const id = change.action === "create" ? change.key : change.id;
  if (change.action === "create") return found === 0 || done ? applied(change.key, id) : drifted(change.key);
  if (found > 1) return rejected(change.key, "AMBIGUOUS", `${found} rows have this key`);
  if (found === 0) return change.action === "delete" ? applied(change.key, id) : drifted(change.key);
  return same || (change.action === "update" && done) ? applied(change.key, id) : drifted(change.key);
}

/** `"crm.contacts"` is table `contacts` in schema `crm`; without a dot the schema is `schema`. */
export function tableName(name: string, schema: string): { readonly schema: string; readonly table: string } {
  const dot = name.indexOf(".");
  return dot < 1 ? { schema, table: name } : { schema: name.slice(0, dot), table: name.slice(dot + 1) };
}
