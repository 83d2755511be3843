/** The provider block, checked without a network. Pure. @module */
import type * as z from "zod";
import { type Connection, decodeProject, type Project } from "../core/decode.ts";
import { isObject } from "../core/is-object.ts";
import { toConfig } from "../core/names.ts";
import { suggest } from "../core/suggest.ts";
import type { Declared, SystemShape } from "../core/sync-rules.ts";
import type { Located } from "./diagnostics.ts";
import { takeSecrets } from "./given-secrets.ts";
import { isKnown, knownProblems } from "./known.ts";
import { unknown, type Value } from "./msgpack.ts";
import { providerAttributes } from "./schema.ts";

export interface CheckedProvider {
  readonly problems: readonly Located[];
  /** Undefined where the connections are not known yet. */
  readonly declared: Declared | undefined;
  /** Where all of it is known and nothing is wrong. */
  readonly settings?: Settings;
  /** Secrets that came as values; see `takeSecrets`. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** A project without its syncs: each of those comes by itself. */
export type Settings = Pick<Project, "connections" | "state">;

/** @param given the block in Terraform's names, numbers as numbers */
export function checkProvider(given: Value, systems: readonly SystemShape[]): CheckedProvider {
  const schema = providerAttributes(systems);
  const { value, secrets } = sealed(toConfig(schema, given), systems);
  const problems = knownProblems(schema, value);
  const connections = isObject(value) ? value.connections : undefined;
  if (connections === unknown) return { problems, declared: undefined };
  const declared = new Map<string, SystemShape | undefined>();
  for (const [name, systemsOf] of Object.entries(isObject(connections) ? connections : {})) {
    const names = Object.keys(isObject(systemsOf) ? systemsOf : {});
    const [only, ...more] = names;
    declared.set(name, more.length === 0 ? systems.find((system) => system.name === only) : undefined);
    if (systemsOf === unknown || (only !== undefined && more.length === 0)) continue;
    const message =
      only === undefined
        ? `needs a system; ${suggest(
            "",
            systems.map((system) => system.name),
          )}`
        : `has ${names.join(" and ")}; it can be one system only`;
    problems.push({ code: "CONFIG_INVALID", path: [{ attribute: "connections" }, { key: name }], message });
  }
  if (problems.length > 0 || !isKnown(value)) return { problems, declared };
  return { problems, declared, settings: settingsOf(schema.parse(value), systems), secrets };
}

function sealed(value: unknown, systems: readonly SystemShape[]) {
  if (!isObject(value)) return { value, secrets: {} };
  const { connections, secrets } = takeSecrets(value.connections, systems);
  return { value: connections === undefined ? value : { ...value, connections }, secrets };
}

function settingsOf(
  { connections = {}, state }: z.output<ReturnType<typeof providerAttributes>>,
  systems: readonly SystemShape[],
): Settings {
  const each = Object.entries(connections).flatMap(([name, given]) =>
    Object.entries(given).map(([system, options]) => [name, { name, system, options: options as Options }] as const),
  );
  const { state: location } = decodeProject({ provider: { ebb: { state } } }, systems);
  return { connections: Object.fromEntries(each), state: location };
}

type Options = Connection["options"];
