/** Synthesized configuration into the declared project: the first step of every command. Pure. @module */
import * as z from "zod";
import { overlapProblems, ownerProblems, placeByOptions } from "./field-owners.ts";
import { isObject } from "./is-object.ts";
import { toConfig, toSnake } from "./names.ts";
import { type Problem, problemsError, referenceProblem, schemaProblems } from "./problems.ts";
import { unescapeTemplates } from "./references.ts";
import { suggest } from "./suggest.ts";
import { completeSync, type Sync, syncAttributes } from "./sync.ts";
import { type Declared, type SystemShape, syncProblems, terraformAttributes } from "./sync-rules.ts";

export type { SystemShape } from "./sync-rules.ts";

/** A configured system. `options` fit the system's schema; secrets in them are still references. */
export interface Connection {
  readonly name: string;
  readonly system: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Where the ledger and the journals are kept. */
export type StateLocation = {
  readonly kind: "local";
  /** As declared: relative to the project's folder, or absolute. */
  readonly directory: string;
};

/** All that is declared, checked and completed with defaults. */
export interface Project {
  readonly connections: Readonly<Record<string, Connection>>;
  readonly state: StateLocation;
  /** In the order of the file, but a sync after those it depends on. */
  readonly syncs: readonly Sync[];
}

/** The `state` attribute of the provider block. */
export const stateAttributes = z
  .strictObject({
    local: z
      .strictObject({ directory: z.string().min(1).optional().describe("Folder of the state (default `.ebb`).") })
      .optional()
      .describe("On this machine's disk."),
  })
  .describe("Where Ebb records what it has applied.");

/** Arguments every Terraform resource takes, which say nothing about the sync. */
const metaArguments = [
  ...["//", "depends_on", "lifecycle", "provider", "provisioner", "connection"],
  ...Object.keys(terraformAttributes.shape).map(toSnake),
];

/**
 * Reads a `cdk.tf.json` (or any Terraform JSON with `provider.ebb` and `resource.ebb_sync`).
 *
 * @param systems the systems that may be configured
 * @throws ConfigError naming every problem, a line for each where there are several
 * @example decodeProject(JSON.parse(text), systems).syncs[0]?.name // "customer-ltv"
 */
export function decodeProject(json: unknown, systems: readonly SystemShape[]): Project {
  const problems: Problem[] = [];
  const provider = one(entry(json, "provider"), "ebb", problems);
  const { connections, declared } = decodeConnections(entry(provider, "connections"), systems, problems);
  const state = decodeState(entry(provider, "state"), problems);
  const resources = entry(entry(json, "resource"), "ebb_sync") ?? {};
  const syncs: Sync[] = [];
  for (const resource of inOrder(isObject(resources) ? resources : {})) {
    const sync = decodeSync(resource, one(resources, resource, problems), declared, problems);
    if (sync) syncs.push(sync);
  }
  const place = placeByOptions(connections);
  // What could not be read may be the owner.
  const owners = problems.length === 0 ? ownerProblems(syncs, place) : [];
  const named = new Set(owners.map(({ where, path: [, field] }) => `${where} ${field}`));
  const overlaps = overlapProblems(syncs, place).filter(
    ({ where, path: [, field] }) => !named.has(`${where} ${field}`),
  );
  problems.push(...owners, ...overlaps);
  const [first, ...others] = problems;
  if (first) throw problemsError([first, ...others]);
  return { connections, state, syncs };
}

function decodeConnections(given: unknown, systems: readonly SystemShape[], problems: Problem[]) {
  const connections: Connection[] = [];
  const declared = new Map<string, SystemShape | undefined>();
  const names = systems.map((system) => system.name);
  if (given !== undefined && given !== null && !isObject(given))
    problems.push({ code: "CONFIG_INVALID", where: "connections", path: [], message: "must be a map of connections" });
  for (const [name, blocks] of Object.entries(isObject(given) ? given : {})) {
    const where = `connection "${name}"`;
    const report = (code: Problem["code"], message: string) => problems.push({ code, where, path: [], message });
    const [only, ...more] = Object.keys(isObject(blocks) ? blocks : {}).filter((key) => entry(blocks, key) != null);
    const system = systems.find((candidate) => candidate.name === only);
    declared.set(name, more.length === 0 ? system : undefined);
    if (only === undefined) report("CONFIG_INVALID", `needs a system: ${names.join(", ")}`);
    else if (more.length > 0)
      report("CONFIG_INVALID", `has ${[only, ...more].join(" and ")}; it can be one system only`);
    else if (!system) report("SYSTEM_UNKNOWN", `there is no system "${only}": ${suggest(only, names)}`);
    else {
      const options = checked(system.connection, entry(blocks, only), where, problems);
      if (options) connections.push({ name, system: system.name, options });
    }
  }
  return { connections: Object.fromEntries(connections.map((one) => [one.name, one])), declared };
}

function decodeState(given: unknown, problems: Problem[]): StateLocation {
  const state = checked(stateAttributes, given ?? {}, "state", problems);
  return { kind: "local", directory: state?.local?.directory ?? ".ebb" };
}

function decodeSync(resource: string, given: unknown, declared: Declared, problems: Problem[]): Sync | undefined {
  const attributes = Object.fromEntries(
    Object.entries(isObject(given) ? given : {}).filter(([name]) => !metaArguments.includes(name)),
  );
  const name = typeof attributes.name === "string" ? attributes.name : resource;
  const where = `sync "${name}"`;
  for (const repeated of ["count", "for_each"])
    if (repeated in attributes) {
      delete attributes[repeated];
      const message = "only Terraform can repeat a resource; declare each sync";
      problems.push({ code: "CONFIG_INVALID", where, path: [repeated], message });
    }
  const config = checked(syncAttributes, attributes, where, problems, declared);
  return config && completeSync(resource, config);
}

/** The value in our names, where it has no problem. */
function checked<S extends z.ZodObject>(
  schema: S,
  given: unknown,
  where: string,
  problems: Problem[],
  declared?: Declared,
): z.output<S> | undefined {
  const { value, references } = unescapeTemplates(toConfig(schema, given));
  const unresolved = new Set(references.map(({ path }) => JSON.stringify(path)));
  const found = [...schemaProblems(schema, value, where), ...(declared ? syncProblems(value, where, declared) : [])];
  const own = [
    ...references.map((reference) => referenceProblem(where, reference)),
    ...found.filter(({ path }) => !unresolved.has(JSON.stringify(path))),
  ];
  problems.push(...own);
  return own.length === 0 ? schema.parse(value) : undefined;
}

/** Resources in the order they are written, each after those it depends on. */
function inOrder(resources: Readonly<Record<string, unknown>>): string[] {
  const done = new Set<string>();
  const add = (name: string, above: readonly string[]) => {
    if (done.has(name) || above.includes(name) || !(name in resources)) return;
    const dependsOn = entry(resources[name], "depends_on");
    for (const other of Array.isArray(dependsOn) ? dependsOn : [])
      if (typeof other === "string" && other.startsWith("ebb_sync."))
        add(other.slice("ebb_sync.".length), [...above, name]);
    done.add(name);
  };
  for (const name of Object.keys(resources)) add(name, []);
  return [...done];
}

function entry(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}

/** Terraform JSON lets a block stand alone or in a list. */
function one(blocks: unknown, name: string, problems: Problem[]): unknown {
  const block = entry(blocks, name);
  if (!Array.isArray(block)) return block;
  if (block.length > 1) {
    const message = "there is more than one; Ebb reads exactly one";
    problems.push({ code: "CONFIG_INVALID", where: `"${name}"`, path: [], message });
  }
  return block[0];
}
