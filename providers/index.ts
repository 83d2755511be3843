/** Every system Ebb knows: one import and one line each. */
import type { System } from "../src/connector/index.ts";
import duckdb from "./duckdb/index.ts";
import hubspot from "./hubspot/index.ts";
import memory from "./memory/index.ts";
import postgres from "./postgres/index.ts";
import salesforce from "./salesforce/index.ts";
import snowflake from "./snowflake/index.ts";

export const systems: readonly System[] = [duckdb, hubspot, memory, postgres, salesforce, snowflake];
