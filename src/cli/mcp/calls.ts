/** Requests: each in a shell of its own, errors as results, plans and applies one after the other. @module */
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type { CallToolResult, ServerNotification, ServerRequest } from "@modelcontextprotocol/sdk/types.js";
import { EbbError } from "../../core/errors.ts";
import { createTurns } from "../../core/turns.ts";
import type { World } from "../../engine/world.ts";
import { plain } from "../../report/style.ts";
import { type Described, describeError, errorReport } from "../error-report.ts";
import { type LoadOptions, loadProject, type OpenProject } from "../project.ts";
import type { Shell } from "../shell.ts";
import { progressTo } from "./progress.ts";
import { errorResult } from "./result.ts";
import { type Withhold, withholding } from "./withheld.ts";

export type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** One request. */
export interface Call {
  /** Prints nothing to stdout, asks nobody, and stops when the request is cancelled or the server ends. */
  readonly shell: Shell;
  /** The project as it is declared now. */
  load(options?: LoadOptions): Promise<OpenProject>;
  /** Takes addresses and other options of connections out of a sentence, once the project is loaded. */
  readonly withhold: Withhold;
}

export interface Calls {
  /** Carries out a request. Never throws: an error is a result. */
  answer(extra: Extra, work: (call: Call) => Promise<CallToolResult>): Promise<CallToolResult>;
  /** The same for what plans or applies: one at a time, others wait. */
  answerInTurn(extra: Extra, work: (call: Call) => Promise<CallToolResult>): Promise<CallToolResult>;
  /** Resolves when no request is being carried out. */
  settled(): Promise<void>;
}

/** @param stop aborts when the server is to end */
export function createCalls(shell: Shell, stop: AbortSignal): Calls {
  const inTurn = createTurns();
  // The app writes its output to one place.
  const loading = createTurns();
  const running = new Set<Promise<unknown>>();
  let first: World | undefined;
  const around = (world: World): World => {
    first ??= shell.around(world);
    // What one request sent counts for the next, and nobody can be asked to sign in.
    const { limiters, dispatcher } = first;
    return { ...shell.around(world), limiters, dispatcher, interactive: false };
  };
  const callOf = (extra: Extra): Call => {
    const own = shellOf(shell, AbortSignal.any([stop, extra.signal]), extra, around);
    let withhold: Withhold = (text) => text;
    return {
      shell: own,
      withhold: (text) => withhold(text),
      load: (options) =>
        loading(async () => {
          own.signals.stop.throwIfAborted();
          const open = await loadProject(own, options);
          withhold = withholding(open.project, open.world);
          return open;
        }),
    };
  };
  const answer: Calls["answer"] = async (extra, work) => {
    const call = callOf(extra);
    const answered = work(call).catch((error: unknown) => errorResult(described(error, call)));
    running.add(answered);
    return answered.finally(() => running.delete(answered));
  };
  return {
    answer,
    answerInTurn: (extra, work) =>
      answer(extra, (call) =>
        inTurn(async () => {
          call.shell.signals.stop.throwIfAborted();
          return work(call);
        }),
      ),
    async settled() {
      await Promise.all(running);
    },
  };
}

function shellOf(shell: Shell, stop: AbortSignal, extra: Extra, around: Shell["around"]): Shell {
  return {
    ...shell,
    json: true,
    interactive: false,
    canAsk: false,
    style: plain,
    signals: { stop, received: shell.signals.received },
    around,
    print: shell.note,
    events: { start() {}, send() {}, end() {}, started: () => false, listen: progressTo(extra, Date.now) },
  };
}

function described(error: unknown, { shell, withhold }: Call): Described {
  const conflict = error instanceof EbbError && error.effect === "conflict";
  if (shell.signals.stop.aborted && !conflict)
    return { code: "STOPPED", message: "stopped: the request was cancelled, or the server ends", next: "Ask again." };
  if (!(error instanceof EbbError))
    shell.note(errorReport(error, { json: false, signal: null, debug: shell.env.EBB_DEBUG === "1" }));
  const { at, ...told } = describeError(error, { signal: null, debug: false });
  return {
    code: told.code,
    ...(at === undefined ? {} : { at: withhold(at) }),
    message: withhold(told.message),
    next: withhold(told.next),
  };
}
