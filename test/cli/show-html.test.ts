import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ebb, project, scratch } from "./run.ts";

let folder: ReturnType<typeof scratch>;
let cwd: string;
beforeEach(async () => {
  folder = scratch();
  cwd = join(folder.directory, "project");
  await project(cwd);
  await ebb(["plan", "--out", "p.ebb"], { cwd });
});
afterEach(() => folder.clear());

it("writes a report to a file that nobody else may read, or to stdout", { timeout: 60_000 }, async () => {
  const written = await ebb(["show", "p.ebb", "--format", "html", "--out", "p.html"], { cwd });
  expect(written).toMatchObject({ code: 0, out: "" });
  const html = readFileSync(join(cwd, "p.html"), "utf8");
  expect(statSync(join(cwd, "p.html")).mode & 0o777).toBe(0o600);
  expect(html).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/);
  expect(html).toMatch(/ebb apply p\.ebb/);
  expect((await ebb(["show", "p.ebb", "--format", "html"], { cwd })).out).toBe(html);
});

it("shows values only where they were asked for and nobody else reads along", { timeout: 60_000 }, async () => {
  const args = ["show", "p.ebb", "--format", "html", "--out", "p.html", "--show-values"];
  expect(await ebb(args, { cwd })).toMatchObject({ code: 1, err: expect.stringContaining("--show-values") });
});

it("says what is wrong with the options, and where it cannot write", { timeout: 60_000 }, async () => {
  const text = await ebb(["show", "p.ebb", "--out", "p.txt"], { cwd });
  expect(text).toMatchObject({ code: 1, err: expect.stringContaining("--out is for --format html") });
  const format = await ebb(["show", "p.ebb", "--format", "pdf"], { cwd });
  expect(format).toMatchObject({ code: 1, err: expect.stringContaining("there are: text, json, markdown, html") });
  const nowhere = await ebb(["show", "p.ebb", "--format", "html", "--out", "no/such/folder/p.html"], { cwd });
  expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining("cannot be written") });
});
