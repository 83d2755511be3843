/** The connector contract: all that `providers/` may import. @module */
export { canonicalSql, sqlType, textSql, typeOf } from "../core/canonical.ts";
export { canonicalJson } from "../core/canonical-json.ts";
export * from "../core/errors.ts";
export { keyOf, keyParts } from "../core/key.ts";
export { ident, literal } from "../core/sql.ts";
export { suggest } from "../core/suggest.ts";
export type * from "../core/types.ts";
export type * from "./capabilities.ts";
export type * from "./destination.ts";
export * from "./http.ts";
export * from "./outcomes.ts";
export * from "./pushdown.ts";
export * from "./pushdown-sql.ts";
export * from "./retry-after.ts";
export type * from "./source.ts";
export * from "./sql.ts";
export * from "./system.ts";
export * from "./wire.ts";
