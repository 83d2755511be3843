import { syncAttributes } from "../../core/sync.ts";
import { checkSync } from "../check-sync.ts";
import { problemDiagnostic } from "../diagnostics.ts";
import { plain, readValue } from "../dynamic-value.ts";
import { attributes } from "../schema.ts";
import type { Rpc } from "../service.ts";

/** It writes nothing, so it collides with no sync, nor with the sync that it is a plan of. */
export const validateDataResourceConfig: Rpc<
  "ValidateResourceConfigRequest",
  "ValidateResourceConfigResponse"
> = async ({ config }, session) => {
  const given = plain(attributes(syncAttributes), readValue(config));
  return { diagnostics: checkSync(given, session.declared, []).problems.map(problemDiagnostic) };
};
