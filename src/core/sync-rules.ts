/** What a schema cannot say about a sync: how its parts fit each other, its connections and the other syncs. @module */
import * as z from "zod";
import type { ErrorCode } from "./errors.ts";
import { isObject } from "./is-object.ts";
import { maskProblems } from "./mask-rules.ts";
import type { Problem } from "./problems.ts";
import type { Path } from "./references.ts";
import { suggest } from "./suggest.ts";
import { type FieldMapping, fieldMapping, type Mode, type SyncAttributes, syncAttributes } from "./sync.ts";
import type { Action } from "./types.ts";

/** As much of a system's manifest as a declaration is checked against. */
export interface SystemShape {
  readonly name: string;
  readonly connection: z.ZodObject;
  readonly source?: { readonly reads: readonly ("sql" | "table" | "file")[]; readonly pushdown?: boolean };
  readonly destination?: { readonly capabilities: { readonly actions: readonly Action[] } };
}

/** Declared connections by name; without a system where the connection itself is faulty. */
export type Declared = ReadonlyMap<string, SystemShape | undefined>;

/** What a sync says to Terraform alone; the command line has no use for it. */
export const terraformAttributes = z.strictObject({
  onDestroy: z
    .enum(["keep", "delete_records"])
    .optional()
    .describe(
      "When the resource is destroyed: keep its records where they are (default), or delete those that Ebb created.",
    ),
  records: z
    .boolean()
    .optional()
    .describe(
      "Show the values of changed records in the plan, up to 200. They then stand in Terraform's plan file and state (default false).",
    ),
});

const actionsOf: Readonly<Record<Mode, readonly Action[]>> = {
  create: ["create"],
  update: ["update"],
  upsert: ["create", "update"],
  mirror: ["create", "update", "delete"],
};

/** Checks the parts that are well formed, so that one mistake does not hide another. */
export function syncProblems(raw: unknown, where: string, declared: Declared): Problem[] {
  const problems: Problem[] = [];
  const report = (code: ErrorCode, path: Path, message: string) => problems.push({ code, where, path, message });
  const { source, destination, key, mode, diff, fields } = wellFormed(raw);
  const find = (connection: string, role: string) => {
    if (!declared.has(connection))
      report(
        "CONNECTION_UNKNOWN",
        [role, "connection"],
        `there is no connection "${connection}": ${suggest(connection, [...declared.keys()])}`,
      );
    return declared.get(connection);
  };

  if (source) {
    const given = (["query", "table", "file"] as const).filter((form) => source[form] !== undefined);
    const system = find(source.connection, "source");
    if (given.length !== 1)
      report("CONFIG_INVALID", ["source"], `needs exactly one of query, table or file; ${has(given)}`);
    if (system && !system.source)
      report("SYSTEM_ROLE", ["source"], `"${source.connection}" is ${system.name}, which cannot be a source`);
    else if (system?.source)
      for (const form of given)
        if (!system.source.reads.includes(form === "query" ? "sql" : form))
          report(
            "SYSTEM_ROLE",
            ["source", form],
            `"${source.connection}" is ${system.name}, which cannot read a ${form}; it reads: ${system.source.reads.join(", ")}`,
          );
  }

  if (source && diff === "warehouse") {
    const system = declared.get(source.connection);
    if (system?.source && !system.source.pushdown)
      report(
        "SYSTEM_ROLE",
        ["diff"],
        `"${source.connection}" is ${system.name}, which cannot compare rows by itself; leave it local`,
      );
    else if (source.file !== undefined)
      report("CONFIG_INVALID", ["diff"], "warehouse needs a query or a table, not a file");
    for (const [field, { lookup }] of Object.entries(fields))
      if (lookup)
        report(
          "CONFIG_INVALID",
          ["fields", field, "lookup"],
          "is found anew for every row by each plan, which diff warehouse does not return; leave diff local",
        );
  }

  if (destination) {
    const system = find(destination.connection, "destination");
    if (system && !system.destination)
      report(
        "SYSTEM_ROLE",
        ["destination"],
        `"${destination.connection}" is ${system.name}, which cannot be a destination`,
      );
    const missing =
      system?.destination && mode
        ? actionsOf[mode].filter((action) => !system.destination?.capabilities.actions.includes(action))
        : [];
    if (system && missing.length > 0)
      report("MODE_UNSUPPORTED", ["mode"], `${mode} needs ${missing.join(" and ")}, which ${system.name} cannot do`);
  }

  if (key) {
    const twice = key.find((column, i) => key.indexOf(column) !== i);
    if (twice !== undefined) report("CONFIG_INVALID", ["key"], `names "${twice}" twice`);
    if (destination?.matchOn && destination.matchOn.length !== key.length)
      report(
        "CONFIG_INVALID",
        ["destination", "matchOn"],
        `has ${destination.matchOn.length} and key has ${key.length}; each key column is matched with one field, in the same order`,
      );
  }

  for (const [field, mapping] of Object.entries(fields)) {
    const given = (["column", "constant", "template", "lookup"] as const).filter((form) => mapping[form] !== undefined);
    if (given.length !== 1)
      report(
        "CONFIG_INVALID",
        ["fields", field],
        `needs exactly one of column, constant, template or lookup; ${has(given)}`,
      );
    if (mapping.otherwise !== undefined && mapping.values === undefined)
      report("CONFIG_INVALID", ["fields", field, "otherwise"], "means nothing without values");
    const matched = (destination?.matchOn ?? key ?? []).includes(field);
    for (const { attribute, message } of maskProblems(mapping, matched))
      report("CONFIG_INVALID", ["fields", field, ...(attribute === undefined ? [] : [attribute])], message);
  }
  return problems;
}

const has = (given: readonly string[]) => (given.length === 0 ? "there is none" : `there are ${given.join(" and ")}`);

function wellFormed(raw: unknown): Partial<Omit<SyncAttributes, "fields">> & {
  readonly fields: Readonly<Record<string, FieldMapping>>;
} {
  const given = isObject(raw) ? raw : {};
  const { source, destination, key, mode, diff } = syncAttributes.shape;
  const fields = isObject(given.fields) ? given.fields : {};
  return {
    ...parsed("source", source, given),
    ...parsed("destination", destination, given),
    ...parsed("key", key, given),
    ...parsed("mode", mode, given),
    ...parsed("diff", diff, given),
    fields: Object.fromEntries(
      Object.entries(fields).flatMap(([field, mapping]) => {
        const { data } = fieldMapping.safeParse(mapping);
        return data ? [[field, data]] : [];
      }),
    ),
  };
}

function parsed<N extends string, S extends z.ZodType>(name: N, schema: S, given: Readonly<Record<string, unknown>>) {
  const { data } = schema.safeParse(given[name]);
  return (data === undefined ? {} : { [name]: data }) as { [K in N]?: z.output<S> };
}
