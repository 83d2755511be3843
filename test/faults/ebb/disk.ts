/** The disk that state rests on, with a failpoint before, in the middle of and after each write. @module */
import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { AppendFile, Disk } from "../../../src/engine/state/disk.ts";
import type { Failpoint } from "./failpoint.ts";

/** What a file is to a run. */
function thingAt(path: string): string {
  const file = basename(path);
  if (file === "lock.json") return "lock";
  if (file.startsWith("lock.json.beat-")) return "beat";
  // The right to take a dead owner's lock over.
  if (file.startsWith("lock.json.")) return "right";
  if (/^journal(-\d+)?\.ndjson$/.test(file)) return "journal";
  if (file === "state.json" || file === "result.json") return basename(file, ".json");
  const [, folder] = /\/(ledger|marks|kept)\//.exec(path) ?? [];
  return folder ?? (/\/runs\/[^/]+$/.test(path) ? "run" : "file");
}

/** @example entryName('1a2b3c4d {"t":"intent",…}\n') // "journal.intent" */
function entryName(text: string): string {
  const [, kind = "entry"] = /"t":"(\w+)"/.exec(text) ?? [];
  const [, special] = /"(unsent|doubt)":/.exec(text) ?? [];
  return `journal.${special ?? kind}`;
}

/**
 * @param losesUnsynced what was appended and not synced is kept back until something is: a kill is then a power cut
 */
export function failingDisk(disk: Disk, failpoint: Failpoint, losesUnsynced: boolean): Disk {
  const around = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    failpoint.pass(name, "before");
    const result = await work();
    failpoint.pass(name, "after");
    return result;
  };
  return {
    ...disk,
    async replace(path, text, sure) {
      const thing = thingAt(path);
      const name = { journal: "journal.mend", beat: "lock.renew" }[thing] ?? thing;
      await around(name, async () => {
        if (failpoint.halves(name)) writeFileSync(`${path}.new`, half(text));
        failpoint.pass(name, "half");
        await disk.replace(path, text, sure);
      });
    },
    createExclusive(path, text, sure) {
      const thing = thingAt(path);
      const name = thing === "journal" ? "journal.start" : `${thing}.take`;
      return around(name, async () => {
        if (failpoint.halves(name)) writeFileSync(`${path}.aside`, half(text));
        failpoint.pass(name, "half");
        return disk.createExclusive(path, text, sure);
      });
    },
    flush: (path) => around(`${thingAt(path)}.flush`, () => disk.flush(path)),
    // The account's pace, shared between processes: in the middle, its file is held.
    update: (path, change) =>
      around("pace.update", () =>
        disk.update(path, (text) => {
          failpoint.pass("pace.update", "half");
          return change(text);
        }),
      ),
    remove(path, sure) {
      const thing = thingAt(path);
      return around(`${thing}.${thing === "lock" ? "release" : "remove"}`, () => disk.remove(path, sure));
    },
    makeDirectory: (path) => around(`${thingAt(path)}.make`, () => disk.makeDirectory(path)),
    async append(path) {
      const file = await around(`${thingAt(path)}.open`, () => disk.append(path));
      return failingAppends(losesUnsynced ? unsynced(file) : file, failpoint, thingAt(path));
    },
  };
}

function failingAppends(file: AppendFile, failpoint: Failpoint, thing: string): AppendFile {
  return {
    async append(text, durable) {
      const name = entryName(text);
      failpoint.pass(name, "before");
      if (failpoint.halves(name)) await file.append(half(text), true);
      failpoint.pass(name, "half");
      await file.append(text, durable);
      failpoint.pass(name, "after");
    },
    async close() {
      failpoint.pass(`${thing}.close`, "before");
      await file.close();
      failpoint.pass(`${thing}.close`, "after");
    },
  };
}

/** Text reaches the file only with the next durable append, or when it is closed. */
function unsynced(file: AppendFile): AppendFile {
  let kept = "";
  return {
    async append(text, durable) {
      kept += text;
      if (!durable) return;
      const now = kept;
      kept = "";
      await file.append(now, true);
    },
    async close() {
      if (kept !== "") await file.append(kept, false);
      await file.close();
    },
  };
}

function half(text: string): string {
  return text.slice(0, Math.floor(text.length / 2));
}
