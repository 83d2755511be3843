/** Every call that is answered, by its path. Each has its file, loaded when it is first called. @module */
import { readFile } from "node:fs/promises";
import type { MessageName } from "./messages.ts";
import { decode, encode, type Message } from "./protobuf.ts";
import { createSession, type Session } from "./session.ts";

/** One RPC: a request of Terraform into what the engine is asked, and back. */
export type Rpc<Request extends MessageName, Response extends MessageName> = (
  request: Message<Request>,
  session: Session,
) => Promise<Message<Response>>;

type Call = (message: Uint8Array, session: Session) => Promise<Uint8Array | "held">;

function rpc<Request extends MessageName, Response extends MessageName>(
  request: Request,
  response: Response,
  load: () => Promise<Rpc<Request, Response>>,
): Call {
  return async (message, session) => {
    const call = await load();
    return encode(response, await call(decode(request, message), session));
  };
}

/** An answer that is always the same. The build leaves it in a file, since to make it everything has to be loaded. */
function built(file: string, made: Call): Call {
  return async (message, session) =>
    (await readFile(new URL(file, import.meta.url)).catch(() => undefined)) ?? made(message, session);
}

const nothing = async () => new Uint8Array();

export const SCHEMA = "/tfplugin6.Provider/GetProviderSchema";

const calls: Readonly<Record<string, Call>> = {
  "/tfplugin6.Provider/GetMetadata": rpc(
    "Empty",
    "GetMetadataResponse",
    async () => (await import("./rpc/get-metadata.ts")).getMetadata,
  ),
  [SCHEMA]: built(
    "schema.bin",
    rpc(
      "Empty",
      "GetProviderSchemaResponse",
      async () => (await import("./rpc/get-provider-schema.ts")).getProviderSchema,
    ),
  ),
  "/tfplugin6.Provider/ValidateProviderConfig": rpc(
    "ValidateProviderConfigRequest",
    "ValidateProviderConfigResponse",
    async () => (await import("./rpc/validate-provider-config.ts")).validateProviderConfig,
  ),
  "/tfplugin6.Provider/ValidateResourceConfig": rpc(
    "ValidateResourceConfigRequest",
    "ValidateResourceConfigResponse",
    async () => (await import("./rpc/validate-resource-config.ts")).validateResourceConfig,
  ),
  "/tfplugin6.Provider/ConfigureProvider": rpc(
    "ConfigureProviderRequest",
    "ConfigureProviderResponse",
    async () => (await import("./rpc/configure-provider.ts")).configureProvider,
  ),
  "/tfplugin6.Provider/UpgradeResourceState": rpc(
    "UpgradeResourceStateRequest",
    "UpgradeResourceStateResponse",
    async () => (await import("./rpc/upgrade-resource-state.ts")).upgradeResourceState,
  ),
  "/tfplugin6.Provider/ReadResource": rpc(
    "ReadResourceRequest",
    "ReadResourceResponse",
    async () => (await import("./rpc/read-resource.ts")).readResource,
  ),
  "/tfplugin6.Provider/PlanResourceChange": rpc(
    "PlanResourceChangeRequest",
    "PlanResourceChangeResponse",
    async () => (await import("./rpc/plan-resource-change.ts")).planResourceChange,
  ),
  "/tfplugin6.Provider/ApplyResourceChange": rpc(
    "ApplyResourceChangeRequest",
    "ApplyResourceChangeResponse",
    async () => (await import("./rpc/apply-resource-change.ts")).applyResourceChange,
  ),
  "/tfplugin6.Provider/ImportResourceState": rpc(
    "ImportResourceStateRequest",
    "ImportResourceStateResponse",
    async () => (await import("./rpc/import-resource-state.ts")).importResourceState,
  ),
  "/tfplugin6.Provider/ValidateDataResourceConfig": rpc(
    "ValidateResourceConfigRequest",
    "ValidateResourceConfigResponse",
    async () => (await import("./rpc/validate-data-resource-config.ts")).validateDataResourceConfig,
  ),
  "/tfplugin6.Provider/ReadDataSource": rpc(
    "ReadDataSourceRequest",
    "ReadDataSourceResponse",
    async () => (await import("./rpc/read-data-source.ts")).readDataSource,
  ),
  "/tfplugin6.Provider/GetFunctions": rpc(
    "Empty",
    "GetFunctionsResponse",
    async () => (await import("./rpc/get-functions.ts")).getFunctions,
  ),
  "/tfplugin6.Provider/CallFunction": rpc(
    "CallFunctionRequest",
    "CallFunctionResponse",
    async () => (await import("./rpc/call-function.ts")).callFunction,
  ),
  "/tfplugin6.Provider/StopProvider": rpc(
    "Empty",
    "StopProviderResponse",
    async () => (await import("./rpc/stop-provider.ts")).stopProvider,
  ),
  // go-plugin's own services. The process ends when the answer to Shutdown has left.
  "/plugin.GRPCController/Shutdown": nothing,
  "/plugin.GRPCStdio/StreamStdio": async () => "held",
  "/plugin.GRPCBroker/StartStream": async () => "held",
};

export interface Service {
  answer(path: string, message: Uint8Array): Promise<Uint8Array | "held" | undefined>;
}

/** @param directory the folder Terraform runs in */
export function createService(directory: string): Service {
  const session = createSession(directory);
  return {
    answer: async (path, message) => (Object.hasOwn(calls, path) ? calls[path]?.(message, session) : undefined),
  };
}
