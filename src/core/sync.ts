/**
 * The declared sync, decoded: the one input of the engine, whichever front it came through.
 * The zod schemas here are also where the Terraform schema and the constructs come from.
 * @module
 */
import * as z from "zod";
import { bucket, hashAs, noise, redact, tokenise } from "./mask-options.ts";

const lookup = z
  .strictObject({
    object: z.string().describe("Object of the same destination in which the record is looked up."),
    matchOn: z.string().describe("Field of that object which holds the looked-up value."),
    column: z.string().describe("Source column that holds the value to look for."),
  })
  .describe(
    "The destination's id of another record, found through a column. A row whose record is not there is rejected.",
  );

/** Where one destination field's value comes from, and what is done to it on the way. */
export const fieldMapping = z.strictObject({
  column: z.string().optional().describe("Source column the value comes from."),
  constant: z.string().optional().describe("The same text for every record."),
  template: z
    .string()
    .optional()
    .describe("Text with {column} in it; null where one of its columns is null. Nothing is evaluated."),
  lookup: lookup.optional(),
  trim: z.boolean().optional().describe("Remove white space at both ends."),
  changeCase: z.enum(["lower", "upper"]).optional().describe("Change the case of the text."),
  cast: z
    .enum(["text", "integer", "decimal", "float", "boolean", "date", "timestamp"])
    .optional()
    .describe("Read the value as this type; a value that does not fit rejects its record."),
  round: z.number().int().min(0).max(12).optional().describe("Round half away from zero to so many decimals."),
  values: z
    .record(z.string(), z.string())
    .optional()
    .describe(
      "Replace each value by the one listed for it; a value not listed rejects its record, unless `otherwise` is set.",
    ),
  otherwise: z.string().optional().describe("What a value not listed in `values` becomes."),
  bucket: bucket.optional(),
  noise: noise.optional(),
  hash: z.enum(["sha256", "md5"]).optional().describe("Hexadecimal digest of the text."),
  hashAs: hashAs.optional(),
  tokenise: tokenise.optional(),
  redact: redact.optional(),
  truncate: z.number().int().min(1).optional().describe("Keep at most so many characters."),
  default: z.string().optional().describe("What a null becomes."),
  whenNull: z
    .enum(["clear", "keep", "reject"])
    .optional()
    .describe(
      "What a null in the warehouse does to the field: clear it (default), keep what is there, or reject the record when anything of it would be written.",
    ),
  onlyIfEmpty: z.boolean().optional().describe("Write only where the destination's field is empty."),
  createOnly: z.boolean().optional().describe("Write when the record is created, never afterwards."),
  owner: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Name of the sync the field belongs to, where several syncs write it: the others write it only when they create the record.",
    ),
  privacy: z
    .enum(["public", "internal", "pii", "secret"])
    .optional()
    .describe(
      "How private the field's values are. public: shown in logs, comments and reports; internal (default) and pii: masked there, keeping their shape; pii is left out of every statistic as well; secret: only that it changed.",
    ),
});

const guards = z.strictObject({
  maxDeletes: z.number().int().min(0).optional().describe("Stop a plan with more deletes than this (default 500)."),
  maxDeletePercent: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe("Stop a plan that deletes more than this share of the owned records (default 5)."),
  maxChanges: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Stop a plan with more changes than this (default: no limit)."),
  maxChangePercent: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe(
      "Stop a plan that updates or deletes more than this share of the records there are (default: no limit). It says nothing of a sync that has recorded none yet.",
    ),
  allowEmptySource: z.boolean().optional().describe("Plan although the source has no rows (default false)."),
  unusual: z
    .enum(["warn", "stop", "off"])
    .optional()
    .describe(
      "When a plan is unlike those of the last 20 runs of the sync, in its changes, rejected rows or source rows: warn (default), stop it, or do not look.",
    ),
});

