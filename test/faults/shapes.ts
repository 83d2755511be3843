/** What is synced in the fault suite: one shape for each thing a create that is sent twice can do. @module */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bends } from "./ebb/bends.ts";

/** A row of the warehouse, and what its record holds. */
export interface Person {
  readonly email: string;
  readonly id: string;
  readonly name: string;
}

export interface Shape {
  readonly name: "key" | "no" | "conflict" | "jobs";
  readonly system: "salesforce" | "hubspot";
  readonly object: string;
  readonly key: keyof Person;
  readonly matchOn: string;
  /** Field of the destination by column. */
  readonly fields: Readonly<Record<keyof Person, string>>;
  readonly bends: Bends;
  /** Calls that write. */
  readonly writes: RegExp;
}

const salesforce = {
  system: "salesforce",
  object: "Contact",
  // Nothing here is unique: what is made twice is there twice.
  fields: { id: "Title", email: "Email", name: "LastName" },
  bends: { records: 10 },
  writes: /^(POST|PATCH|DELETE) .*\/composite\/sobjects(\?|$|\/Contact\/)/,
} as const;

export const shapes = {
  /** An upsert by a unique external id: sent twice, it makes one record. */
  key: {
    ...salesforce,
    name: "key",
    key: "id",
    matchOn: "External_Id__c",
    fields: { ...salesforce.fields, id: "External_Id__c" },
  },
  /** Matched by a field that is not unique: sent twice, it makes two. */
  no: { ...salesforce, name: "no", key: "email", matchOn: "Email" },
  /** The second is refused. */
  conflict: {
    name: "conflict",
    system: "hubspot",
    object: "contacts",
    key: "email",
    matchOn: "email",
    fields: { email: "email", id: "jobtitle", name: "lastname" },
    bends: { records: 10 },
    writes: /^POST .*\/batch\/(create|update|upsert|archive)/,
  },
  /** Jobs of the Bulk API, which go on by themselves. */
  jobs: {
    ...salesforce,
    name: "jobs",
    key: "email",
    matchOn: "Email",
    bends: { records: 25, jobsAbove: 5 },
    writes: /^PUT .*\/jobs\/ingest/,
  },
} as const satisfies Record<string, Shape>;

export const people = (from: number, to: number, version = ""): readonly Person[] =>
  Array.from({ length: to - from }, (_, i) => person(from + i, version));

function person(n: number, version: string): Person {
  return { email: `p${n}@example.com`, id: `k${n}`, name: `Name ${n}${version}` };
}

/** The warehouse's file. */
export function csvOf(rows: readonly Person[]): string {
  return ["email,id,name", ...rows.map(({ email, id, name }) => `${email},${id},${name}`), ""].join("\n");
}

/** The records a sandbox keeps in a folder, as rows; of deleted ones none. */
export function recordsIn(shape: Shape, directory: string): readonly Person[] {
  const path = join(directory, `${shape.system}.ndjson`);
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
  const latest = new Map<string, Person | undefined>();
  for (const line of lines) {
    const entry = JSON.parse(line) as readonly unknown[];
    if (shape.system === "hubspot" && (entry[0] !== "record" || entry[1] !== shape.object)) continue;
    if (shape.system === "salesforce" && entry[0] !== shape.object) continue;
    const row = (shape.system === "hubspot" ? entry[2] : entry[1]) as Readonly<Record<string, unknown>>;
    const values = (shape.system === "hubspot" ? row.properties : row) as Readonly<Record<string, unknown>>;
    const gone = row.archived === true || row.IsDeleted === true;
    const value = (column: keyof Person) => String(values[shape.fields[column]] ?? "");
    const found = gone ? undefined : { email: value("email"), id: value("id"), name: value("name") };
    latest.set(String(row.id ?? row.Id), found);
  }
  return [...latest.values()].flatMap((one) => one ?? []);
}
