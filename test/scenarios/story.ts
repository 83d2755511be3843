/** One story being told: its folder, what runs beside it, and the commands it may use. @module */
import { type ChildProcess, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import ts from "typescript";
import { ebb, root, sql } from "../cli/run.ts";
import { Crm } from "./crm.ts";
import { normalise, words } from "./format.ts";

/** How a command ended. */
export interface Shown {
  readonly exit: string;
  readonly out: string;
  readonly err: string;
}

/** The machine cannot do what the story needs. */
export class Impossible extends Error {}

interface Running {
  child: ChildProcess | undefined;
  err: string;
  readonly ended: Promise<Shown>;
}

const POLL_MS = 20;
const DEADLINE_MS = 60_000;
const app = { app: "node main.mjs" };
const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };

export class Story {
  readonly directory: string;
  private readonly crm: Crm;
  private readonly env: Record<string, string> = {};
  private readonly running = new Map<string, Running>();
  private readonly mounted: string[] = [];
  /** Name of the run that was told of last: `<run>` in a command. */
  private lastRun = "";

  constructor(directory: string, files: ReadonlyMap<string, string>) {
    this.directory = directory;
    this.crm = new Crm(directory);
    mkdirSync(join(directory, "node_modules"), { recursive: true });
    symlinkSync(root, join(directory, "node_modules", "ebb"), "dir");
    if (files.has("main.ts")) writeFileSync(this.path("cdktf.json"), JSON.stringify(app));
    for (const [name, text] of files) this.write(name, text);
  }

  /** Runs a step's command, to its end or until it was started. */
  async run(command: string, background: string | undefined): Promise<Shown> {
    const [verb = "", ...args] = words(command.replaceAll("<run>", this.lastRun));
    if (verb === "ebb" && background !== undefined) return this.begin(background, args);
    if (background !== undefined) throw new SyntaxError(`only ebb can go on beside the story: ${command}`);
    if (verb === "ebb") return this.start(args).ended;
    if (verb === "wait") return this.named(args[0]).ended;
    const out = await this.perform(verb, args, command);
    return { exit: "0", out, err: "" };
  }

  /** Ends whatever still runs. */
  async close(): Promise<void> {
    for (const { child, ended } of this.running.values()) {
      child?.kill("SIGKILL");
      await ended;
    }
    await this.crm.close();
    for (const path of this.mounted) spawnSync("umount", [path]);
  }

  private async perform(verb: string, args: readonly string[], command: string): Promise<string> {
    const [first = "", second = "", third = ""] = args;
    switch (verb) {
      case "crm":
        return first === "fault" ? this.crm.fault(command.replace(/^crm fault /, "")) : this.crm.run(args);
      case "sql":
        return this.sql(first, command.slice(command.indexOf(first) + first.length).trim());
      case "postgres":
        return this.postgres(first, command.slice(command.indexOf(first) + first.length).trim());
      case "set":
        this.env[first] = second;
        return "";
      case "unset":
        delete this.env[first];
        return "";
      case "replace":
        return this.replace(first, second, third);
      case "copy":
        copyFileSync(this.path(first), this.path(second));
        return "";
      case "remove":
        rmSync(this.path(first), { recursive: true });
        return "";
      case "print":
        return readFileSync(this.path(first), "utf8");
      case "cut":
        truncateSync(this.path(first), Number(second));
        return "";
      case "flip":
        return this.flip(first, second);
      case "signal":
        this.named(first).child?.kill(second as NodeJS.Signals);
        return "";
      case "until":
        return this.until(first, args.slice(1).join(" "));
      case "small-disk":
        return this.smallDisk(first, second);
      case "fill-disk":
        return this.fillDisk(first);
      default:
        throw new SyntaxError(`there is no command ${verb}`);
    }
  }

  private path(name: string): string {
    return join(this.directory, name);
  }

