import type { Command } from "commander";
import type { Run } from "./command.ts";

export function define(command: Command, run: Run): void {
  command.action(() => run(async () => 0));
}
