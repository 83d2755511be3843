/**
 * The journal of a run: what is about to be sent, durable before it is sent; what came back, as it lands.
 * One line per entry: a CRC-32 of the text, a space, the entry as JSON.
 * @module
 */
import { ConfigError } from "../../core/errors.ts";
import type { Action } from "../../core/types.ts";
import { checksumOf } from "../staging/digest.ts";
import type { AppendFile, Disk } from "../state/disk.ts";
import type { Ranges } from "./ranges.ts";

export const JOURNAL_VERSION = 1;

export type RejectedEntry = readonly [n: number, code: string, field: string | null, message: string];

export type JournalEntry =
  | {
      readonly t: "start";
      readonly version: number;
      readonly run: string;
      readonly digest: string;
      readonly at: string;
    }
  | {
      readonly t: "intent";
      readonly sync: string;
      readonly batch: string;
      readonly action: Action;
      readonly route: string;
      readonly n: Ranges;
      /** When it was about to be sent, milliseconds since the epoch; absent in journals of earlier versions. */
      readonly at?: number;
    }
  | { readonly t: "ticket"; readonly sync: string; readonly batch: string; readonly ticket: string }
  | {
      readonly t: "outcomes";
      readonly sync: string;
      readonly batch: string;
      readonly applied?: Ranges;
      /** Ids of the applied, in order of position; absent where they are known from the plan. */
      readonly ids?: readonly string[];
      readonly accepted?: Ranges;
      readonly rejected?: readonly RejectedEntry[];
      readonly skipped?: Ranges;
      /** Surely not sent, or surely without effect: to be sent again. */
      readonly unsent?: Ranges;
      /** Left in doubt for the next plan to find out. */
      readonly doubt?: Ranges;
    };

export interface Journal {
  /** Durable entries are on disk when the promise resolves, and with them all entries before. */
  write(entry: JournalEntry, durable: boolean): Promise<void>;
  close(): Promise<void>;
}

/** When the run began, ISO 8601; empty where its journal has no beginning. */
export function startedAt([start]: readonly JournalEntry[]): string {
  return start?.t === "start" ? start.at : "";
}

/**
 * Begins a journal with its first entry, both or neither: a journal that is there has begun. False when there is one
 * already: another process has taken the run up, and this one must not write over what that one has done.
 */
export function beginJournal(
  disk: Disk,
  path: string,
  start: JournalEntry & { readonly t: "start" },
  sure: () => void,
): Promise<boolean> {
  return disk.createExclusive(path, line(start), sure);
}

/** @param fence throws when this process may not write any more, because another has taken over */
export async function openJournal(
  disk: Disk,
  path: string,
  fence: () => Promise<void> = async () => undefined,
): Promise<Journal> {
  await mendTail(disk, path);
  const file: AppendFile = await disk.append(path);
  // Appends are put in a row, so that two batches in flight cannot mix their lines.
  let last: Promise<void> = Promise.resolve();
  return {
    write(entry, durable) {
      // After one failed append the file may end in half a line: no further entry may follow it.
      last = last.then(fence).then(() => file.append(line(entry), durable));
      return last;
    },
    async close() {
      await last.catch(() => undefined);
      await file.close();
    },
  };
}

/** Removes the half line that a crash may have left, so that the next entry begins on a line of its own. */
async function mendTail(disk: Disk, path: string): Promise<void> {
  const text = (await disk.read(path)) ?? "";
  const tail = text.slice(text.lastIndexOf("\n") + 1);
  if (tail !== "") await disk.replace(path, isWhole(tail) ? `${text}\n` : text.slice(0, -tail.length));
}

function line(entry: JournalEntry): string {
  const text = JSON.stringify(entry);
  return `${checksumOf(text)} ${text}\n`;
}

/**
 * Entries of a journal. A last line without its end is the write a crash cut short: it was not durable, so nothing was
 * sent for it, and it is left out. Any other damage is an error, never a shorter journal.
 */
export async function readJournal(disk: Disk, path: string): Promise<readonly JournalEntry[]> {
  const text = (await disk.read(path)) ?? "";
  const lines = text.split("\n");
  const tail = lines.pop() ?? "";
  const entries = lines.map((each, index) => parse(each, path, index + 1));
  if (tail !== "" && isWhole(tail)) entries.push(parse(tail, path, lines.length + 1));
  const first = entries[0];
  if (first && (first.t !== "start" || first.version !== JOURNAL_VERSION))
    throw new ConfigError("STATE_CORRUPT", `${path} was written by another version of Ebb`, {
      next: "Finish the run with the version that started it.",
    });
  return entries;
}

function isWhole(each: string): boolean {
  return each[8] === " " && each.slice(0, 8) === checksumOf(each.slice(9));
}

function parse(each: string, path: string, number: number): JournalEntry {
  if (!isWhole(each)) throw new ConfigError("STATE_CORRUPT", `${path}: line ${number} fails its checksum`);
  return JSON.parse(each.slice(9)) as JournalEntry;
}
