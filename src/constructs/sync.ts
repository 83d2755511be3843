import type { TerraformMetaArguments } from "cdktf";
import type { Construct } from "constructs";
import { ConfigError } from "../core/errors.ts";
import type { Connection, Destination, Source } from "./connection.ts";
import { FieldBuilder, field } from "./field.ts";
import { Sync as SyncResource } from "./generated/sync/index.ts";
import type { SyncOptions } from "./generated/sync-options.ts";
import { SyncStack } from "./stack.ts";
import { escaped, verbatim } from "./verbatim.ts";

export interface SyncProps extends SyncOptions, Pick<TerraformMetaArguments, "dependsOn" | "lifecycle"> {
  /** Name of the sync in plans and in the state (default: the construct's id). */
  readonly name?: string;
  /** Where rows come from. */
  readonly source: Source;
  /** Source columns that identify a record. */
  readonly key: string | readonly string[];
  /** Where records go. */
  readonly destination: Destination;
  /** Destination field to where its value comes from: a source column, or a {@link field} with more to it. */
  readonly fields: Readonly<Record<string, string | FieldBuilder>>;
}

/**
 * One declared flow: which rows belong in which records.
 *
 * @example
 * new Sync(stack, "customer-ltv", {
 *   source: warehouse.query(sql`select email, lifetime_value from customer`),
 *   key: "email",
 *   destination: crm.object("Contact", { matchOn: "Email" }),
 *   mode: "update",
 *   fields: { Lifetime_Value__c: field("lifetime_value").round(2) },
 * });
 */
export class Sync extends SyncResource {
  constructor(scope: Construct, id: string, props: SyncProps) {
    const { source, destination, key, fields, name = id, dependsOn, lifecycle, ...options } = props;
    super(scope, id, {
      ...escaped({
        ...options,
        name,
        source: { ...source.rows, connection: source.connection.name },
        key: typeof key === "string" ? [key] : [...key],
        destination: { ...destination.records, connection: destination.connection.name },
        fields: Object.fromEntries(Object.entries(fields).map(([to, from]) => [to, mappingOf(from)])),
      }),
      ...(dependsOn && { dependsOn }),
      ...(lifecycle && { lifecycle }),
    });
    this.#own(source.connection);
    this.#own(destination.connection);
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    return verbatim(super.synthesizeAttributes());
  }

  #own(connection: Connection): void {
    if (SyncStack.of(connection) !== SyncStack.of(this))
      throw new ConfigError(
        "CONFIG_INVALID",
        `sync "${this.node.id}": connection "${connection.name}" is declared in another stack`,
      );
  }
}

function mappingOf(from: string | FieldBuilder) {
  return (from instanceof FieldBuilder ? from : field(from)).mapping;
}
