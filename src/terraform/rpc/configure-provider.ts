import { checkProvider } from "../check-provider.ts";
import { problemDiagnostic } from "../diagnostics.ts";
import { plain, readValue } from "../dynamic-value.ts";
import { attributes, providerAttributes } from "../schema.ts";
import type { Rpc } from "../service.ts";

/** Takes the provider block over. No connection is opened before a sync needs it. */
export const configureProvider: Rpc<"ConfigureProviderRequest", "ConfigureProviderResponse"> = async (
  { config },
  session,
) => {
  const systems = await session.systems();
  const given = plain(attributes(providerAttributes(systems)), readValue(config));
  const { problems, declared, settings, secrets = {} } = checkProvider(given, systems);
  session.declared = declared;
  session.settings = settings;
  session.secrets = secrets;
  // Terraform checks every resource again from here on; what was seen belongs to the check before.
  session.syncs.length = 0;
  return { diagnostics: problems.map(problemDiagnostic) };
};
