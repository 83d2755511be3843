/** The provider's schema as it goes to Terraform. @module */
import type { Attribute, BlockSchema, ProviderSchemas } from "./schema.ts";

type Provider = ProviderSchemas["provider_schemas"][string];

/**
 * Terraform drops an attribute that a typed object does not know, without a word. What the user writes as an object is
 * therefore of any type on the wire, and checked here, where a misspelt name can be told.
 */
export function asSent({ provider, resource_schemas, data_source_schemas, functions }: Provider): Provider {
  const each = (schemas: Readonly<Record<string, BlockSchema>>) =>
    Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, widened(schema)]));
  return {
    provider: widened(provider),
    resource_schemas: each(resource_schemas),
    data_source_schemas: each(data_source_schemas),
    functions,
  };
}

function widened({ version, block }: BlockSchema): BlockSchema {
  const attributes = Object.entries(block.attributes).map(([name, attribute]) => [name, widenedAttribute(attribute)]);
  return { version, block: { ...block, attributes: Object.fromEntries(attributes) } };
}

function widenedAttribute(attribute: Attribute): Attribute {
  const { nested_type: nested, computed, description = "", ...rest } = attribute;
  if (!nested || computed) return attribute;
  const names = Object.entries(nested.attributes).map(([name, { required }]) =>
    required ? `${name} (required)` : name,
  );
  const each = nested.nesting_mode === "single" ? "Attributes" : "Attributes of each";
  return { ...rest, type: "dynamic", description: `${description} ${each}: ${names.join(", ")}.` };
}
