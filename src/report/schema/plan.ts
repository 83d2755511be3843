/**
 * What a plan looks like as JSON, published as JSON Schema in `docs/schema`. Within a major version fields are only added,
 * and a reader ignores those it does not know.
 * @module
 */
import * as z from "zod";

const count = z.number().int().min(0);
const instant = z.string().describe("ISO 8601, UTC.");
const digest = z.string().describe("SHA-256 in hexadecimal: what an approval binds to.");
const reject = z.string().describe("A code of docs/errors.md, “Rejected rows”.");

const counts = z.object({ create: count, update: count, delete: count });

const source = z.object({ connection: z.string(), system: z.string(), rows: count });

const destination = z.object({
  connection: z.string(),
  system: z.string(),
  object: z.string(),
  account: z.string().describe("The account the plan was made for."),
});

const basis = z
  .object({
    refresh: z.enum(["full", "changed", "off"]),
    read: z.string().describe("How records were observed: columns, scan, since or keys; ledger: they were not."),
    recordsRead: count,
  })
  .describe("What the changes are based on.");

const field = z.object({
  name: z.string(),
  changed: count.describe("Updates that change it."),
  filled: count.describe("Of them, from empty."),
  cleared: count.describe("Of them, to empty."),
});

const cost = z.object({
  planCalls: count,
  applyCalls: count.describe("Estimated."),
  applySeconds: z.number().min(0).nullable().describe("At the permitted rate; null where it is not known."),
  quota: z.object({ used: count, limit: count }).nullable(),
});

const sync = z.object({
  name: z.string(),
  source,
  destination,
  mode: z.enum(["create", "update", "upsert", "mirror"]),
  basis,
  complete: z.boolean().describe("False where a side could not be read: then nothing is known of its changes."),
  problem: z.string().nullable().describe("Why it is not complete."),
  counts,
  unchanged: count,
  confirmed: count.describe("Right already and not yet recorded: apply records them and sends nothing."),
  skipped: count.describe("Rows without a record to update, or with one already."),
  reasons: z
    .object({ warehouse: count, drift: count, conflict: count })
    .describe("Changes by who moved: the warehouse, somebody else in the destination, or both."),
  driftKept: count,
  newFields: z.array(z.object({ name: z.string(), type: z.object({ kind: z.string() }) })),
  fields: z.array(field),
  rejected: z.array(z.object({ code: reject, field: z.string().nullable(), count })),
  masked: z
    .array(z.object({ field: z.string(), how: z.string() }))
    .optional()
    .describe("Fields whose values go out as something else, and as what."),
  guards: z.array(z.object({ code: z.string(), message: z.string() })).describe("Guards that stop the plan."),
  warnings: z.array(z.string()),
  cost,
});

const values = z.record(z.string(), z.string().nullable()).describe("Field to canonical text.");

const change = z.object({
  change: z.object({
    n: count.describe("Position in apply order."),
    action: z.enum(["create", "update", "delete"]),
    key: z.string(),
    id: z.string().optional(),
    before: values.optional(),
    after: values.optional(),
  }),
  reason: z.enum(["warehouse", "drift", "conflict"]),
  drifted: z.array(z.string()).describe("Changed fields that somebody else had changed."),
});

const samples = z.object({
  sync: z.string(),
  deletes: z.array(change),
  updates: z.array(change).describe("Those that move a number furthest first."),
  creates: z.array(change),
  drifted: z.array(change),
  rejected: z.array(
    z.object({ code: reject, field: z.string().nullable(), keys: z.array(z.string()), more: z.boolean() }),
  ),
});

const head = {
  created: instant,
  expires: instant,
  rollback: z.string().optional().describe("The run that this plan puts back."),
  complete: z.boolean().describe("Every sync could be read."),
  syncs: z.array(sync),
  policies: z
    .array(
      z.object({
        code: z.string(),
        level: z.enum(["pass", "warn", "deny"]),
        sync: z.string().nullable(),
        message: z.string(),
      }),
    )
    .optional()
    .describe("What policies say of the plan; a denial stops it."),
};

/** `summary.json` of a plan file. It holds no record values. */
export const summaryDocument = z.object({ format: z.literal(1), ...head });

/** What `ebb plan --json` and `ebb show --json` print. */
export const planDocument = z.object({
  format_version: z.string().regex(/^1\.\d+$/),
  digest,
  ...head,
  stopped: z.boolean().describe("A guard or a policy holds it back."),
  file: z.string().optional().describe("Where it was saved."),
  unfinished_run: z.string().optional().describe("A run that has to be finished first."),
  samples: z.array(samples).optional().describe("Records with their values; only with --show-values."),
});

type Given<T> = T extends readonly (infer U)[]
  ? readonly Given<U>[]
  : T extends object
    ? { readonly [K in keyof T]: Given<T[K]> }
    : T;

/** The same as types: what is printed is made as one of these. */
export type PlanDocument = Given<z.output<typeof planDocument>>;
export type SummaryDocument = Given<z.output<typeof summaryDocument>>;
