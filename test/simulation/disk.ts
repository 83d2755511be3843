/**
 * The disk of a story: journal, lock, state and results in memory, where a power cut can take what was not flushed; the
 * plan's own files, which the engine reads by itself, in a real folder. Each process sees it through its own doom.
 * @module
 */
import { ConfigError } from "../../src/core/errors.ts";
import { type AppendFile, type Disk, localDisk } from "../../src/engine/state/disk.ts";
import type { Process } from "./process.ts";
import { copyTree } from "./tree.ts";

interface File {
  text: string;
  /** Characters that survive a power cut. */
  durable: number;
}

export interface StoryDisk {
  /** As one process sees it. */
  of(who: Process): Disk;
  /** What the machine loses with its power. */
  losePower(): void;
  /** Process that wrote the lock last. */
  holder(): Process | undefined;
  /** Writes refused as on a full or read-only disk, as long as this says so. */
  refuses: (who: Process) => boolean;
  text(path: string): string | undefined;
  /** What is on it now, for a disk that goes on from here. */
  save(): SavedDisk;
}

export interface SavedDisk {
  readonly files: ReadonlyMap<string, Readonly<File>>;
  readonly holder: Process | undefined;
}

/** What the engine writes only through its disk: all of the state but the plan's and the ledger's own files. */
const isHot = (path: string) =>
  path.includes("/meeting/") || (path.includes("/.ebb/") && !path.includes("/plan/") && !path.endsWith(".parquet"));

export function storyDisk(saved?: SavedDisk): StoryDisk {
  const files = new Map<string, File>([...(saved?.files ?? [])].map(([path, file]) => [path, { ...file }]));
  let holder = saved?.holder;
  const put = (path: string, text: string, who: Process) => {
    files.set(path, { text, durable: text.length });
    if (path.endsWith("/lock.json")) holder = who;
  };
  const self: StoryDisk = {
    refuses: () => false,
    holder: () => (files.has([...files.keys()].find((path) => path.endsWith("/lock.json")) ?? "") ? holder : undefined),
    text: (path) => files.get(path)?.text,
    save: () => ({ files: new Map([...files].map(([path, file]) => [path, { ...file }])), holder }),
    losePower() {
      for (const file of files.values()) file.text = file.text.slice(0, file.durable);
    },
    of: (who) => {
      const room = (path: string) => {
        if (self.refuses(who)) throw new ConfigError("STATE_UNWRITABLE", `${path}: the disk is full`);
      };
      const around = async <T>(what: string, work: () => T | Promise<T>): Promise<T> => {
        await who.pass(`before ${what}`);
        const result = await work();
        await who.pass(`after ${what}`);
        return result;
      };
      const named = (path: string) => path.slice(path.lastIndexOf("/") + 1).replace(/[0-9a-f]{16}/g, "…");
      return {
        async read(path) {
          await who.still();
          const text = files.get(path)?.text ?? (isHot(path) ? null : await localDisk.read(path));
          if (path.endsWith("/lock.json")) await who.pass("read lock.json");
          return text;
        },
        replace: (path, text, sure) =>
          around(`replace ${named(path)}`, () => {
            room(path);
            sure?.();
            return isHot(path) ? put(path, text, who) : localDisk.replace(path, text);
          }),
        createExclusive: (path, text, sure) =>
          around(`create ${named(path)}`, () => {
            room(path);
            sure?.();
            if (files.has(path)) return false;
            put(path, text, who);
            return true;
          }),
        async append(path): Promise<AppendFile> {
          await who.pass(`open ${named(path)}`);
          return { append: (text, durable) => append(path, text, durable, who, room), close: async () => undefined };
        },
        async update(path, change) {
          await around(`update ${named(path)}`, () => put(path, change(files.get(path)?.text ?? null), who));
        },
        copy: (from, to) => around("copy", () => copyTree(from, to)),
        async flush(path) {
          await who.pass("flush");
          const file = files.get(path);
          if (file) file.durable = file.text.length;
        },
        async list(path) {
          await who.still();
          const below = [...files.keys()].filter((one) => one.startsWith(`${path}/`));
          const names = below.map((one) => one.slice(path.length + 1).split("/")[0] ?? "");
          return [...new Set([...(await localDisk.list(path)), ...names])].sort();
        },
        remove: (path, sure = () => true) =>
          around(`remove ${named(path)}`, async () => {
            if (!sure()) return;
            for (const one of [...files.keys()]) if (one === path || one.startsWith(`${path}/`)) files.delete(one);
            await localDisk.remove(path);
          }),
        makeDirectory: (path) => around("make folder", () => localDisk.makeDirectory(path)),
        async exists(path) {
          await who.still();
          return files.has(path) || (!isHot(path) && (await localDisk.exists(path)));
        },
      };
    },
  };

  async function append(path: string, text: string, durable: boolean, who: Process, room: (path: string) => void) {
    await who.pass("before append");
    const file = files.get(path) ?? { text: "", durable: 0 };
    files.set(path, file);
    const half = text.slice(0, Math.floor(text.length / 2));
    try {
      room(path);
      await who.pass("in append");
    } catch (error) {
      // The write itself can be cut short.
      file.text += half;
      throw error;
    }
    file.text += text;
    if (durable) {
      await who.pass("before flush of the append");
      file.durable = file.text.length;
    }
    await who.pass("after append");
  }

  return self;
}
