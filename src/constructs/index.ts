/**
 * Reverse ETL as code: declare connections and syncs in a stack, then plan and apply them with `ebb`.
 *
 * @example
 * const app = new App();
 * const stack = new SyncStack(app, "customer-success", { state: State.local(".ebb") });
 * const warehouse = new Postgres(stack, "warehouse", { … });
 * const crm = new Salesforce(stack, "crm", { … });
 * new Sync(stack, "customer-ltv", { … });
 * app.synth();
 * @module
 */
export { Annotations, App, Aspects, type IAspect } from "cdktf";
export * from "../core/plan-policies.ts";
export { Connection, type Destination, type DestinationOptions, type Source, type Table } from "./connection.ts";
export { type Constant, constant, FieldBuilder, field, lookup, type NoiseOptions, template } from "./field.ts";
export * from "./generated/connections.ts";
export type { SyncOptions } from "./generated/sync-options.ts";
export * from "./policies/index.ts";
export { env, file, type SecretReference } from "./secret.ts";
export { ident, literal, type Sql, sql } from "./sql.ts";
export { State, SyncStack, type SyncStackProps } from "./stack.ts";
export { Sync, type SyncProps } from "./sync.ts";
