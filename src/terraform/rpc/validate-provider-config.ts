import { checkProvider } from "../check-provider.ts";
import { problemDiagnostic } from "../diagnostics.ts";
import { plain, readValue } from "../dynamic-value.ts";
import { attributes, providerAttributes } from "../schema.ts";
import type { Rpc } from "../service.ts";

/** Checks the provider block. Terraform then checks the resources in the same process, so the connections are kept. */
export const validateProviderConfig: Rpc<"ValidateProviderConfigRequest", "ValidateProviderConfigResponse"> = async (
  { config },
  session,
) => {
  const systems = await session.systems();
  const given = plain(attributes(providerAttributes(systems)), readValue(config));
  const { problems, declared } = checkProvider(given, systems);
  session.declared = declared;
  return { diagnostics: problems.map(problemDiagnostic) };
};
