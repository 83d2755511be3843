import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import yazl from "yazl";
import { unpacked } from "./unpack.ts";

const BIN = "ebb/bin/terraform-provider-ebb.js";
let cache = "";
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "ebb-unpack-"));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

function zipOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [path, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), path);
  zip.end();
  return buffer(zip.outputStream);
}

test("what is packed is unpacked once, by whoever comes first, for this user alone", async () => {
  const bytes = await zipOf({ [BIN]: "// started" });
  let read = 0;
  const zip = () => {
    read += 1;
    return bytes;
  };
  const starts = await Promise.all([1, 2, 3].map(() => unpacked({ digest: "one", zip }, cache)));
  expect(new Set(starts).size).toBe(1);
  const [start = ""] = starts;
  expect(readFileSync(start, "utf8")).toContain(BIN);
  const folder = join(cache, "ebb/terraform-provider-one");
  expect(readFileSync(join(folder, BIN), "utf8")).toBe("// started");
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  // Nothing lies about of those who came later.
  expect(readdirSync(join(cache, "ebb"))).toEqual(["terraform-provider-one"]);
  const before = read;
  expect(await unpacked({ digest: "one", zip }, cache)).toBe(start);
  expect(read).toBe(before);
  expect(await unpacked({ digest: "two", zip }, cache)).not.toBe(start);
});

test("a folder that others can write to is not used", async () => {
  const folder = join(cache, "ebb/terraform-provider-one");
  mkdirSync(folder, { recursive: true, mode: 0o777 });
  chmodSync(folder, 0o777);
  const zip = () => Buffer.alloc(0);
  await expect(unpacked({ digest: "one", zip }, cache)).rejects.toThrow(
    "not a folder that only this user can write to",
  );
});

test("what cannot be unpacked leaves nothing behind", async () => {
  const bytes = await zipOf({ [BIN]: "// started" });
  const zip = () => bytes.subarray(0, bytes.length - 30);
  await expect(unpacked({ digest: "one", zip }, cache)).rejects.toThrow();
  expect(readdirSync(join(cache, "ebb"))).toEqual([]);
  expect(existsSync(join(cache, "ebb/terraform-provider-one"))).toBe(false);
});
