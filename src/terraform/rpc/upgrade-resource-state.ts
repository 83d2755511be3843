import { systems } from "../../../providers/index.ts";
import { fromJson, writeValue } from "../dynamic-value.ts";
import { providerAddress, providerSchema } from "../schema.ts";
import type { Rpc } from "../service.ts";
import { asSent } from "../wire-schema.ts";

/** The state as Terraform stored it, in the schema's present shape. Called on every run. */
export const upgradeResourceState: Rpc<"UpgradeResourceStateRequest", "UpgradeResourceStateResponse"> = async ({
  typeName = "",
  rawState,
}) => {
  const schemas = providerSchema(systems).provider_schemas[providerAddress];
  const schema = schemas && asSent(schemas).resource_schemas[typeName];
  const json: unknown = JSON.parse(Buffer.from(rawState?.json ?? Buffer.from("null")).toString());
  return { upgradedState: writeValue(fromJson(schema?.block.attributes ?? {}, json)) };
};
