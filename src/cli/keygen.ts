/** `ebb keygen`. @module */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import type { Shell } from "./shell.ts";

interface Options {
  readonly out?: string;
}

export function define(command: Command, run: Run): void {
  command
    .description(
      "Makes a key pair for encrypted plans (age, X25519) and prints it as an age identity file. Plans are saved for the public key, which anybody may know; only the secret key opens them.",
    )
    .option("-o, --out <file>", "write it to a new file that only you can read")
    .addHelpText(
      "after",
      "\nExample:\n  ebb keygen --out plan-key.txt\n  ebb plan --out crm.ebb --encrypt-to age1…\n  ebb show crm.ebb --identity plan-key.txt",
    )
    .action((options: Options) => run((shell) => keygenCommand(shell, options)));
}

async function keygenCommand(shell: Shell, { out }: Options): Promise<number> {
  const { newKeyPair } = await import("../engine/seal.ts");
  const { identity, recipient } = await newKeyPair();
  const created = new Date().toISOString();
  const text = `# created: ${created}\n# public key: ${recipient}\n${identity}\n`;
  if (out !== undefined) {
    await writeNew(out, text);
    shell.print(shell.json ? JSON.stringify({ created, recipient, file: out }) : `Public key: ${recipient}`);
    return Exit.done;
  }
  shell.print(shell.json ? JSON.stringify({ created, recipient, identity }) : text);
  if (!shell.interactive) shell.note(`Public key: ${recipient}`);
  return Exit.done;
}

async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: "wx", mode: 0o600 });
  } catch (cause) {
    if ((cause as { code?: unknown }).code === "EEXIST")
      throw new ConfigError("PATH_EXISTS", `${file} is there already`, {
        next: "Choose another name: plans saved for a key that is gone can never be opened.",
      });
    throw new ConfigError("STATE_UNWRITABLE", `the key cannot be written to ${file}`, {
      cause,
      next: "Choose another place for it.",
    });
  }
}
