/** One `ebb_sync`, checked without a network. Pure. @module */

import { isObject } from "../core/is-object.ts";
import { toConfig } from "../core/names.ts";
import { completeSync, type Sync, syncAttributes } from "../core/sync.ts";
import { type Declared, overlapProblems, syncProblems } from "../core/sync-rules.ts";
import { attributePath } from "./attribute-path.ts";
import type { Located } from "./diagnostics.ts";
import { isKnown, knownProblems } from "./known.ts";
import type { Value } from "./msgpack.ts";

/** Attributes that only a plan can know. */
const computed = ["id", "changes", "digest"];

export interface CheckedSync {
  readonly problems: readonly Located[];
  /** Where all of it is known and nothing is wrong. */
  readonly sync?: Sync;
}

/**
 * @param given the resource in Terraform's names, numbers as numbers
 * @param declared the connections of the provider block, where they are known
 * @param others the syncs it must not collide with
 */
export function checkSync(given: Value, declared: Declared | undefined, others: readonly Sync[]): CheckedSync {
  const value = toConfig(syncAttributes, withoutComputed(given));
  const fitting = syncProblems(value, "", declared ?? new Map()).filter(
    ({ code }) => declared !== undefined || code !== "CONNECTION_UNKNOWN",
  );
  const problems = knownProblems(syncAttributes, value, fitting);
  if (problems.length > 0 || !isKnown(value)) return { problems };
  const config = syncAttributes.parse(value);
  const sync = completeSync(config.name ?? "", config);
  const collisions = overlapProblems([...others, sync]).map(({ code, path, message }) => ({
    code,
    path: attributePath(syncAttributes, path),
    message,
  }));
  return { problems: collisions, sync };
}

function withoutComputed(given: Value): unknown {
  if (!isObject(given)) return given;
  return Object.fromEntries(Object.entries(given).filter(([name]) => !computed.includes(name)));
}
