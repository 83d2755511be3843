/** The value of an `ebb_sync`. @module */
import { isObject } from "../core/is-object.ts";
import type { Counts } from "../core/plan.ts";
import { syncAttributes } from "../core/sync.ts";
import { type CheckedSync, checkSync } from "./check-sync.ts";
import { plain } from "./dynamic-value.ts";
import type { Value } from "./msgpack.ts";
import { attributes } from "./schema.ts";
import type { Session } from "./session.ts";

export type Block = { readonly [name: string]: Value };

export function asBlock(value: Value): Block {
  return isObject(value) ? (value as Block) : {};
}

/** The sync in a resource's value, where all of it is known. */
export function syncIn(value: Block, session: Session): CheckedSync {
  return checkSync(plain(attributes(syncAttributes), value), session.declared, []);
}

export function countsValue({ create, update, delete: deletes }: Counts): Block {
  return { create, update, delete: deletes };
}

export const noChanges: Block = { create: 0, update: 0, delete: 0 };
