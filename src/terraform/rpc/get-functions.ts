import { functionMessages } from "../schema-message.ts";
import type { Rpc } from "../service.ts";

export const getFunctions: Rpc<"Empty", "GetFunctionsResponse"> = async () => ({ functions: functionMessages() });
