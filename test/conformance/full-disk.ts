import { ConfigError } from "../../src/core/errors.ts";
import type { Disk } from "../../src/engine/state/disk.ts";

/** A disk that is full from the n-th append on; half of that append still gets through. */
export function failingAppends(disk: Disk, nth: number, half = 0.5): Disk {
  let appends = 0;
  const full = () => new ConfigError("STATE_UNWRITABLE", "the disk is full");
  return {
    ...disk,
    async append(path) {
      const file = await disk.append(path);
      return {
        async append(text, durable) {
          appends += 1;
          if (appends > nth) throw full();
          if (appends === nth) {
            await file.append(text.slice(0, Math.floor(text.length * half * 0.9)), durable);
            throw full();
          }
          await file.append(text, durable);
        },
        close: () => file.close(),
      };
    },
  };
}
