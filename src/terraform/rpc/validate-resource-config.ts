import { checkSync, resourceAttributes } from "../check-sync.ts";
import { problemDiagnostic } from "../diagnostics.ts";
import { plain, readValue } from "../dynamic-value.ts";
import { attributes } from "../schema.ts";
import type { Rpc } from "../service.ts";

export const validateResourceConfig: Rpc<"ValidateResourceConfigRequest", "ValidateResourceConfigResponse"> = async (
  { config },
  session,
) => {
  const given = plain(attributes(resourceAttributes), readValue(config));
  const { problems, sync } = checkSync(given, session.declared, session.syncs);
  if (sync) session.syncs.push(sync);
  return { diagnostics: problems.map(problemDiagnostic) };
};
