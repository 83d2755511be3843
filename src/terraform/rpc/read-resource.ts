import { errorDiagnostic } from "../diagnostics.ts";
import { readValue, writeValue } from "../dynamic-value.ts";
import { isPending, preview, writePreview } from "../planning.ts";
import type { Rpc } from "../service.ts";
import { asBlock, imagesValue, syncIn } from "../sync-value.ts";

/**
 * Looks at both sides, with the configuration of the last apply: what this finds reaches plan and apply through the
 * private state, so that apply can tell whether it still holds.
 */
export const readResource: Rpc<"ReadResourceRequest", "ReadResourceResponse"> = async (
  { currentState = {} },
  session,
) => {
  const state = asBlock(readValue(currentState));
  const { sync, options = {} } = syncIn(state, session);
  // Just imported, or its connections are not known yet: the plan looks.
  if (!sync || !session.settings) return { newState: currentState };
  try {
    const made = await preview(session, session.settings, { sync, records: options.records });
    // Without anything to do the state stays as it is, to the last byte: a refresh alone changes nothing.
    if (!isPending(made.summary)) {
      session.found.set(made.config, made);
      return { newState: currentState };
    }
    const { images } = made;
    const newState = images ? writeValue({ ...state, images: imagesValue(images.before) }) : currentState;
    return { newState, private: writePreview(made) };
  } catch (error) {
    return { newState: currentState, diagnostics: [errorDiagnostic(error)] };
  }
};
