/**
 * One run at a time: a lease that its owner renews while it lives, and that expires by itself when it does not.
 *
 * `lock.json` names the owner and is not written again. The moment the lease expires stands in a file of the owner's
 * own, `lock.json.beat-ID`: an owner that was stopped for a while and wakes up after another took over writes to
 * nobody's lease but its own, and finds out that it lost before it sends anything.
 * @module
 */
import { userInfo } from "node:os";
import { join } from "node:path";
import { LockError } from "../../core/errors.ts";
import { hasEnded, type ProcessName, thisProcess } from "../processes.ts";
import type { World } from "../world.ts";
import type { StateStore } from "./state.ts";

const LEASE_MS = 30_000;
const HEARTBEAT_MS = 10_000;
/** An owner that did nothing for so long looks whether it still is one. */
const DOUBT_MS = 15_000;
/** A lease that looks expired may be one of a machine whose clock is behind: it is watched for longer than a heartbeat. */
const WATCH_MS = 12_000;
/** Renewals in a row that may each take so long that they count for nothing. */
const LOOKS = 3;

export interface LockOwner extends ProcessName {
  readonly id: string;
  readonly user: string;
  /** Address of the CI job, where there is one. */
  readonly ci: string | null;
  readonly since: string;
}

export interface HeldLock extends LockOwner {
  /** Milliseconds since the epoch, by the owner's clock. */
  readonly expires: number;
}

export interface Lock {
  /** Aborts when the lease was lost: nothing may be sent any more. */
  readonly lost: AbortSignal;
  /** Throws `STATE_LOCKED` when the lease was lost. Called right before anything is sent or recorded; mostly costs nothing. */
  hold(): Promise<void>;
  /** Whether the lease was renewed so lately that nobody can have taken it over. Looks at the clock only. */
  isFresh(): boolean;
  /** Throws `STATE_LOCKED` unless it is fresh: for the last moment before something is done, where nothing can be waited for. */
  sure(): void;
  release(): Promise<void>;
}

export const lockPath = (store: StateStore) => join(store.directory, "lock.json");

export const beatPath = (path: string, id: string) => `${path}.beat-${id}`;

export async function readLock(world: World, store: StateStore): Promise<HeldLock | null> {
  const path = lockPath(store);
  const owner = await ownerIn(world, path);
  return owner && { ...owner, expires: await expiryOf(world, path, owner.id) };
}

