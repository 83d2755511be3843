/** `ebb state`. @module */
import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import { ConfigError } from "../core/errors.ts";
import type { StateStore } from "../engine/state/state.ts";
import type { Run } from "./command.ts";
import { Exit } from "./exit.ts";
import { invocation } from "./invocation.ts";
import { wholeNumber } from "./options.ts";
import { loadProject, type OpenProject } from "./project.ts";
import type { Shell } from "./shell.ts";
import { showsValues, showValuesOption } from "./show-values.ts";

interface OpenStore extends OpenProject {
  readonly store: StateStore;
}

export function define(command: Command, run: Run): void {
  command
    .description("Looks into what Ebb has recorded of each sync, and repairs it. Destinations are never touched.")
    .addHelpText("after", "\nExample:\n  ebb state show customer-ltv --limit 3");
  command
    .command("list")
    .description("the syncs of which something is recorded")
    .addHelpText("after", "\nExample:\n  ebb state list --json")
    .action(() => run(list));
  const show = command
    .command("show")
    .description("records of a sync, as Ebb last left them")
    .argument("<sync>")
    .addOption(new Option("--limit <n>", "records to show").argParser(wholeNumber(1)).default(10));
  showValuesOption(show)
    .addHelpText("after", "\nExample:\n  ebb state show customer-ltv --limit 3")
    .action((sync: string, options: ShowOptions) => run((shell) => showRecords(shell, sync, options)));
  const quarantine = command
    .command("quarantine")
    .description("records of a sync that the destination rejected: why, and how often they were tried")
    .argument("<sync>")
    .addOption(new Option("--limit <n>", "records to show").argParser(wholeNumber(1)).default(20));
  showValuesOption(quarantine, "show keys and the vendor's words")
    .addHelpText("after", "\nExample:\n  ebb state quarantine customer-ltv")
    .action((sync: string, options: ShowOptions) => run((shell) => showQuarantine(shell, sync, options)));
  command
    .command("release")
    .description("forget how often they were tried, so that the next plan tries all of them again")
    .argument("<sync>")
    .addHelpText("after", "\nExample:\n  ebb state release customer-ltv")
    .action((sync: string) => run((shell) => release(shell, sync)));
  command
    .command("rm")
    .description("forget what is recorded of a sync; its records stay in the destination")
    .argument("<sync>")
    .option("--force", "do not ask")
    .addHelpText("after", "\nExample:\n  ebb state rm customer-ltv")
    .action((sync: string, { force }: { force?: boolean }) => run((shell) => remove(shell, sync, force ?? false)));
  command
    .command("pull")
    .description("print the state, to be kept or edited")
    .addHelpText("after", "\nExample:\n  ebb state pull > state.json")
    .action(() => run(pull));
  command
    .command("push")
    .description("put an edited copy of the state in place of it")
    .argument("<file>")
    .addHelpText("after", "\nExample:\n  ebb state push state.json")
    .action((file: string) => run((shell) => push(shell, file)));
  command
    .command("unlock")
    .description("remove the lock of a run that is no more")
    .option("--force", "do not ask")
    .addHelpText("after", "\nExample:\n  ebb state unlock")
    .action(({ force }: { force?: boolean }) => run((shell) => unlock(shell, force ?? false)));
}

interface ShowOptions {
  readonly limit: number;
  readonly showValues?: boolean;
}

async function open(shell: Shell, engine = false): Promise<OpenStore> {
  const project = await loadProject(shell, { engine });
  const { openState } = await import("../engine/state/state.ts");
  return { ...project, store: openState(project.world, project.project.state.directory) };
}

async function list(shell: Shell): Promise<number> {
  const { world, store } = await open(shell, true);
  const [{ readLedger }, { renderState, stateJson }] = await Promise.all([
    import("../engine/inspect.ts"),
    import("../report/state.ts"),
  ]);
  const state = await store.read();
  const pages = await readLedger(world, store, Object.keys(state.syncs), 0);
  shell.print(shell.json ? stateJson(state, pages) : renderState(state, pages, store.directory, shell.style));
  return Exit.done;
}

