import { capabilities } from "../capabilities.ts";
import { providerAddress, providerSchema } from "../schema.ts";
import { schemaMessage } from "../schema-message.ts";
import type { Rpc } from "../service.ts";

export const getProviderSchema: Rpc<"Empty", "GetProviderSchemaResponse"> = async (_, session) => {
  const schemas = providerSchema(await session.systems()).provider_schemas[providerAddress];
  if (!schemas) return { capabilities };
  return {
    provider: schemaMessage(schemas.provider),
    resourceSchemas: Object.fromEntries(
      Object.entries(schemas.resource_schemas).map(([name, schema]) => [name, schemaMessage(schema)]),
    ),
    capabilities,
  };
};
