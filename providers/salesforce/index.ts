/** Salesforce as a destination: objects of an organisation, by the REST API and Bulk API 2.0. @module */
import * as z from "zod";
import {
  type Batch,
  ConfigError,
  type Context,
  type Destination,
  defineSystem,
  type FieldDescription,
  httpOptions,
  RecordError,
  secret,
  suggest,
  TransientError,
} from "../../src/connector/index.ts";
import { openSession } from "./auth.ts";
import { resumeJob, writeJob } from "./bulk.ts";
import { collectionLimit, type Writer, writeCollection } from "./collections.ts";
import { fieldDescription, type SalesforceField } from "./describe.ts";
import { readRecords } from "./read.ts";
import { count, encode } from "./soql.ts";

const connection = z
  .strictObject({
    loginUrl: z.string().describe("My Domain address of the organisation, e.g. `https://acme.my.salesforce.com`."),
    clientId: z.string().describe("Consumer key of the app Ebb signs in with."),
    clientSecret: secret("Consumer secret of the app, for the client credentials flow.").optional(),
    username: z.string().optional().describe("User to sign in as with `privateKey` (the JWT bearer flow)."),
    privateKey: secret("Private key (PEM) of the certificate uploaded to the app, for the JWT bearer flow.").optional(),
    apiVersion: z
      .string()
      .regex(/^\d+\.0$/)
      .default("67.0")
      .describe("Version of the REST API."),
    duplicateRules: z
      .enum(["refuse", "allow"])
      .default("refuse")
      .describe("What a duplicate rule that only warns does to a record: `refuse` rejects it, `allow` saves it."),
    ...httpOptions,
  })
  .refine((options) => options.clientSecret || (options.username && options.privateKey), {
    error: "needs clientSecret, or username and privateKey",
  });

function openDestination(options: z.output<typeof connection>, context: Context): Destination {
  const root = `/services/data/v${options.apiVersion}`;
  const session = openSession(options, context);
  const fields = new Map<string, Promise<readonly FieldDescription[]>>();
  const quiet = {
    "Sforce-Auto-Assign": "FALSE",
    "Sforce-Duplicate-Rule-Header": `allowSave=${options.duplicateRules === "allow"}`,
  };
  const get = async <T>(path: string, signal: AbortSignal): Promise<T> =>
    (await session.request({ method: "GET", path: root + path }, signal)).json<T>();

  async function fetchFields(object: string, signal: AbortSignal): Promise<readonly FieldDescription[]> {
    try {
      const path = `/sobjects/${encodeURIComponent(object)}/describe`;
      const described = await get<{ fields: readonly SalesforceField[] }>(path, signal);
      return described.fields.flatMap((field) => fieldDescription(field) ?? []);
    } catch (error) {
      if (!(error instanceof RecordError && error.vendorCode === "HTTP_404")) throw error;
      const { sobjects } = await get<{ sobjects: readonly { name: string }[] }>("/sobjects", signal);
      const known = suggest(
        object,
        sobjects.map(({ name }) => name),
      );
      throw new ConfigError("OBJECT_UNKNOWN", `${context.connection} has no object "${object}": ${known}`);
    }
  }
  const fieldsOf = (object: string, signal: AbortSignal): Promise<readonly FieldDescription[]> => {
    const known = fields.get(object) ?? fetchFields(object, signal);
    fields.set(object, known);
    known.catch(() => fields.delete(object));
    return known;
  };
  const typesOf = async (object: string, signal: AbortSignal) =>
    Object.fromEntries((await fieldsOf(object, signal)).map(({ name, type }) => [name, type]));

  async function writerFor(batch: Batch, signal: AbortSignal): Promise<Writer> {
    const [only] = batch.action === "create" && batch.matchOn.length === 1 ? batch.matchOn : [];
    const unique =
      only && (await fieldsOf(batch.object, signal)).some((f) => f.name === only && f.createIsIdempotent === "key");
    return { http: session, connection: context.connection, root, quiet, upsertBy: unique ? only : undefined };
  }

  return {
    account: (signal) => session.organisation(signal),

    async describe(object, signal) {
      fields.delete(object);
      const described = await fieldsOf(object, signal);
      const { totalSize } = await get<{ totalSize: number }>(`/query?q=${encode(count(object))}`, signal);
      return { object, fields: described, recordCount: totalSize };
    },

    read: (request, signal) => readRecords(session, root, request, () => typesOf(request.object, signal), signal),

    async *write(batch, signal) {
      const writer = await writerFor(batch, signal);
      yield* batch.route === "bulk"
        ? writeJob(writer, batch, context.sleep, signal)
        : writeCollection(writer, batch, signal);
    },

    async *resume(ticket, batch, signal) {
      yield* resumeJob(await writerFor(batch, signal), ticket, batch, context.sleep, signal);
    },

    async now(signal) {
      const { headers } = await session.request({ method: "GET", path: "/services/data/" }, signal);
      const at = Date.parse(headers.date ?? "");
      if (Number.isNaN(at)) throw new TransientError("ANSWER_INVALID", `${context.connection}: no date in an answer`);
      return new Date(at).toISOString();
    },
  };
}

export default defineSystem({
  name: "salesforce",
  title: "Salesforce",
  summary: "Objects of a Salesforce organisation, standard and custom.",
  connection,
  destination: {
    capabilities: {
      actions: ["create", "update", "delete"],
      read: { keys: 200, ids: 2_000, scan: 2_000, since: { days: 15 }, lagSeconds: 0 },
      write: [
        { name: "collections", above: 0, records: collectionLimit, concurrency: 4, calls: 1 },
        // The vendor encodes a sheet for transport and takes 150 MB of that; it advises 100 MB of CSV.
        { name: "bulk", above: 2_000, records: 100_000, bytes: 80_000_000, concurrency: 2, calls: 7 },
      ],
      createIsIdempotent: "no",
      callSeconds: 20,
      checksBefore: false,
      idIsKey: false,
      // The vendor counts calls by the day and long calls at once; this only keeps a burst polite.
      rates: [{ bucket: "calls", limit: 100, perMs: 1_000 }],
      // The vendor takes 25 calls at once that last longer than 20 seconds.
      concurrency: [{ bucket: "calls", calls: 25 }],
      delete: "bin",
    },
    open: async (options, context) => openDestination(options, context),
  },
  sandbox: () => import("./sandbox.ts"),
});
