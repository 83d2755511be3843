import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts", "src/**/*.test.ts", "providers/**/*.test.ts"],
    pool: "forks",
    // Much of the work is in child processes and the staging engine: one worker would leave a core idle.
    maxWorkers: 2,
    reporters: ["default", "./test/skips.ts"],
    globalSetup: ["test/build.ts", "test/temporary.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
