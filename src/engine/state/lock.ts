/** One run at a time: a lease in `lock.json`, renewed while its owner lives, expiring by itself when it does not. @module */
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { LockError } from "../../core/errors.ts";
import type { World } from "../world.ts";
import type { StateStore } from "./state.ts";

const LEASE_MS = 30_000;
const HEARTBEAT_MS = 10_000;

export interface LockOwner {
  readonly id: string;
  readonly host: string;
  readonly user: string;
  readonly pid: number;
  /** Address of the CI job, where there is one. */
  readonly ci: string | null;
  readonly since: string;
  readonly expires: number;
}

export interface Lock {
  /** Aborts when the lease was lost: nothing may be sent any more. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export const lockPath = (store: StateStore) => join(store.directory, "lock.json");

export async function readLock(world: World, store: StateStore): Promise<LockOwner | null> {
  return ownerIn(world, lockPath(store));
}

/** Takes the lock or throws `STATE_LOCKED` naming who holds it. */
export async function takeLock(world: World, store: StateStore): Promise<Lock> {
  const path = lockPath(store);
  const id = world.randomName();
  const owner = (): LockOwner => ({
    id,
    host: hostname(),
    user: userName(),
    pid: process.pid,
    ci: ciLink(world.env),
    since: new Date(started).toISOString(),
    expires: world.now() + LEASE_MS,
  });
  const started = world.now();
  const text = () => JSON.stringify(owner());
  await claim(world, path, id, text);
  const lost = new AbortController();
  const stop = new AbortController();
  const beat = async () => {
    for (;;) {
      await world.sleep(HEARTBEAT_MS, stop.signal);
      if ((await readLock(world, store))?.id !== id) {
        lost.abort(new LockError("STATE_LOCKED", "the lock was taken over by another run"));
        return;
      }
      if (stop.signal.aborted) return;
      await world.disk.replace(path, text());
    }
  };
  const beating = beat().catch((error: unknown) => {
    if (!stop.signal.aborted) lost.abort(error);
  });
  return {
    lost: lost.signal,
    async release() {
      stop.abort();
      // A heartbeat under way would write the lock again after it was removed.
      await beating;
      if ((await readLock(world, store))?.id === id) await world.disk.remove(path);
    },
  };
}

/**
 * Creates the lock, or takes it over from a dead owner. The right to do so is itself a lock, named after that owner, so
 * that of several who find it dead only one replaces it.
 */
async function claim(world: World, path: string, id: string, text: () => string): Promise<void> {
  if (await world.disk.createExclusive(path, text())) return;
  const holder = await ownerIn(world, path);
  // Released in between: there is nothing to take over.
  if (!holder) return claim(world, path, id, text);
  if (!isDead(holder, world.now())) throw lockedBy(holder);
  const right = `${path}.${holder.id}`;
  await claim(world, right, id, text);
  try {
    const still = await ownerIn(world, path);
    if (!still) return await claim(world, path, id, text);
    if (still.id !== holder.id) throw lockedBy(still);
    await world.disk.replace(path, text());
  } finally {
    await world.disk.remove(right);
  }
}

/** Who holds it; an unreadable lock has an owner that is dead. Null when there is none. */
async function ownerIn(world: World, path: string): Promise<LockOwner | null> {
  const text = await world.disk.read(path);
  if (text === null) return null;
  try {
    return JSON.parse(text) as LockOwner;
  } catch {
    return { id: "unreadable", host: "", user: "", pid: 0, ci: null, since: "", expires: Number.NEGATIVE_INFINITY };
  }
}

/** Expired, or held by a process of this machine that is no more. */
function isDead(holder: LockOwner, now: number): boolean {
  if (holder.expires < now) return true;
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "ESRCH";
  }
}

function lockedBy(holder: LockOwner): LockError {
  const ci = holder.ci ? ` (${holder.ci})` : "";
  return new LockError(
    "STATE_LOCKED",
    `held by ${holder.user}@${holder.host}, process ${holder.pid}, since ${holder.since}${ci}`,
  );
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}

function ciLink(env: World["env"]): string | null {
  if (env.GITHUB_RUN_ID) return `${env.GITHUB_SERVER_URL}/${env.GITHUB_REPOSITORY}/actions/runs/${env.GITHUB_RUN_ID}`;
  return env.CI_JOB_URL ?? env.BUILD_URL ?? null;
}
