/** The connector of the model destination: as thin as a real one, over the engine's own HTTP client. @module */
import * as z from "zod";
import {
  type Batch,
  type Context,
  type Destination,
  defineSystem,
  type ObservedRecord,
  type Outcome,
  type ReadRequest,
  type Receipt,
  type System,
  TransientError,
} from "../../src/connector/index.ts";
import type { Model } from "./model.ts";

const text = { kind: "text" } as const;
const columns = ["id", "name", "city"].map((name) => ({ name, type: text }));

/** Polls of a job that does not end. */
const MOST_POLLS = 60;
const POLL_MS = 1_500;

interface JobAnswer {
  readonly state: "running" | "done" | "failed";
  readonly outcomes: readonly Outcome[];
}

export function modelSystem(model: Model): System {
  return defineSystem({
    name: "model",
    title: "Model",
    summary: "The destination of a simulated story.",
    connection: z.strictObject({}),
    source: {
      reads: ["table"],
      open: async () => ({
        describe: async () => columns,
        async extract() {
          async function* batches() {
            const { rows } = model;
            yield Object.fromEntries(columns.map(({ name }) => [name, rows.map((row) => row[name] ?? null)]));
          }
          return { kind: "text", columns, batches: batches() };
        },
      }),
    },
    destination: {
      capabilities: model.capabilities,
      open: async (_, context) => openClient(model, context),
    },
  });
}

function openClient({ config }: Model, context: Context): Destination {
  const http = context.http({
    baseUrl: "https://model.test",
    classify: ({ status }) =>
      status === 402 ? new TransientError("QUOTA_EXHAUSTED", "no calls left", { unsent: true }) : undefined,
  });
  const get = async <T>(path: string, signal: AbortSignal) =>
    (await http.request({ method: "GET", path }, signal)).json<T>();

  async function* follow(ticket: string, signal: AbortSignal): AsyncIterable<Receipt> {
    for (let poll = 0; poll < MOST_POLLS; poll++) {
      const { state, outcomes } = await get<JobAnswer | { readonly state: "gone"; readonly outcomes: [] }>(
        `/job/${ticket}`,
        signal,
      );
      if (state === "running") {
        await context.sleep(POLL_MS, signal);
        continue;
      }
      // Of a job that is gone nothing more is known: what has no outcome is settled by reading back.
      if (outcomes.length > 0) yield { outcomes };
      return;
    }
  }

  return {
    account: async (signal) => (await get<{ readonly account: string }>("/account", signal)).account,
    describe: async (object) => ({
      object,
      fields: columns.map((column) => ({
        ...column,
        ...(column.name === "id" && ["key", "conflict"].includes(config.createClass)
          ? { createIsIdempotent: config.createClass === "key" ? ("key" as const) : ("conflict" as const) }
          : {}),
      })),
    }),
    async *read(request: ReadRequest, signal) {
      const { json } = await http.request({ method: "POST", path: "/read", json: request, repeatable: true }, signal);
      yield json<readonly ObservedRecord[]>();
    },
    async *write(batch: Batch, signal) {
      const body = { id: batch.id, action: batch.action, changes: batch.changes };
      const response = await http.request({ method: "POST", path: "/write", json: body }, signal);
      const answer = response.json<{ readonly outcomes?: readonly Outcome[]; readonly ticket?: string }>();
      if (answer.ticket) {
        yield { ticket: answer.ticket };
        yield* follow(answer.ticket, signal);
      } else if (answer.outcomes) yield { outcomes: answer.outcomes };
    },
    ...(config.tickets ? { resume: (ticket: string, _: Batch, signal: AbortSignal) => follow(ticket, signal) } : {}),
    ...(config.reading === "since"
      ? { now: async (signal: AbortSignal) => (await get<{ readonly now: string }>("/now", signal)).now }
      : {}),
  };
}
