import { randomUUID } from "node:crypto";
import { linkSync, renameSync } from "node:fs";
import { appendFile, cp, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ConfigError, EbbError } from "../../core/errors.ts";

/** A file that only grows. */
export interface AppendFile {
  /** Appends text; with `durable` it is on disk (fsync) when the promise resolves. */
  append(text: string, durable: boolean): Promise<void>;
  close(): Promise<void>;
}

/** The few disk operations state rests on, passed in so that a test can make them fail. */
export interface Disk {
  read(path: string): Promise<string | null>;
  /**
   * Replaces a file whole: written aside, fsynced, renamed. Mode 0600.
   *
   * @param sure throws where it must not be replaced after all: asked last, in one breath with the renaming
   */
  replace(path: string, text: string, sure?: () => void): Promise<void>;
  /** Creates a file, whole and on disk (fsync); false when it is there already. Mode 0600. `sure` as in {@link replace}. */
  createExclusive(path: string, text: string, sure?: () => void): Promise<boolean>;
  append(path: string): Promise<AppendFile>;
  /**
   * Changes a small file, in a folder that is there, in turn with other processes of this machine; not durable. What a process that died while it
   * changed the file leaves behind holds nobody up for longer than some seconds.
   */
  update(path: string, change: (text: string | null) => string): Promise<void>;
  /** Brings what another wrote into a file onto the disk (fsync). */
  flush(path: string): Promise<void>;
  list(path: string): Promise<readonly string[]>;
  /** Removes a file, or a folder with all that is in it, unless `sure`, asked last, says no. */
  remove(path: string, sure?: () => boolean): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Copies a folder with all that is in it. */
  copy(from: string, to: string): Promise<void>;
  exists(path: string): Promise<boolean>;
}

export const localDisk: Disk = {
  async read(path) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      if (isCode(error, "ENOENT")) return null;
      throw unwritable(path, error);
    }
  },
  async replace(path, text, sure) {
    const aside = `${path}.new`;
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(aside, "w", 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
      } finally {
        await file.close();
      }
      sure?.();
      renameSync(aside, path);
    } catch (error) {
      if (error instanceof EbbError) {
        await rm(aside, { force: true });
        throw error;
      }
      throw unwritable(path, error);
    }
  },
  async createExclusive(path, text, sure) {
    try {
      await mkdir(dirname(path), { recursive: true });
      // Linked when it is whole, so that nobody ever reads half of it.
      const aside = `${path}.${randomUUID()}`;
      const file = await open(aside, "wx", 0o600);
      try {
        await file.writeFile(text);
        await file.sync();
        sure?.();
        linkSync(aside, path);
      } finally {
        await file.close();
        await rm(aside, { force: true });
      }
      return true;
    } catch (error) {
      if (isCode(error, "EEXIST")) return false;
      if (error instanceof EbbError) throw error;
      throw unwritable(path, error);
    }
  },
  async append(path) {
    try {
      await mkdir(dirname(path), { recursive: true });
      const file = await open(path, "a", 0o600);
      return {
        async append(text, durable) {
          try {
            await appendFile(file, text);
            if (durable) await file.datasync();
          } catch (error) {
            throw unwritable(path, error);
          }
        },
        close: () => file.close(),
      };
    } catch (error) {
      throw unwritable(path, error);
    }
  },
  async update(path, change) {
    const turn = `${path}.turn`;
    await takeTurn(turn);
    try {
      const text = await readFile(path, "utf8").catch(() => null);
      const aside = `${path}.new`;
      await writeFile(aside, change(text), { mode: 0o600 });
      await rename(aside, path);
    } finally {
      await rm(turn, { force: true });
    }
  },
  async flush(path) {
    const file = await open(path, "r");
    try {
      await file.sync();
    } catch (error) {
      throw unwritable(path, error);
    } finally {
      await file.close();
    }
  },
  async list(path) {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (isCode(error, "ENOENT")) return [];
      throw unwritable(path, error);
    }
  },
  async remove(path, sure = () => true) {
    if (sure()) await rm(path, { recursive: true, force: true });
  },
  async makeDirectory(path) {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw unwritable(path, error);
    }
  },
  async copy(from, to) {
    try {
      await cp(from, to, { recursive: true });
    } catch (error) {
      throw unwritable(to, error);
    }
  },
  async exists(path) {
    return stat(path).then(
      () => true,
      () => false,
    );
  },
};

/** A turn takes a millisecond; one that lasts longer than this has lost its owner. */
const LONGEST_TURN_MS = 5_000;

async function takeTurn(path: string): Promise<void> {
  for (let wait = 1; ; wait = Math.min(wait * 2, 20))
    try {
      await (await open(path, "wx", 0o600)).close();
      return;
    } catch (error) {
      if (!isCode(error, "EEXIST")) throw error;
      const since = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => undefined,
      );
      if (since !== undefined && Math.abs(Date.now() - since) > LONGEST_TURN_MS) await rm(path, { force: true });
      else await new Promise((resume) => setTimeout(resume, wait));
    }
}

function isCode(error: unknown, code: string): boolean {
  return (error as { code?: unknown }).code === code;
}

function unwritable(path: string, cause: unknown): ConfigError {
  const code = (cause as { code?: string }).code ?? "error";
  const why = { ENOSPC: "the disk is full", EROFS: "the file system is read-only", EACCES: "permission denied" }[code];
  return new ConfigError("STATE_UNWRITABLE", `${path}: ${why ?? code}`, { cause });
}
