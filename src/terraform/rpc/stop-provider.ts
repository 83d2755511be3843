import type { Rpc } from "../service.ts";

/** Terraform was interrupted: work in flight is finished, nothing new begins. */
export const stopProvider: Rpc<"Empty", "StopProviderResponse"> = async (_, session) => {
  session.stop.abort();
  return {};
};
