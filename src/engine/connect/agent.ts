/** The HTTP client of a process, and the last moment before a call leaves it. @module */
import type { Dispatcher } from "undici";

const CONNECTIONS = 32;

export async function openAgent(): Promise<Dispatcher> {
  const { Agent } = await import("undici");
  return new Agent({ connections: CONNECTIONS, pipelining: 1 }).compose(askBeforeLeaving);
}

/**
 * Calls a request's `leave` when its connection stands, right before its first byte. What was handed over may wait long
 * for that: for a place among the connections, for the network, or because the process itself was stopped.
 */
const askBeforeLeaving: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
  const { leave } = options as { readonly leave?: () => void };
  if (!leave) return dispatch(options, handler);
  return dispatch(options, {
    onRequestStart(controller, context) {
      leave();
      handler.onRequestStart?.(controller, context);
    },
    onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
    onResponseStart: (...args) => handler.onResponseStart?.(...args),
    onResponseData: (...args) => handler.onResponseData?.(...args),
    onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
    onResponseError: (...args) => handler.onResponseError?.(...args),
  });
};
