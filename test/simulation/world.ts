/** The world of one process of a story, and the project it works on. @module */
import { join } from "node:path";
import type { Project } from "../../src/core/decode.ts";
import { completeSync } from "../../src/core/sync.ts";
import type { World } from "../../src/engine/world.ts";
import { modelSystem } from "./client.ts";
import type { StoryConfig } from "./config.ts";
import type { Model } from "./model.ts";
import type { Process } from "./process.ts";
import { draw } from "./random.ts";
import { dispatcherOf } from "./server.ts";

export function processWorld(model: Model, who: Process, directory: string): World {
  const { config, clock, disk } = model;
  let names = 0;
  let draws = 0;
  return {
    systems: [modelSystem(model)],
    directory,
    env: {},
    disk: disk.of(who),
    now: clock.now,
    steady: clock.now,
    async sleep(ms, signal) {
      await who.still();
      await clock.sleep(who, ms, signal);
      await who.still();
    },
    // The model answers every call in time.
    after: () => () => undefined,
    randomName: () => {
      const at = names++;
      const half = (part: number) =>
        Math.floor(draw(config.seed, "name", who.name, at, part) * 2 ** 32)
          .toString(16)
          .padStart(8, "0");
      return half(0) + half(1);
    },
    random: () => draw(config.seed, "chance", who.name, draws++),
    dispatcher: dispatcherOf(model, who),
    version: "0.0.0-story",
    interactive: false,
    meetingPlace: async () => join(directory, "meeting"),
    limiters: new Map(),
  };
}

export function projectOf(config: StoryConfig): Project {
  const sync = completeSync("people", {
    source: { connection: "warehouse", table: "rows" },
    key: ["id"],
    destination: { connection: "crm", object: "people" },
    mode: config.mode,
    fields: { name: { column: "name" }, city: { column: "city" } },
    onDrift: config.onDrift,
    refresh: config.refresh,
    createSafety: config.createSafety,
    guards: { maxDeletePercent: 100, allowEmptySource: true },
  });
  const connection = (name: string) => ({ name, system: "model", options: {} });
  return {
    connections: { warehouse: connection("warehouse"), crm: connection("crm") },
    state: { kind: "local", directory: ".ebb" },
    syncs: [sync],
  };
}
