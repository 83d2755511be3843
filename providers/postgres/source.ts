import {
  ConfigError,
  type Context,
  ident,
  type Query,
  type Source,
  suggest,
  tableName,
} from "../../src/connector/index.ts";
import { openClient } from "./client.ts";
import { queryError } from "./errors.ts";
import type { PostgresOptions } from "./index.ts";
import { changedExtract, recordMarks } from "./pushdown.ts";
import { columnsOf, csvExtract, subquery } from "./query.ts";
import { tableNames } from "./table.ts";

/** Opens a database to read from. Rows come through COPY, in one read-only snapshot. */
export async function openSource(options: PostgresOptions, context: Context): Promise<Source> {
  const client = await openClient(options, context);
  const defaultSchema = options.schema ?? "public";

  const textOf = (query: Query): string => {
    if (query.table !== undefined) {
      const { schema, table } = tableName(query.table, defaultSchema);
      return `SELECT * FROM ${ident(schema)}.${ident(table)}`;
    }
    if (!query.sql?.trim()) throw new ConfigError("SOURCE_FAILED", `${context.connection}: the query is empty`);
    return subquery(query.sql);
  };
  const failed = (error: unknown) => queryError(error, context.connection);
  const helped = async (error: unknown, signal: AbortSignal): Promise<Error> => {
    const missing = /relation "(.+)" does not exist/.exec(error instanceof Error ? error.message : "")?.[1];
    if (missing === undefined) return failed(error);
    const known = await tableNames(client, defaultSchema, signal).catch(() => []);
    const name = missing.startsWith(`${defaultSchema}.`) ? missing.slice(defaultSchema.length + 1) : missing;
    return new ConfigError("SOURCE_FAILED", `${context.connection}: no relation "${missing}": ${suggest(name, known)}`);
  };

  return {
    async describe(query, signal) {
      try {
        return columnsOf(await client.describe(textOf(query), signal));
      } catch (error) {
        throw await helped(error, signal);
      }
    },
    async extract(query, signal) {
      try {
        return await csvExtract(client, textOf(query), failed, signal);
      } catch (error) {
        throw await helped(error, signal);
      }
    },
    pushdown: {
      async changes({ query, ...request }, signal) {
        try {
          return await changedExtract(client, textOf(query), request, failed, signal);
        } catch (error) {
          throw await helped(error, signal);
        }
      },
      async record(request, signal) {
        try {
          return await recordMarks(client, request, signal);
        } catch (error) {
          throw failed(error);
        }
      },
    },
    close: () => client.close(),
  };
}
