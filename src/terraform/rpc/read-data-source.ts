import { ConfigError } from "../../core/errors.ts";
import { errorDiagnostic } from "../diagnostics.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import { guardText } from "../plan-diagnostics.ts";
import { lookedAt } from "../planning.ts";
import type { Rpc } from "../service.ts";
import { asBlock, plannedValue, syncIn } from "../sync-value.ts";

/** What a sync would do. A guard that would stop it is told, and stops nothing here. */
export const readDataSource: Rpc<"ReadDataSourceRequest", "ReadDataSourceResponse"> = async ({ config }, session) => {
  const given = asBlock(readValue(config));
  const { sync } = syncIn(given, session);
  try {
    if (!sync || !session.settings)
      throw new ConfigError(
        "CONFIG_INVALID",
        "the connections are known only after other resources have been applied",
        {
          next: "Read ebb_plan in a configuration whose connections are known.",
        },
      );
    const { made } = await lookedAt(session, session.settings, sync, async (_, preview) => ({ made: preview }));
    const { complete, guards } = made.summary;
    const stopped = guards.map(({ message }) => guardText(message));
    return { state: writeValue({ ...given, id: sync.name, ...plannedValue(made), complete, stopped }) };
  } catch (error) {
    return { diagnostics: [errorDiagnostic(error)] };
  }
};
