/** HubSpot as a destination: contacts, companies, deals, and any other object of the CRM. @module */
import * as z from "zod";
import {
  type Context,
  type Destination,
  defineSystem,
  httpOptions,
  secret,
  TransientError,
} from "../../src/connector/index.ts";
import { accountPath } from "./addresses.ts";
import { type AssociationType, plainType } from "./associations.ts";
import { openSession } from "./auth.ts";
import { createField, describeNew } from "./create-field.ts";
import { examineAccount } from "./examine.ts";
import { openObjects } from "./objects.ts";
import { readRecords } from "./read.ts";
import { batchLimit, writeRecords } from "./write.ts";

const connection = z
  .strictObject({
    accessToken: secret("Token of a private app.").optional(),
    clientId: z.string().optional().describe("Client id of an OAuth app, instead of `accessToken`."),
    clientSecret: secret("Client secret of the OAuth app.").optional(),
    refreshToken: secret("Refresh token the OAuth app was given when it was installed.").optional(),
    ...httpOptions,
  })
  .refine((options) => options.accessToken || (options.clientId && options.clientSecret && options.refreshToken), {
    error: "needs accessToken, or clientId, clientSecret and refreshToken",
  });

function openDestination(options: z.output<typeof connection>, context: Context): Destination {
  const session = openSession(options, context);
  const objects = openObjects(session, context.connection);
  const associationTypes = new Map<string, Promise<AssociationType>>();
  let portal: Promise<string> | undefined;

  async function fetchPortal(signal: AbortSignal): Promise<string> {
    const { portalId } = (await session.request({ method: "GET", path: accountPath }, signal)).json<{
      portalId?: number;
    }>();
    if (portalId === undefined)
      throw new TransientError("ANSWER_INVALID", `${context.connection}: the account answered no number`);
    return String(portalId);
  }
  const account = (signal: AbortSignal): Promise<string> => {
    portal ??= fetchPortal(signal).catch((error: unknown) => {
      portal = undefined;
      throw error;
    });
    return portal;
  };

  async function openObject(name: string, signal: AbortSignal) {
    const shape = await objects.shape(name, signal);
    const type = (target: string) => objects.type(target, signal);
    const associationType = async (target: string): Promise<AssociationType> => {
      const pair = `${shape.type} ${target}`;
      const known = associationTypes.get(pair) ?? plainType(session, shape.type, await type(target), signal);
      associationTypes.set(pair, known);
      known.catch(() => associationTypes.delete(pair));
      return known;
    };
    return { http: session, connection: context.connection, shape, type, associationType };
  }

  return {
    account,

    async describe(object, signal) {
      objects.forget(object);
      const { fields } = await objects.shape(object, signal);
      return { object, fields };
    },

    async *read(request, signal) {
      yield* readRecords(await openObject(request.object, signal), request, signal);
    },

    async *write(batch, signal) {
      yield* writeRecords(await openObject(batch.object, signal), batch, signal);
    },

    describeNew: (object, field) => describeNew(context.connection, object, field),

    async createField(object, field, signal) {
      const type = await objects.type(object, signal);
      await createField(session, context.connection, object, type, field, signal);
      objects.forget(object);
    },

    examine: (signal) => examineAccount(session, () => account(signal), signal),
  };
}

export default defineSystem({
  name: "hubspot",
  title: "HubSpot",
  summary: "Contacts, companies, deals and custom objects of a HubSpot account.",
  connection,
  destination: {
    capabilities: {
      actions: ["create", "update", "delete"],
      read: { keys: batchLimit, ids: batchLimit, scan: 100, lagSeconds: 0 },
      // Each batch is read back before it is written, for the vendor has neither conditions nor a list of what changed.
      write: [{ name: "batch", above: 0, records: batchLimit, concurrency: 10, calls: 2 }],
      // Companies and deals are made twice; what is matched on a unique property is not.
      createIsIdempotent: "no",
      callSeconds: 20,
      checksBefore: false,
      idIsKey: false,
      // A private app of a free account; OAuth apps have 110, larger accounts 190 and more.
      rates: [{ bucket: "calls", limit: 100, perMs: 10_000 }],
      delete: "archive",
      createsFields: true,
    },
    open: async (options, context) => openDestination(options, context),
  },
  sandbox: () => import("./sandbox.ts"),
});
