/** What the machines of both forges have: a fresh checkout for each job, bash, and a folder of caches. @module */
import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { root } from "../cli/run.ts";

export interface Ran {
  readonly code: number;
  /** What was printed, on both streams. */
  readonly log: string;
}

/** What is ignored by the project's .gitignore, so that no commit has it. */
const ignored = ["node_modules", "cdktf.out", ".ebb"];

export class Runner {
  readonly directory: string;
  /** The repository: each job gets it as it is then. */
  readonly project: string;
  private readonly saved: string[] = [];

  constructor(directory: string, project: string) {
    this.directory = directory;
    this.project = project;
    const bin = join(directory, "bin");
    mkdirSync(bin, { recursive: true });
    // What `npm ci` makes of the project's one dependency. Nothing is fetched.
    const ci = `mkdir -p node_modules/.bin && ln -s '${root}' node_modules/ebb && ln -s ../ebb/bin/ebb.js node_modules/.bin/ebb`;
    writeFileSync(join(bin, "npm"), `#!/bin/sh\n[ "$*" = ci ] || exit 64\n${ci}\n`);
    chmodSync(join(bin, "npm"), 0o755);
  }

  checkout(): string {
    const workspace = mkdtempSync(join(this.directory, "job-"));
    const keep = (path: string) => !ignored.includes(basename(path)) && !path.endsWith(".ebb");
    cpSync(this.project, workspace, { recursive: true, filter: (path) => path === this.project || keep(path) });
    return workspace;
  }

  /** Runs lines of a job. Of this process's environment they see the path alone. */
  bash(lines: string, flags: string, cwd: string, env: Readonly<Record<string, string>>): Promise<Ran> {
    const file = join(mkdtempSync(join(this.directory, "script-")), "script.sh");
    writeFileSync(file, lines);
    const given = {
      PATH: [join(this.directory, "bin"), process.env.PATH ?? ""].join(delimiter),
      HOME: this.directory,
      npm_config_offline: "true",
      npm_config_update_notifier: "false",
      ...env,
    };
    const child = spawn("bash", [flags, file].join(" ").split(" "), { cwd, env: given });
    let log = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => {
        log += chunk;
      });
    return new Promise((resolve) => child.on("close", (code) => resolve({ code: code ?? -1, log })));
  }

  /** Keeps a folder under a key. */
  save(key: string, from: string, { again = false } = {}): void {
    const at = this.saved.indexOf(key);
    if (at >= 0 && !again) return;
    if (at >= 0) this.saved.splice(at, 1);
    if (!existsSync(from)) return;
    cpSync(from, join(this.directory, "caches", key), { recursive: true, force: true });
    this.saved.push(key);
  }

  /** The folder of that key, or else the newest whose key begins with `prefix`. */
  restore(key: string, prefix: string | undefined, to: string): string | null {
    const newest = this.saved.findLast((one) => one === key || (prefix !== undefined && one.startsWith(prefix)));
    const found = this.saved.includes(key) ? key : newest;
    if (found === undefined) return null;
    cpSync(join(this.directory, "caches", found), to, { recursive: true });
    return found;
  }

  get caches(): readonly string[] {
    return existsSync(join(this.directory, "caches")) ? readdirSync(join(this.directory, "caches")).sort() : [];
  }
}
