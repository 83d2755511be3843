/**
 * State on local disk: one small manifest, replaced whole, and ledger segments that are written once.
 *
 * ```
 * state.json          serial, lineage, segments of each sync
 * ledger/<sync>/      key, id, owned, gone and the last applied values
 * quarantine/<sync>/  what the destination rejected, and how often
 * marks/<sync>/       rows the warehouse holds to be as recorded
 * runs/<run>/         the plan, its changes, the journal, the result
 * lock.json           who holds the state
 * ```
 * @module
 */
import { isAbsolute, join } from "node:path";
import { ConfigError, ConflictError } from "../../core/errors.ts";
import type { PlanShape } from "../../core/plan.ts";
import type { FieldType } from "../../core/types.ts";
import { checksumOf } from "../staging/digest.ts";
import type { World } from "../world.ts";
import type { QuarantineState } from "./quarantine.ts";

export interface Segment {
  /** Path below the state folder. */
  readonly file: string;
  readonly rows: number;
  /** Names the row hash stored in it. */
  readonly hash: string;
  /** Of the file's bytes; absent in segments written before there was one. */
  readonly checksum?: string;
}

/** What is recorded of one sync. */
export interface LedgerState {
  readonly key: readonly string[];
  readonly matchOn: readonly string[];
  readonly keyType: "BIGINT" | "VARCHAR";
  readonly account: string;
  readonly object: string;
  /** Oldest first; a later row of a key replaces an earlier one. */
  readonly segments: readonly Segment[];
  /** When a run last wrote to the destination, milliseconds since the epoch of the machine that ran it. */
  readonly writtenAt?: number;
  /** Destination's clock at the last complete read, for reads of what changed since. */
  readonly observedAt: string | null;
  /** Types the recorded values were canonical in. */
  readonly types: Readonly<Record<string, FieldType>>;
  /** Of a sync whose diff is in the warehouse. */
  readonly marks?: MarksState;
  /** What the destination rejected. */
  readonly quarantine?: QuarantineState;
  /** Size of the plans of its last runs, oldest first; absent in a state written before they were kept. */
  readonly history?: readonly PlanShape[];
}

/** The marks the warehouse holds, as far as the state knows. */
export interface MarksState {
  /** Path below the state folder: raw key, key and hash of all wanted values. */
  readonly file: string;
  readonly token: string;
  readonly fingerprint: string;
}

export interface State {
  readonly version: 1;
  /** Made once; a plan of another lineage is foreign. */
  readonly lineage: string;
  /** Grows by one with every change of the state. */
  readonly serial: number;
  readonly syncs: Readonly<Record<string, LedgerState>>;
}

export interface StateStore {
  readonly directory: string;
  /** The state, or an empty one that is not written. */
  read(): Promise<State>;
  /** Writes a state whose serial is one more than what is stored, if `sure` does not throw right before it takes its place. */
  write(next: State, sure?: () => void): Promise<void>;
  /** Absolute path of a file named in the state. */
  path(file: string): string;
}

export function openState(world: World, directory: string): StateStore {
  const root = isAbsolute(directory) ? directory : join(world.directory, directory);
  const file = join(root, "state.json");
  const read = async (): Promise<State> => {
    const text = await world.disk.read(file);
    if (text === null) return { version: 1, lineage: "", serial: 0, syncs: {} };
    return parsed(file, text);
  };
  return {
    directory: root,
    read,
    async write(next, sure) {
      const { serial } = await read();
      if (next.serial !== serial + 1)
        throw new ConflictError("PLAN_STALE", `the state is at serial ${serial}, expected ${next.serial - 1}`);
      const checksum = checksumOf(JSON.stringify(next));
      await world.disk.replace(file, `${JSON.stringify({ ...next, checksum }, null, 2)}\n`, sure);
    },
    path: (name) => join(root, name),
  };
}

/** A state that is not as it was written is an error, never a guess. One without a checksum is of an earlier version. */
function parsed(file: string, text: string): State {
  let given: State & { readonly checksum?: string };
  try {
    given = JSON.parse(text) as State;
  } catch (cause) {
    throw new ConfigError("STATE_CORRUPT", `${file} is not readable`, { cause });
  }
  if (given.version !== 1)
    throw new ConfigError("STATE_CORRUPT", `${file} was written by a later version of Ebb`, {
      next: "Use that version, or a later one.",
    });
  const { checksum, ...state } = given;
  if (checksum !== undefined && checksumOf(JSON.stringify(state)) !== checksum)
    throw new ConfigError("STATE_CORRUPT", `${file} is not as it was written`, {
      next: "Put back a copy from before, or change it with `ebb state pull` and `ebb state push`.",
    });
  return state;
}

/** Paths below the state folder of all that is kept of a sync. */
export function filesOf(recorded: LedgerState | undefined): readonly string[] {
  const { segments = [], marks, quarantine } = recorded ?? {};
  return [...segments, ...[marks, quarantine].filter((one) => one !== undefined)].map(({ file }) => file);
}

/** A file name for a sync: readable, and different for different syncs. */
export function fileName(sync: string): string {
  const plain = sync.replace(/[^A-Za-z0-9_-]/g, "_");
  if (plain === sync && plain.length <= 80) return plain;
  let hash = 0;
  for (const char of sync) hash = (Math.imul(hash, 31) + (char.codePointAt(0) ?? 0)) >>> 0;
  return `${plain.slice(0, 80)}-${hash.toString(16)}`;
}
