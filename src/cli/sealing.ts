/** Who may read a saved plan, and with which key one is read: from options and the environment. @module */
import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { Seal } from "../engine/seal.ts";
import { several } from "./options.ts";

export interface SealOptions {
  readonly out?: string;
  readonly encryptTo: readonly string[];
  readonly unencrypted?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Gives a command that saves a plan its options to encrypt it. */
export function addSealOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--encrypt-to <recipient>", "encrypt the saved plan to this age public key; may be repeated")
        .argParser(several)
        .default([], "EBB_PLAN_RECIPIENTS"),
    )
    .addOption(new Option("--unencrypted", "save it as it is, also in CI").conflicts("encryptTo"));
}

/** Gives a command that reads a plan its option to decrypt it. */
export function addIdentityOption(command: Command): Command {
  return command.addOption(
    new Option("--identity <file>", "age identity file to decrypt the plan with; may be repeated")
      .argParser(several)
      .default([], "EBB_PLAN_IDENTITY"),
  );
}

/**
 * What encrypts the plan that is to be saved, if anything does. Asked before anything is read.
 *
 * @throws ConfigError PLAN_UNENCRYPTED in CI, where a plan file is kept where many can read it
 */
export async function sealFor(options: SealOptions, env: Environment): Promise<Seal | undefined> {
  const { out, encryptTo, unencrypted = false } = options;
  if (out === undefined && encryptTo.length > 0)
    throw new ConfigError("USAGE", "--encrypt-to: only a plan that is saved is encrypted", { next: "Add --out FILE." });
  if (out === undefined || unencrypted) return undefined;
  const recipients = encryptTo.length > 0 ? encryptTo : wordsOf(env.EBB_PLAN_RECIPIENTS);
  if (recipients.length > 0) return (await import("../engine/seal.ts")).sealTo(recipients);
  if (isCi(env))
    throw new ConfigError("PLAN_UNENCRYPTED", `${out} would hold customers' data in the clear, and this is CI`);
  return undefined;
}

/** What a person is told of a plan that was encrypted. */
export function sealedNote(file: string): string {
  return `${file} is encrypted: --identity FILE, or EBB_PLAN_IDENTITY, opens it.`;
}

/** The keys that were given: of the files, or else of the environment. */
export async function identitiesFor(files: readonly string[], env: Environment): Promise<readonly string[]> {
  const { identitiesIn } = await import("../engine/seal.ts");
  const read = async (path: string, by: string) => {
    if (path.includes("AGE-SECRET-KEY-"))
      throw new ConfigError("PLAN_IDENTITY", `${by} takes the name of a file, not a key`);
    const text = await readFile(path, "utf8").catch((cause: unknown) => {
      throw new ConfigError("FILE_MISSING", `${by}: there is no file ${path} that can be read`, { cause });
    });
    return identitiesIn(text, path);
  };
  if (files.length > 0) return (await Promise.all(files.map((path) => read(path, "--identity")))).flat();
  const given = env.EBB_PLAN_IDENTITY?.trim() ?? "";
  if (given.startsWith("file:")) return read(given.slice("file:".length), "EBB_PLAN_IDENTITY");
  return given === "" ? [] : identitiesIn(given, "EBB_PLAN_IDENTITY");
}

function wordsOf(list = ""): readonly string[] {
  return list.split(/[\s,]+/).filter((word) => word !== "");
}

function isCi({ CI = "" }: Environment): boolean {
  return !["", "0", "false"].includes(CI.trim().toLowerCase());
}
