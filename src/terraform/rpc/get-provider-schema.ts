import { capabilities } from "../capabilities.ts";
import type { BlockSchema } from "../schema.ts";
import { providerAddress, providerSchema } from "../schema.ts";
import { functionMessages, schemaMessage } from "../schema-message.ts";
import type { Rpc } from "../service.ts";
import { asSent } from "../wire-schema.ts";

export const getProviderSchema: Rpc<"Empty", "GetProviderSchemaResponse"> = async (_, session) => {
  const schemas = providerSchema(await session.systems()).provider_schemas[providerAddress];
  if (!schemas) return { capabilities };
  const { provider, resource_schemas, data_source_schemas } = asSent(schemas);
  return {
    provider: schemaMessage(provider),
    resourceSchemas: messages(resource_schemas),
    dataSourceSchemas: messages(data_source_schemas),
    functions: functionMessages(),
    capabilities,
  };
};

function messages(schemas: Readonly<Record<string, BlockSchema>>) {
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, schemaMessage(schema)]));
}
