/** PostgreSQL: a server, or an embedded one in a folder. @module */
import * as z from "zod";
import { defineSystem, secret } from "../../src/connector/index.ts";

const connection = z.strictObject({
  url: secret("Connection string, `postgres://user:password@host:5432/database`.").optional(),
  host: z.string().optional().describe("Host name of the server, instead of `url`."),
  port: z.number().int().min(1).max(65535).optional().describe("Port of the server (default 5432)."),
  database: z.string().optional().describe("Name of the database (default: the user's name)."),
  user: z.string().optional().describe("Name of the role to log in as."),
  password: secret("Password of the role.").optional(),
  ssl: z.boolean().optional().describe("Use TLS and check the server's certificate (default false)."),
  embedded: z
    .string()
    .optional()
    .describe("Folder of an embedded database (PGlite), relative to the project, instead of a server."),
  schema: z.string().optional().describe('Schema of tables that are named without one (default "public").'),
});

/** Options of a Postgres connection. */
export type PostgresOptions = z.output<typeof connection>;

export default defineSystem({
  name: "postgres",
  title: "Postgres",
  summary: "Tables of a PostgreSQL database, on a server or embedded.",
  connection,
  source: {
    reads: ["sql", "table"],
    pushdown: true,
    open: async (options, context) => (await import("./source.ts")).openSource(options, context),
  },
  destination: {
    capabilities: {
      actions: ["create", "update", "delete"],
      read: { keys: 10_000, scan: 1_000_000, lagSeconds: 0 },
      write: [{ name: "batch", above: 0, records: 10_000, concurrency: 1, calls: 1 }],
      createIsIdempotent: "key",
      checksBefore: true,
      idIsKey: true,
      rates: [],
      delete: "erase",
    },
    open: async (options, context) => (await import("./destination.ts")).openDestination(options, context),
  },
});
