import { systems } from "../../../providers/index.ts";
import { fromJson, writeValue } from "../dynamic-value.ts";
import { providerAddress, providerSchema } from "../schema.ts";
import type { Rpc } from "../service.ts";
import { asSent } from "../wire-schema.ts";

/** A stub with the name: the first plan fills in the rest from the configuration. */
export const importResourceState: Rpc<"ImportResourceStateRequest", "ImportResourceStateResponse"> = async ({
  typeName = "",
  id = "",
}) => {
  const schemas = providerSchema(systems).provider_schemas[providerAddress];
  const schema = schemas && asSent(schemas).resource_schemas[typeName];
  const state = writeValue(fromJson(schema?.block.attributes ?? {}, { id, name: id }));
  return { imported: [{ typeName, state }] };
};
