/** The Terraform provider's schema, derived from the systems' manifests and from the declared sync. Pure. @module */
import * as z from "zod";
import { isSecret } from "../connector/system.ts";
import { stateAttributes } from "../core/decode.ts";
import { ConfigError } from "../core/errors.ts";
import { bare, toSnake } from "../core/names.ts";
import { providerAddress } from "../core/provider-address.ts";
import { syncAttributes } from "../core/sync.ts";
import { type SystemShape, terraformAttributes } from "../core/sync-rules.ts";
import { examined, managed } from "./computed.ts";
import { type FunctionSchema, functions } from "./functions.ts";

/** A type constraint as Terraform writes it, e.g. `["map", "string"]`. */
export type TerraformType = "string" | "number" | "bool" | "dynamic" | readonly ["list" | "map", TerraformType];

/** One attribute, in the format of `terraform providers schema -json`. */
export interface Attribute {
  readonly type?: TerraformType;
  readonly nested_type?: {
    readonly attributes: Readonly<Record<string, Attribute>>;
    readonly nesting_mode: "single" | "list" | "map";
  };
  readonly description?: string;
  readonly description_kind: "plain";
  readonly required?: true;
  readonly optional?: true;
  readonly computed?: true;
  readonly sensitive?: true;
}

export interface BlockSchema {
  readonly version: number;
  readonly block: {
    readonly attributes: Readonly<Record<string, Attribute>>;
    readonly description: string;
    readonly description_kind: "plain";
  };
}

/** The answer of `terraform providers schema -json`. */
export interface ProviderSchemas {
  readonly format_version: "1.0";
  readonly provider_schemas: Readonly<
    Record<
      string,
      {
        readonly provider: BlockSchema;
        readonly resource_schemas: Readonly<Record<string, BlockSchema>>;
        readonly data_source_schemas: Readonly<Record<string, BlockSchema>>;
        readonly functions: Readonly<Record<string, FunctionSchema>>;
      }
    >
  >;
}

export { providerAddress };

/** The provider block's attributes as a zod schema, camelCase: a map of connections with one system each, and the state. */
export function providerAttributes(systems: readonly SystemShape[]) {
  const one = z.strictObject(
    Object.fromEntries(
      systems.map((system) => [system.name, system.connection.optional().describe(`A ${system.name} connection.`)]),
    ),
  );
  return z.strictObject({
    connections: z.record(z.string(), one).optional().describe("Configured systems by name, each with one system."),
    state: stateAttributes.optional(),
  });
}

/**
 * The schema of the provider, with a type for everything: constructs and documents are made from it. Terraform itself
 * gets a wider one, see `asSent`.
 *
 * @example providerSchema(systems).provider_schemas[providerAddress]
 */
export function providerSchema(systems: readonly SystemShape[]): ProviderSchemas {
  const sync = attributes(syncAttributes);
  const { optional: _, ...named } = sync.name ?? { description_kind: "plain" };
  // Terraform never tells a provider the name of a resource, so it cannot be the default there.
  const name: Attribute = { ...named, description: "Name of the sync.", required: true };
  return {
    format_version: "1.0",
    provider_schemas: {
      [providerAddress]: {
        provider: block("Ebb: reverse ETL as infrastructure code.", attributes(providerAttributes(systems))),
        resource_schemas: {
          ebb_sync: block("Rows of a warehouse that belong in a business tool.", {
            ...sync,
            ...attributes(terraformAttributes),
            name,
            ...managed,
          }),
        },
        data_source_schemas: {
          ebb_plan: block("What a sync would do, without managing it: nothing is ever written.", {
            ...sync,
            name,
            ...examined,
          }),
        },
        functions,
      },
    },
  };
}

function block(description: string, attributes: Readonly<Record<string, Attribute>>): BlockSchema {
  return { version: 0, block: { attributes, description, description_kind: "plain" } };
}

/** The attributes of a zod object, in Terraform's names. */
export function attributes(schema: z.ZodObject): Record<string, Attribute> {
  return Object.fromEntries(
    Object.entries(schema.shape).map(([name, inner]) => [toSnake(name), attribute(name, inner as z.ZodType)]),
  );
}

function attribute(name: string, schema: z.ZodType): Attribute {
  const type = bare(schema);
  const description = schema.description ?? type.description;
  const optional = schema.safeParse(undefined).success;
  return {
    ...typeOf(name, type),
    ...(description === undefined ? {} : { description }),
    description_kind: "plain",
    ...(optional ? { optional: true } : { required: true }),
    ...(isSecret(schema) || isSecret(type) ? { sensitive: true } : {}),
  };
}

function typeOf(name: string, type: z.ZodType): Pick<Attribute, "type" | "nested_type"> {
  if (type instanceof z.ZodObject) return { nested_type: { attributes: attributes(type), nesting_mode: "single" } };
  const nesting = collection(type);
  if (nesting?.item instanceof z.ZodObject)
    return { nested_type: { attributes: attributes(nesting.item), nesting_mode: nesting.kind } };
  return { type: constraint(name, type) };
}

function constraint(name: string, type: z.ZodType): TerraformType {
  const nesting = collection(type);
  if (nesting) return [nesting.kind, constraint(name, nesting.item)];
  switch (type.type) {
    case "string":
    case "enum":
      return "string";
    case "number":
    case "int":
      return "number";
    case "boolean":
      return "bool";
    default:
      throw new ConfigError("CONFIG_INVALID", `option ${name}: Terraform has no type for zod's ${type.type}`);
  }
}

function collection(type: z.ZodType): { readonly kind: "list" | "map"; readonly item: z.ZodType } | undefined {
  if (type instanceof z.ZodArray) return { kind: "list", item: bare(type.element as z.ZodType) };
  if (type instanceof z.ZodRecord) return { kind: "map", item: bare(type.valueType as z.ZodType) };
  return undefined;
}
