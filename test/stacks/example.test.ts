/** `npm run example`: what it says when it cannot begin. The examples themselves are run by hand; they take half a minute. */
import { spawnSync } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root, scratch } from "../cli/run.ts";

const example = (...args: readonly string[]) =>
  spawnSync(process.execPath, ["--import", "tsx", "scripts/example.ts", ...args], { cwd: root, encoding: "utf8" });

it.each([["usage"], ["toString"], []])("there is no example %s: those there are, are listed", (...args: string[]) => {
  const { status, stderr, stdout } = example(...args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  const stacks = readdirSync(join(root, "stacks")).filter((file) => file.endsWith(".md"));
  expect(stacks.length).toBeGreaterThan(1);
  for (const file of stacks) expect(stderr).toContain(`npm run example -- ${file.replace(/\.md$/, "")}\n`);
});

it("a folder in which something else is, is left alone", ({ onTestFinished }) => {
  const { directory, clear } = scratch();
  onTestFinished(clear);
  writeFileSync(join(directory, "mine.txt"), "");
  const { status, stderr } = example("trial-usage", directory);
  expect(status).toBe(1);
  expect(stderr).toContain("choose a new or empty folder");
  expect(readdirSync(directory)).toEqual(["mine.txt"]);
});
