/** Lines for Terraform's own log, shown with TF_LOG_PROVIDER. Record values never stand in them. @module */
export type Level = "debug" | "info" | "warn" | "error";

/** The stack of an error may quote a record, so it needs EBB_DEBUG=1. */
export function log(level: Level, message: string, error?: unknown): void {
  const stack = process.env.EBB_DEBUG === "1" && error instanceof Error ? { stack: error.stack } : {};
  const line = {
    "@level": level,
    "@message": error instanceof Error ? `${message} (${error.name})` : message,
    "@module": "ebb",
    // With fewer than six digits Terraform does not see the level.
    "@timestamp": new Date().toISOString().replace("Z", "000Z"),
    ...stack,
  };
  process.stderr.write(`${JSON.stringify(line)}\n`);
}
