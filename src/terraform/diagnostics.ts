/** What is wrong, as Terraform shows it: what it is in the summary, code and next step below it. @module */
import { EbbError, errorCodes } from "../core/errors.ts";
import type { Problem } from "../core/problems.ts";
import { sanitise, sanitiseLines } from "../report/sanitise.ts";
import { type AttributePath, pathMessage, pathText } from "./attribute-path.ts";
import { log } from "./log.ts";
import type { Message } from "./protobuf.ts";

const ERROR = 1;
/** A message may name several things. */
const long = { max: 1_000 };

/** A problem of a declaration, whose path is already in Terraform's names. */
export interface Located {
  readonly code: Problem["code"];
  readonly path: AttributePath;
  readonly message: string;
}

export function problemDiagnostic({ code, path, message }: Located): Message<"Diagnostic"> {
  return {
    severity: ERROR,
    summary: sanitise(path.length === 0 ? message : `${pathText(path)}: ${message}`, long),
    detail: `${code}: ${errorCodes[code].next}`,
    // Terraform prints the line an attribute stands in, and with it the secret.
    ...(path.length === 0 || code === "SECRET_LITERAL" ? {} : { attribute: pathMessage(path) }),
  };
}

/** An error as a diagnostic. What Ebb did not raise on purpose may quote a record, so only its name is shown. */
export function errorDiagnostic(error: unknown): Message<"Diagnostic"> {
  if (error instanceof EbbError)
    return {
      severity: ERROR,
      summary: sanitise(error.message, long),
      detail: sanitiseLines(`${error.code}: ${error.next}`),
    };
  log("error", "this is a bug in Ebb", error);
  const name = error instanceof Error ? error.name : typeof error;
  return {
    severity: ERROR,
    summary: `this is a bug in Ebb (${name})`,
    detail: "Run it again with EBB_DEBUG=1 and TF_LOG_PROVIDER=ERROR to see where, and report it.",
  };
}
