/** What `ebb plan`, `apply` and `rollback` write to stderr with `--json`: one JSON object a line. @module */
import * as z from "zod";

const at = z.string().describe("ISO 8601, UTC.");
const sync = z.string();
const phase = z.enum(["source", "destination", "diff", "save", "apply", "settle"]);

export const eventDocument = z.discriminatedUnion("type", [
  z
    .object({ type: z.literal("version"), at, format_version: z.string().regex(/^1\.\d+$/), tool: z.string() })
    .describe("The first line."),
  z.object({ type: z.literal("run"), at, run: z.string(), resumed: z.boolean() }),
  z.object({ type: z.literal("phase"), at, sync, phase, total: z.number().optional().describe("Records to come.") }),
  z
    .object({ type: z.literal("progress"), at, sync, phase, done: z.number().describe("Records so far.") })
    .describe("At most once a second for each sync and phase."),
  z.object({ type: z.literal("waiting"), at, connection: z.string(), ms: z.number() }),
  z.object({ type: z.literal("note"), at, text: z.string() }).describe("What a person would be told."),
  z.object({
    type: z.literal("error"),
    at,
    error: z.object({ code: z.string(), at: z.string().optional(), message: z.string(), next: z.string() }),
  }),
  z
    .object({ type: z.literal("end"), at, exit: z.number().int().describe("The exit code.") })
    .describe("The last line."),
]);

type WithoutTime<T> = T extends unknown ? Omit<T, "at"> : never;

/** An event before it is given its time. */
export type EventBody = WithoutTime<z.output<typeof eventDocument>>;
