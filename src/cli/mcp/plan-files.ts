/** Where plan files named by a model may be: inside the project, by whatever way the name leads there. @module */
import { constants, copyFile, lstat, mkdir, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { type OpenPlan, savePlan } from "../../engine/plan-file.ts";
import type { Seal } from "../../engine/seal.ts";
import { withScratch } from "../../engine/staging/scratch.ts";

/** Where a plan goes, and is looked for, when only a name is given. */
const FOLDER = join(".ebb", "plans");

/**
 * The file of a saved plan.
 *
 * @param given a path from the project's folder; a name alone is also looked for where plans are kept
 * @returns the path from the project's folder
 * @throws ConfigError USAGE, FILE_MISSING
 */
export async function planToRead(root: string, given: string): Promise<string> {
  const path = within(root, given);
  const found = [path, ...(basename(given) === given ? [join(FOLDER, path)] : [])];
  for (const one of found)
    if (await exists(join(root, one))) {
      await requireInside(root, join(root, one));
      return one;
    }
  throw new ConfigError("FILE_MISSING", "there is no such plan in the project", {
    next: "Give the file as the tool plan gave it, or save a plan first.",
  });
}

/**
 * Where a new plan may be saved.
 *
 * @param given a path from the project's folder; a name alone is in `.ebb/plans`
 * @returns the path from the project's folder
 * @throws ConfigError USAGE, PATH_EXISTS
 */
export async function planToWrite(root: string, given: string): Promise<string> {
  const named = within(root, given);
  const path = basename(given) === given ? join(FOLDER, named) : named;
  await requireInside(root, dirname(join(root, path)));
  if (await exists(join(root, path))) throw taken();
  return path;
}

/** Saves a plan as a new file, which nothing else has become meanwhile. */
export async function keepPlan(plan: OpenPlan, root: string, path: string, seal: Seal | undefined): Promise<void> {
  const target = join(root, path);
  await mkdir(dirname(target), { recursive: true });
  await requireInside(root, dirname(target));
  await withScratch(async (scratch) => {
    const made = join(scratch, "plan.ebb");
    await savePlan(plan, made, seal);
    await copyFile(made, target, constants.COPYFILE_EXCL).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "EEXIST") throw taken();
      throw new ConfigError("STATE_UNWRITABLE", "the plan cannot be written there", {
        cause,
        next: "Choose another place for it.",
      });
    });
  });
}

/** The path from the project's folder, by its words alone. */
function within(root: string, given: string): string {
  const path = isAbsolute(given) ? relative(root, given) : given;
  const parts = path.split(/[/\\]/);
  const name = parts.at(-1) ?? "";
  if (isAbsolute(path) || parts.includes("..") || /\p{Cc}/u.test(path)) throw outside();
  if (!/[^.].*\.ebb$/.test(name))
    throw new ConfigError("USAGE", "a plan's file has a name that ends in .ebb", { next: "Choose such a name." });
  return join(...parts);
}

/** Follows symbolic links, as far as the path is there. */
async function requireInside(root: string, path: string): Promise<void> {
  let there = path;
  while (!(await exists(there))) there = dirname(there);
  const [home, real] = await Promise.all([
    realpath(root),
    realpath(there).catch(() => {
      throw outside();
    }),
  ]);
  if (real !== home && !real.startsWith(home.endsWith(sep) ? home : home + sep)) throw outside();
}

/** A link that leads nowhere is there as well. */
function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function outside(): ConfigError {
  return new ConfigError("USAGE", "the path leads out of the project", {
    next: "Give a path inside the project's folder, such as .ebb/plans/NAME.ebb.",
  });
}

function taken(): ConfigError {
  return new ConfigError("PATH_EXISTS", "there is a file of this name, and it is not overwritten", {
    next: "Choose another name.",
  });
}
