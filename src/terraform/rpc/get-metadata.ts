import { capabilities } from "../capabilities.ts";
import type { Rpc } from "../service.ts";

export const getMetadata: Rpc<"Empty", "GetMetadataResponse"> = async () => ({
  capabilities,
  resources: [{ typeName: "ebb_sync" }],
});