async function showRecords(shell: Shell, sync: string, { limit, showValues = false }: ShowOptions): Promise<number> {
  const all = showsValues(shell, showValues);
  const { world, store, project } = await open(shell, true);
  const [{ readLedger }, { ledgerJson, renderLedger }, { createReveal }] = await Promise.all([
    import("../engine/inspect.ts"),
    import("../report/state.ts"),
    import("../report/reveal.ts"),
  ]);
  const { lineage } = await store.read();
  const reveal = createReveal(project.syncs, { all, salt: lineage });
  for (const page of await readLedger(world, store, [sync], limit))
    shell.print(shell.json ? ledgerJson(page, all) : renderLedger(page, reveal, shell.style));
  return Exit.done;
}

async function showQuarantine(shell: Shell, sync: string, { limit, showValues = false }: ShowOptions): Promise<number> {
  const all = showsValues(shell, showValues);
  const { store, project } = await open(shell, true);
  const [{ readQuarantine }, { quarantineJson, renderQuarantine }, { createReveal }] = await Promise.all([
    import("../engine/inspect.ts"),
    import("../report/quarantine.ts"),
    import("../report/reveal.ts"),
  ]);
  const state = await store.read();
  const held = { sync, ...state.syncs[sync]?.quarantine, records: await readQuarantine(store, state, sync, limit) };
  const reveal = createReveal(project.syncs, { all, salt: state.lineage });
  shell.print(shell.json ? quarantineJson(held, all) : renderQuarantine(held, reveal, invocation(), shell.style));
  return Exit.done;
}

async function release(shell: Shell, sync: string): Promise<number> {
  const { world, store } = await open(shell);
  const { releaseSync } = await import("../engine/state/state-edit.ts");
  const { serial } = await releaseSync(world, store, sync);
  return done(shell, `Released. The state is at serial ${serial}.`, { released: sync, serial });
}

async function remove(shell: Shell, sync: string, force: boolean): Promise<number> {
  const { world, store } = await open(shell);
  const question = `Forget what is recorded of "${sync}"? The next plan compares with the destination alone.`;
  if (!force && !(await agreed(shell, question))) return Exit.error;
  const { forgetSync } = await import("../engine/state/state-edit.ts");
  const { serial } = await forgetSync(world, store, sync);
  return done(shell, `Forgotten. The state is at serial ${serial}.`, { removed: sync, serial });
}

async function pull(shell: Shell): Promise<number> {
  const { store } = await open(shell);
  const { toJson } = await import("../report/json.ts");
  shell.print(toJson(await store.read()));
  return Exit.done;
}

async function push(shell: Shell, file: string): Promise<number> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new ConfigError("FILE_MISSING", `there is no file ${file}`, { cause });
  });
  const { world, store } = await open(shell);
  const { pushState } = await import("../engine/state/state-edit.ts");
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = undefined;
  }
  const { serial } = await pushState(world, store, given);
  return done(shell, `Replaced. The state is at serial ${serial}.`, { serial });
}

async function unlock(shell: Shell, force: boolean): Promise<number> {
  const { world, store } = await open(shell);
  const [{ beatPath, lockPath, readLock }, { ownerText }] = await Promise.all([
    import("../engine/state/lock.ts"),
    import("../report/state.ts"),
  ]);
  const owner = await readLock(world, store);
  if (!owner && !(await world.disk.exists(lockPath(store))))
    return done(shell, "The state is not locked.", { unlocked: false });
  shell.note(owner ? ownerText(owner, world.now()) : "The lock cannot be read.");
  const question = "Remove the lock? Two runs at once can make records twice.";
  if (!force && !(await agreed(shell, question))) return Exit.error;
  await world.disk.remove(lockPath(store));
  if (owner) await world.disk.remove(beatPath(lockPath(store), owner.id));
  return done(shell, "Unlocked.", { unlocked: true });
}

async function agreed(shell: Shell, question: string): Promise<boolean> {
  if (!shell.canAsk)
    throw new ConfigError("APPROVAL_NEEDED", "there is no terminal to ask on", {
      next: "Run it in a terminal, or with --force.",
    });
  shell.note(question);
  const answer = await shell.ask('Only "yes" does: ');
  if (answer !== "yes") shell.note("Nothing was done.");
  return answer === "yes";
}

function done(shell: Shell, text: string, json: object): number {
  shell.print(shell.json ? JSON.stringify(json) : text);
  return Exit.done;
}