export const syncAttributes = z.strictObject({
  name: z.string().min(1).optional().describe("Name of the sync; by default the name of the resource."),
  source: z
    .strictObject({
      connection: z.string().describe("Name of the connection rows are read from."),
      query: z.string().optional().describe("SQL whose rows are the desired records."),
      table: z.string().optional().describe("Table to read whole, instead of a query."),
      file: z.string().optional().describe("File or pattern to read (Parquet, CSV, NDJSON), instead of a query."),
    })
    .describe("Where rows come from."),
  key: z.array(z.string()).min(1).describe("Source columns that identify a record."),
  destination: z
    .strictObject({
      connection: z.string().describe("Name of the connection records go to."),
      object: z.string().describe("Object or table that holds the records."),
      matchOn: z
        .array(z.string())
        .optional()
        .describe("Destination fields the key is matched with, in the order of `key`; by default the same names."),
    })
    .describe("Where records go."),
  mode: z
    .enum(["create", "update", "upsert", "mirror"])
    .describe(
      "create: only new records; update: only records that exist; upsert: both; mirror: also delete what Ebb created and the source no longer has.",
    ),
  fields: z.record(z.string(), fieldMapping).describe("Destination field to where its value comes from."),
  onDrift: z
    .enum(["overwrite", "keep", "fail"])
    .optional()
    .describe("When somebody else changed a field: overwrite it (default), keep theirs, or fail the plan."),
  refresh: z
    .enum(["full", "changed", "off"])
    .optional()
    .describe(
      "How much of the destination a plan reads: every record (full, default), only those whose row changed, or nothing.",
    ),
  diff: z
    .enum(["local", "warehouse"])
    .optional()
    .describe(
      "Where rows are compared with what was last applied: here (local, default), or in the warehouse, which then returns only changed rows and keeps a table of hashes in its schema EBB.",
    ),
  adopt: z
    .boolean()
    .optional()
    .describe("Own records that were there before, so that mirror may delete them (default false)."),
  failOnRejected: z.boolean().optional().describe("Stop the plan when a row is rejected (default false)."),
  giveUpAfter: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe(
      "How often a record that the destination rejects is tried while its row stays the same (default 5); 0 tries it with every apply.",
    ),
  recheckAfterMinutes: z
    .number()
    .min(0)
    .optional()
    .describe(
      "Where each record is looked at again before it is written: only when the plan is older than this (default 0: always). Within it, an edit somebody makes meanwhile is overwritten.",
    ),
  createSafety: z
    .enum(["atMostOnce", "atLeastOnce"])
    .optional()
    .describe(
      "Where neither key nor read-back can tell whether a create landed: leave it (default), or send it again.",
    ),
  missingFields: z
    .enum(["refuse", "create"])
    .optional()
    .describe(
      "When the destination's object lacks a mapped field: refuse the sync (default), or make the field when the plan is applied, where the system can.",
    ),
  guards: guards.optional().describe("Checks that can stop a plan."),
});

export type FieldMapping = z.output<typeof fieldMapping>;
export type Guards = z.output<typeof guards>;
export type SyncAttributes = z.output<typeof syncAttributes>;
export type Privacy = NonNullable<FieldMapping["privacy"]>;
export type Mode = SyncAttributes["mode"];
export type Refresh = NonNullable<SyncAttributes["refresh"]>;
export type OnDrift = NonNullable<SyncAttributes["onDrift"]>;

/** A decoded sync: every default filled in. */
export interface Sync {
  readonly name: string;
  readonly source: SyncAttributes["source"];
  readonly key: readonly string[];
  readonly destination: { readonly connection: string; readonly object: string; readonly matchOn: readonly string[] };
  readonly mode: Mode;
  readonly fields: Readonly<Record<string, FieldMapping>>;
  readonly onDrift: OnDrift;
  readonly refresh: Refresh;
  readonly diff: "local" | "warehouse";
  readonly adopt: boolean;
  readonly failOnRejected: boolean;
  readonly giveUpAfter: number;
  readonly recheckAfterMinutes: number;
  readonly createSafety: "atMostOnce" | "atLeastOnce";
  readonly missingFields: "refuse" | "create";
  readonly guards: {
    readonly maxDeletes: number;
    readonly maxDeletePercent: number;
    readonly maxChanges: number | null;
    readonly maxChangePercent: number | null;
    readonly allowEmptySource: boolean;
    readonly unusual: NonNullable<Guards["unusual"]>;
  };
}

export const guardDefaults = {
  maxDeletes: 500,
  maxDeletePercent: 5,
  maxChanges: null,
  maxChangePercent: null,
  allowEmptySource: false,
  unusual: "warn",
} as const;

/** Fills in the defaults of decoded attributes. */
export function completeSync(resource: string, a: SyncAttributes): Sync {
  const name = a.name ?? resource;
  return {
    name,
    source: a.source,
    key: a.key,
    destination: { ...a.destination, matchOn: a.destination.matchOn ?? a.key },
    mode: a.mode,
    fields: Object.fromEntries(Object.entries(a.fields).map(([field, mapping]) => [field, asOwned(name, mapping)])),
    onDrift: a.onDrift ?? "overwrite",
    refresh: a.refresh ?? "full",
    diff: a.diff ?? "local",
    adopt: a.adopt ?? false,
    failOnRejected: a.failOnRejected ?? false,
    giveUpAfter: a.giveUpAfter ?? 5,
    recheckAfterMinutes: a.recheckAfterMinutes ?? 0,
    createSafety: a.createSafety ?? "atMostOnce",
    missingFields: a.missingFields ?? "refuse",
    guards: {
      maxDeletes: a.guards?.maxDeletes ?? guardDefaults.maxDeletes,
      maxDeletePercent: a.guards?.maxDeletePercent ?? guardDefaults.maxDeletePercent,
      maxChanges: a.guards?.maxChanges ?? guardDefaults.maxChanges,
      maxChangePercent: a.guards?.maxChangePercent ?? guardDefaults.maxChangePercent,
      allowEmptySource: a.guards?.allowEmptySource ?? guardDefaults.allowEmptySource,
      unusual: a.guards?.unusual ?? guardDefaults.unusual,
    },
  };
}

/** A field that is another sync's own is written only in a record that this one creates. */
function asOwned(sync: string, mapping: FieldMapping): FieldMapping {
  return mapping.owner === undefined || mapping.owner === sync ? mapping : { ...mapping, createOnly: true };
}
