import { capabilities } from "../capabilities.ts";
import { functions } from "../functions.ts";
import type { Rpc } from "../service.ts";

export const getMetadata: Rpc<"Empty", "GetMetadataResponse"> = async () => ({
  capabilities,
  resources: [{ typeName: "ebb_sync" }],
  dataSources: [{ typeName: "ebb_plan" }],
  functions: Object.keys(functions).map((name) => ({ name })),
});
