/** One `ebb_sync` or `ebb_plan`, checked without a network. Pure. @module */
import * as z from "zod";
import { overlapProblems } from "../core/field-owners.ts";
import { isObject } from "../core/is-object.ts";
import { toConfig } from "../core/names.ts";
import { completeSync, type Sync, syncAttributes } from "../core/sync.ts";
import { type Declared, syncProblems, terraformAttributes } from "../core/sync-rules.ts";
import { attributePath } from "./attribute-path.ts";
import { examined, managed } from "./computed.ts";
import type { Located } from "./diagnostics.ts";
import { isKnown, knownProblems } from "./known.ts";
import type { Value } from "./msgpack.ts";

/** What an `ebb_sync` may say. */
export const resourceAttributes = z.strictObject({ ...syncAttributes.shape, ...terraformAttributes.shape });

export interface CheckedSync {
  readonly problems: readonly Located[];
  /** Where all of it is known and nothing is wrong. */
  readonly sync?: Sync;
  /** What it says to Terraform alone. */
  readonly options?: z.output<typeof terraformAttributes>;
}

/**
 * @param given the resource in Terraform's names, numbers as numbers
 * @param declared the connections of the provider block, where they are known
 * @param others the syncs it must not collide with
 */
export function checkSync(given: Value, declared: Declared | undefined, others: readonly Sync[]): CheckedSync {
  const value = toConfig(resourceAttributes, withoutComputed(given));
  const fitting = [...syncProblems(value, "", declared ?? new Map()), ...destroyProblems(value, declared)].filter(
    ({ code }) => declared !== undefined || code !== "CONNECTION_UNKNOWN",
  );
  const problems = knownProblems(resourceAttributes, value, fitting);
  if (problems.length > 0 || !isKnown(value)) return { problems };
  const { onDestroy, records, ...config } = resourceAttributes.parse(value);
  const sync = completeSync(config.name ?? "", config);
  const collisions = overlapProblems([...others, sync]).map(({ code, path, message }) => ({
    code,
    path: attributePath(syncAttributes, path),
    message,
  }));
  return { problems: collisions, sync, options: { onDestroy, records } };
}

/** Records can be deleted only where the system can delete. */
function destroyProblems(value: unknown, declared: Declared | undefined) {
  if (!isObject(value) || value.onDestroy !== "delete_records" || !isObject(value.destination)) return [];
  const system = declared?.get(String(value.destination.connection));
  if (!system?.destination || system.destination.capabilities.actions.includes("delete")) return [];
  const message = `delete_records needs delete, which ${system.name} cannot do`;
  return [{ code: "MODE_UNSUPPORTED" as const, where: "", path: ["onDestroy"], message }];
}

function withoutComputed(given: Value): unknown {
  if (!isObject(given)) return given;
  return Object.fromEntries(
    Object.entries(given).filter(([name]) => !Object.hasOwn(managed, name) && !Object.hasOwn(examined, name)),
  );
}
