import { errorDiagnostic } from "../diagnostics.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import { preview, writePreview } from "../planning.ts";
import type { Rpc } from "../service.ts";
import { asBlock, noChanges, syncIn } from "../sync-value.ts";

/**
 * Looks at both sides, with the configuration of the last apply: what this finds reaches plan and apply through the
 * private state, so that apply can tell whether it still holds.
 */
export const readResource: Rpc<"ReadResourceRequest", "ReadResourceResponse"> = async (
  { currentState = {} },
  session,
) => {
  const state = asBlock(readValue(currentState));
  const { sync } = syncIn(state, session);
  // Just imported, or its connections are not known yet: the plan looks.
  if (!sync || !session.settings) return { newState: currentState };
  try {
    const made = await preview(session, session.settings, sync);
    return { newState: writeValue({ ...state, changes: noChanges }), private: writePreview(made) };
  } catch (error) {
    return { newState: currentState, diagnostics: [errorDiagnostic(error)] };
  }
};
