import type { Command } from "commander";
import type { Shell } from "./shell.ts";

/** Runs a command's work and leaves with the exit code it gives. */
export type Run = (work: (shell: Shell) => Promise<number>) => Promise<void>;

/** Gives a command its arguments, options and action. Called when the command is used, so it must load fast. */
export type Define = (command: Command, run: Run) => void;

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ readonly define: Define }>;
}

/** Every command, in the order a person meets them. */
export const commands: readonly CommandEntry[] = [
  { name: "init", summary: "make a project that runs", load: () => import("./init.ts") },
  { name: "validate", summary: "check every sync, without a network", load: () => import("./validate.ts") },
  { name: "plan", summary: "show what would change, record by record", load: () => import("./plan.ts") },
  { name: "show", summary: "show a saved plan", load: () => import("./show.ts") },
  { name: "apply", summary: "execute a plan, or finish a run that stopped", load: () => import("./apply.ts") },
  { name: "explain", summary: "tell everything about one record", load: () => import("./explain.ts") },
  { name: "mcp", summary: "let an assistant look, over MCP", load: () => import("./mcp.ts") },
  { name: "rollback", summary: "plan the inverse of a run", load: () => import("./rollback.ts") },
  { name: "runs", summary: "list the runs and their outcomes", load: () => import("./runs.ts") },
  { name: "state", summary: "look into what is recorded, and repair it", load: () => import("./state.ts") },
  { name: "keygen", summary: "make a key for encrypted plans", load: () => import("./keygen.ts") },
  { name: "systems", summary: "list the systems and what each can do", load: () => import("./systems.ts") },
  { name: "sandbox", summary: "run servers that behave like the vendors'", load: () => import("./sandbox.ts") },
  { name: "doctor", summary: "check connections, permissions and versions", load: () => import("./doctor.ts") },
  { name: "ci", summary: "tell a plan where code is reviewed", load: () => import("./ci.ts") },
  { name: "terraform", summary: "use Ebb as a Terraform provider", load: () => import("./terraform.ts") },
];
