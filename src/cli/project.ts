import { loadDuckdb } from "../connector/duckdb.ts";
import type { Project } from "../core/decode.ts";
import type { World } from "../engine/world.ts";
import { sanitise, sanitiseLines } from "../report/sanitise.ts";
import { checkAnnotations, warningLines } from "./annotations.ts";
import { findApp, readStack, runApp } from "./app.ts";
import { declaredPolicies } from "./policies.ts";
import type { Shell } from "./shell.ts";

/** A declared project, and the world it is carried out in. */
export interface OpenProject {
  readonly world: World;
  readonly project: Project;
  /** Absolute paths of the files of policies that cdktf.json names. */
  readonly policies: readonly string[];
}

export interface LoadOptions {
  /** The data engine will be needed. */
  readonly engine?: boolean;
  /** A folder of the project (default: the current one). */
  readonly directory?: string;
}

/** Finds, synthesizes and decodes the project of the current folder. */
export async function loadProject(shell: Shell, options: LoadOptions = {}): Promise<OpenProject> {
  const { engine = false, directory = process.cwd() } = options;
  const app = await findApp(directory);
  const policies = declaredPolicies(app);
  // The app needs a moment of its own: what will be needed afterwards is loaded meanwhile.
  const said = runApp(app, shell.signals.stop);
  const modules = Promise.all([
    import("../../providers/index.ts"),
    import("./world.ts"),
    import("../core/decode.ts"),
    engine ? import("../engine/plan.ts") : undefined,
  ]);
  // Awaited below, and not at all when the app fails.
  modules.catch(() => undefined);
  if (engine) loadDuckdb();
  const words = await said;
  if (words.trim() !== "") shell.note(sanitiseLines(words));
  const [{ systems }, { createWorld }, { decodeProject }] = await modules;
  const { json, annotations } = await readStack(app, shell.stack);
  const project = decodeProject(json, systems);
  for (const line of warningLines(annotations)) shell.note(sanitise(line, { max: 1_000 }));
  checkAnnotations(annotations);
  return { world: shell.around(createWorld(app.root, systems)), project, policies };
}

/** The world outside a project, for what needs none. */
export async function looseWorld(): Promise<World> {
  const { createWorld } = await import("./world.ts");
  return createWorld(process.cwd(), []);
}
