import type { Message } from "./protobuf.ts";

/** What this provider can do beyond the protocol's first version. */
export const capabilities: Message<"ServerCapabilities"> = { planDestroy: true, schemaOptional: true };