  /** What a stack compiles to stands beside it: most stories need not wait for a compiler at every command. */
  private write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
    if (name === "main.ts")
      writeFileSync(this.path("main.mjs"), ts.transpileModule(text, { compilerOptions }).outputText);
  }

  private start(args: readonly string[]): Running {
    const running: Running = { child: undefined, err: "", ended: Promise.resolve({ exit: "", out: "", err: "" }) };
    const ended = ebb(args, {
      cwd: this.directory,
      env: { ...this.env, ...this.crm.env() },
      meanwhile: (child) => {
        running.child = child;
        child.stderr?.on("data", (chunk) => {
          running.err += String(chunk);
        });
      },
    });
    const shown = ended.then(({ code, out, err }) => {
      this.lastRun = /\b\d{8}T\d{6}-[0-9a-f]{6}\b/.exec(out + err)?.[0] ?? this.lastRun;
      return {
        exit: String(code ?? running.child?.signalCode),
        out: normalise(out, this.directory),
        err: normalise(err, this.directory),
      };
    });
    return Object.assign(running, { ended: shown });
  }

  private begin(name: string, args: readonly string[]): Shown {
    this.running.set(name, this.start(args));
    return { exit: "0", out: "", err: "" };
  }

  private named(name = ""): Running {
    const found = this.running.get(name);
    if (!found) throw new SyntaxError(`nothing was started as &${name}`);
    return found;
  }

  /** `until crm TEXT`: the CRM's stats have that line. `until NAME TEXT`: what was started so has said that. */
  private async until(whose: string, text: string): Promise<string> {
    const deadline = Date.now() + DEADLINE_MS;
    for (;;) {
      const said = whose === "crm" ? await this.crm.run(["stats"]) : this.named(whose).err;
      if (whose === "crm" ? reached(said, text) : said.includes(text)) return "";
      if (Date.now() > deadline) throw new RangeError(`${whose} never came to "${text}"; the last was:\n${said}`);
      await wait(POLL_MS);
    }
  }

  private async sql(file: string, given: string): Promise<string> {
    const text = this.statement(given);
    return rowsText(text, await sql(this.path(file), [text]));
  }

  private async postgres(folder: string, given: string): Promise<string> {
    const { PGlite } = await import("@electric-sql/pglite");
    const database = await PGlite.create(this.path(folder));
    try {
      const text = this.statement(given);
      const [answer] = await database.exec(text);
      return rowsText(text, (answer?.rows ?? []) as readonly Record<string, unknown>[]);
    } finally {
      await database.close();
    }
  }

  /** SQL as it was typed, or from the file after `<`. */
  private statement(given: string): string {
    return given.startsWith("< ") ? readFileSync(this.path(given.slice(2)), "utf8") : given;
  }

  private replace(file: string, from: string, to: string): string {
    const text = readFileSync(this.path(file), "utf8");
    if (!text.includes(from)) throw new RangeError(`${file} does not hold: ${from}`);
    this.write(file, text.replace(from, to));
    return "";
  }

  /** Turns one bit over, in the middle of one part of a plan. */
  private flip(file: string, part: string): string {
    const bytes = readFileSync(this.path(file));
    const header = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    for (let at = header; bytes.readUInt32LE(at) === 0x02014b50; ) {
      const [size, name, extra, comment] = [20, 28, 30, 32].map((offset) =>
        offset === 20 ? bytes.readUInt32LE(at + offset) : bytes.readUInt16LE(at + offset),
      ) as [number, number, number, number];
      if (bytes.toString("utf8", at + 46, at + 46 + name) === part) {
        const local = bytes.readUInt32LE(at + 42);
        const middle =
          local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28) + Math.floor(size / 2);
        bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
        writeFileSync(this.path(file), bytes);
        return "";
      }
      at += 46 + name + extra + comment;
    }
    throw new RangeError(`${file} has no part ${part}`);
  }

  /** Puts a folder on a disk of its own that holds little. Only root can. */
  private smallDisk(folder: string, size: string): string {
    mkdirSync(this.path(folder), { recursive: true });
    if (process.getuid?.() !== 0) throw new Impossible("only root can mount a small disk");
    const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", this.path(folder)]);
    if (status !== 0) throw new Impossible(`no small disk can be mounted here: ${String(stderr).trim()}`);
    this.mounted.push(this.path(folder));
    return "";
  }

  /** Fills the disk a folder is on; what is written last ends where nothing fits any more. */
  private fillDisk(folder: string): string {
    if (!this.mounted.includes(this.path(folder))) throw new SyntaxError(`${folder} is not a small disk`);
    for (let i = 0; ; i++) {
      try {
        writeFileSync(join(this.path(folder), `filler-${i}`), Buffer.alloc(4096));
      } catch (error) {
        if ((error as { code?: string }).code === "ENOSPC") return "";
        throw error;
      }
    }
  }
}

/** A line of that name with at least that number. */
function reached(stats: string, text: string): boolean {
  const [, name = "", wanted] = /^(.*) (\d+)$/.exec(text) ?? [];
  const found = stats.split("\n").find((line) => line.startsWith(`${name} `));
  return found !== undefined && Number(found.slice(name.length)) >= Number(wanted);
}

function rowsText(statement: string, rows: readonly Readonly<Record<string, unknown>>[]): string {
  // What a statement that reads nothing answers is a count that says nothing here.
  if (!/^\s*(select|from|with)\b/i.test(statement)) return "";
  const cell = (value: unknown) =>
    value instanceof Date ? value.toISOString() : typeof value === "object" ? JSON.stringify(value) : String(value);
  return rows.map((row) => Object.values(row).map(cell).join("  ")).join("\n");
}