/** Takes the lock or throws `STATE_LOCKED` naming who holds it. */
export async function takeLock(world: World, store: StateStore): Promise<Lock> {
  const path = lockPath(store);
  const owner: LockOwner = {
    id: world.randomName(),
    ...thisProcess(),
    user: userName(),
    ci: ciLink(world.env),
    since: new Date(world.now()).toISOString(),
  };
  let renewed = 0;
  let renewing: Promise<void> | undefined;
  // Counts from its beginning, and only once `owns` has looked: whoever slept in between is not sure of anything.
  const renewOnce = async (owns: () => Promise<void>) => {
    const now = world.now();
    await world.disk.replace(beatPath(path, owner.id), String(now + LEASE_MS));
    await owns();
    renewed = now;
  };
  // The heartbeat and whoever is about to send may come at the same time.
  const renew = (owns: () => Promise<void>) => {
    renewing ??= renewOnce(owns).finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
  const lost = new AbortController();
  const stop = new AbortController();
  const lose = (why: unknown) => {
    lost.abort(why);
    throw why;
  };
  const check = async () => {
    if (!(await isOwn(world, path, owner)))
      lose(new LockError("STATE_LOCKED", "the lock was taken over by another run"));
  };
  const isYoung = () => Math.abs(world.now() - renewed) < DOUBT_MS;
  const isFresh = () => !lost.signal.aborted && isYoung();
  const sure = () => {
    lost.signal.throwIfAborted();
    if (!isYoung()) throw new LockError("STATE_LOCKED", "this process stood still, and another may have taken over");
  };
  await renew(async () => undefined);
  try {
    await claim(world, path, path, { owner, renew, sure });
    // Taking it may have taken a while, in which another found the lease expired.
    await renew(check);
  } catch (error) {
    await world.disk.remove(beatPath(path, owner.id));
    throw error;
  }
  const beat = async () => {
    for (;;) {
      await world.sleep(HEARTBEAT_MS, stop.signal);
      if (stop.signal.aborted) return;
      await renew(check);
    }
  };
  const beating = beat().catch((error: unknown) => {
    if (!stop.signal.aborted) lost.abort(error);
  });
  return {
    lost: lost.signal,
    isFresh,
    sure,
    async hold() {
      for (let look = 0; look < LOOKS && !isFresh(); look++) {
        lost.signal.throwIfAborted();
        await renew(check);
      }
      sure();
    },
    async release() {
      stop.abort();
      // A heartbeat under way would write its file again after it was removed.
      await beating;
      // Where it cannot be renewed, or this stands still just here, it is left to expire.
      if (!isYoung()) await renew(check).catch(() => undefined);
      if (isYoung() && (await isOwn(world, path, owner))) await world.disk.remove(path, isYoung);
      await world.disk.remove(beatPath(path, owner.id));
    },
  };
}

/** Who wants the lock, and keeps a lease of its own while it does. */
interface Claimant extends Pick<Lock, "sure"> {
  readonly owner: LockOwner;
  /** @param owns looks whether what the lease is for is still theirs; throws where it is not */
  renew(owns: () => Promise<void>): Promise<void>;
}

/**
 * Creates the lock, or takes it over from a dead owner. The right to do so is itself a lock, named after that owner, so
 * that of several who find it dead only one replaces it.
 *
 * @param root the lock the leases stand beside
 */
async function claim(world: World, root: string, path: string, me: Claimant): Promise<void> {
  const text = JSON.stringify(me.owner);
  if (await world.disk.createExclusive(path, text)) return;
  const holder = await ownerIn(world, path);
  // Released in between: there is nothing to take over.
  if (!holder) return claim(world, root, path, me);
  if (!(await isDead(world, root, holder))) throw lockedBy(holder);
  const right = `${root}.right-${holder.id}`;
  await claim(world, root, right, me);
  try {
    const still = await ownerIn(world, path);
    if (!still) return await claim(world, root, path, me);
    if (still.id !== holder.id) throw lockedBy(still);
    // Watching took a while, in which another may have found the right expired.
    await me.renew(async () => {
      if (!(await isOwn(world, right, me.owner))) throw lockedBy(still);
    });
    await world.disk.replace(path, text, me.sure);
    await world.disk.remove(beatPath(root, holder.id));
  } finally {
    if (await isOwn(world, right, me.owner)) await world.disk.remove(right);
  }
}

/** Who holds it; an unreadable lock has an owner that is dead. Null when there is none. */
async function ownerIn(world: World, path: string): Promise<LockOwner | null> {
  const text = await world.disk.read(path);
  if (text === null) return null;
  try {
    return JSON.parse(text) as LockOwner;
  } catch {
    return { id: "unreadable", host: "", place: "", user: "", pid: 0, ci: null, since: "" };
  }
}

async function isOwn(world: World, path: string, { id }: LockOwner): Promise<boolean> {
  return (await ownerIn(world, path))?.id === id;
}

async function expiryOf(world: World, path: string, id: string): Promise<number> {
  const text = await world.disk.read(beatPath(path, id));
  return text === null ? Number.NEGATIVE_INFINITY : Number(text);
}

/** A process of this machine that is no more, or a lease that has expired and that nobody renews. */
async function isDead(world: World, root: string, holder: LockOwner): Promise<boolean> {
  if (holder.id === "unreadable" || hasEnded(holder)) return true;
  const expires = await expiryOf(world, root, holder.id);
  if (expires >= world.now()) return false;
  await world.sleep(WATCH_MS, new AbortController().signal);
  return (await expiryOf(world, root, holder.id)) === expires;
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
