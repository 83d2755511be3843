/** The command line. Only what a command needs is loaded, when it runs. @module */
import { fileURLToPath } from "node:url";
import { Command, CommanderError } from "commander";
import { commands, type Run } from "./command.ts";
import { describeError, errorReport } from "./error-report.ts";
import { Exit, exitOfError, exitOfSignal } from "./exit.ts";
import { packageVersion } from "./package.ts";
import { flushed, openShell, type Shell } from "./shell.ts";
import { listenForSignals, type Signals } from "./signals.ts";
import type { Around } from "./world.ts";

const EXAMPLE = `
Example:
  ebb init crm && cd crm      make a project
  ebb plan --out crm.ebb      see what would change
  ebb apply crm.ebb           apply exactly that`;

/**
 * Runs one command line and ends the process.
 *
 * @param around puts something between Ebb and the world it works in: a disk that fails, a network that lies
 */
export async function main(args: readonly string[], around: Around = (world) => world): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      // Whoever read the output has gone: `ebb show … | head`.
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      throw error;
    });
  const signals = listenForSignals();
  const code = await runLine(args, signals, around);
  await flushed();
  process.exit(code);
}

async function runLine(args: readonly string[], signals: Signals, around: Around): Promise<number> {
  let code: number = Exit.done;
  const program = newProgram();
  const globals = () => {
    const { json = false, stack, color = true } = program.opts<{ json?: boolean; stack?: string; color?: boolean }>();
    return { json, stack, color };
  };
  let shell: Shell | undefined;
  const run: Run = async (work) => {
    shell = openShell(globals(), signals, around);
    code = await work(shell);
    shell.events?.end(code);
  };
  for (const { name, summary } of commands) program.command(name).description(`${summary}`);
  program.hook("preSubcommand", async (_, command) => {
    const entry = commands.find(({ name }) => name === command.name());
    if (entry) (await entry.load()).define(command.summary(entry.summary), run);
  });
  try {
    await program.parseAsync(helpFirst(args), { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return Exit.done;
    // A command that wants another word has shown which there are.
    if (error instanceof CommanderError && error.code === "commander.help") return Exit.error;
    const received = signals.received();
    const json = args.includes("--json");
    const options = { signal: received, debug: process.env.EBB_DEBUG === "1" };
    process[json ? "stdout" : "stderr"].write(`${errorReport(error, { ...options, json })}\n`);
    const exit = received ? exitOfSignal(received) : exitOfError(error);
    if (shell?.events?.started()) {
      shell.events.send({ type: "error", error: describeError(error, options) });
      shell.events.end(exit);
    }
    return exit;
  }
}

function newProgram(): Command {
  return new Command("ebb")
    .description("Reverse ETL as infrastructure code: plan record by record, review, apply exactly that.")
    .usage("[options] <command>")
    .option("--json", "data on stdout as JSON")
    .option("--no-color", "no colours (NO_COLOR does the same)")
    .option("--stack <name>", "the stack to use, where a project has several")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpCommand(false)
    .helpOption("-h, --help", "print this help")
    .configureHelp({ showGlobalOptions: true, helpWidth: 80 })
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText("after", EXAMPLE);
}

/** `ebb help plan` is `ebb plan --help`, so that the command is loaded before its help is printed. */
function helpFirst(args: readonly string[]): string[] {
  if (args[0] !== "help") return args.length === 0 ? ["--help"] : [...args];
  return [...args.slice(1), "--help"];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
