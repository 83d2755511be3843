import { spawnSync } from "node:child_process";
import fs, { existsSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { type OpenPlan, savePlan, unpackPlan } from "../../src/engine/plan-file.ts";
import { identitiesIn, isSealed, newKeyPair, sealTo } from "../../src/engine/seal.ts";
import { temporaryFolder } from "../world.ts";
import { fakeProject } from "./setup.ts";

/** A plan of so many creates, and a folder for files. */
async function planOf(rows: number) {
  const { fake, run } = await fakeProject();
  fake.rows = Array.from({ length: rows }, (_, i) => ({
    id: `k${i}`,
    name: `name ${i}`,
    city: `city ${(i * 7919) % rows}`,
  }));
  const plan = await run.plan();
  return { plan, world: run.world, folder: await temporaryFolder() };
}

const content = ({ manifest, summary }: OpenPlan) => ({ manifest, summary });

describe("a sealed plan", () => {
  test("is opened by the key of any recipient, and is then the plan that was saved", async () => {
    const { plan, world, folder } = await planOf(3);
    const [ann, bob, eve] = [await newKeyPair(), await newKeyPair(), await newKeyPair()];
    const file = join(folder, "plan.ebb");
    await savePlan(plan, file, await sealTo([ann.recipient, bob.recipient]));
    expect(await isSealed(file)).toBe(true);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const bytes = await readFile(file, "latin1");
    expect(bytes).not.toMatch(/manifest\.json|PAR1|name 1/);
    for (const keys of [[ann.identity], [bob.identity], [eve.identity, bob.identity]])
      expect(content(await unpackPlan(world, file, await temporaryFolder(), keys))).toEqual(content(plan));
    await expect(unpackPlan(world, file, await temporaryFolder(), [eve.identity])).rejects.toMatchObject({
      code: "PLAN_KEY_WRONG",
      effect: "conflict",
    });
    await expect(unpackPlan(world, file, await temporaryFolder())).rejects.toMatchObject({ code: "PLAN_SEALED" });
  });

  test("one that is not sealed is read as ever, whatever keys there are", async () => {
    const { plan, world, folder } = await planOf(2);
    const file = join(folder, "plan.ebb");
    await savePlan(plan, file);
    expect(await isSealed(file)).toBe(false);
    const { identity } = await newKeyPair();
    expect(content(await unpackPlan(world, file, await temporaryFolder(), [identity]))).toEqual(content(plan));
  });

  test("is refused when it is cut anywhere, also between two chunks, or when a byte is another", async () => {
    const { plan, world, folder } = await planOf(20_000);
    const { identity, recipient } = await newKeyPair();
    const file = join(folder, "plan.ebb");
    await savePlan(plan, file, await sealTo([recipient]));
    const bytes = await readFile(file);
    // The header ends with the line of its MAC; 16 bytes of nonce follow, and chunks of 64 KiB with 16 bytes each.
    const payload = bytes.indexOf("\n", bytes.indexOf("\n---")) + 1 + 16;
    const payloadEnd = payload + 2 * (64 * 1024 + 16);
    expect(bytes.length).toBeGreaterThan(payloadEnd + 1_000);
    const bad = join(folder, "bad.ebb");
    const open = async (content: Uint8Array) => {
      await writeFile(bad, content);
      return unpackPlan(world, bad, await temporaryFolder(), [identity]).then(
        () => "opened",
        ({ code }: { code?: string }) => code,
      );
    };
    expect(await open(bytes)).toBe("opened");
    for (const at of [
      10,
      60,
      payload - 20,
      payload,
      payload + 5,
      payload + 64 * 1024 + 16,
      payloadEnd,
      bytes.length - 1,
    ])
      expect([at, await open(bytes.subarray(0, at))]).toEqual([at, "PLAN_UNREADABLE"]);
    for (const at of [payload - 30, payload - 2, payload + 100, payloadEnd + 9, bytes.length - 1]) {
      const other = Buffer.from(bytes);
      other[at] = (other[at] ?? 0) ^ 1;
      expect([at, await open(other)]).toEqual([at, expect.stringMatching(/^PLAN_(UNREADABLE|KEY_WRONG)$/)]);
    }
    expect(await open(Buffer.concat([bytes, Buffer.from("more")]))).toBe("PLAN_UNREADABLE");
  });

  test("leaves nothing decrypted behind, also when it is refused at its last byte", async () => {
    const { plan, world, folder } = await planOf(2_000);
    const { identity, recipient } = await newKeyPair();
    const file = join(folder, "plan.ebb");
    await savePlan(plan, file, await sealTo([recipient]));
    await writeFile(join(folder, "cut.ebb"), (await readFile(file)).subarray(0, -1));
    const scratch = join(folder, "scratch");
    await mkdir(scratch);
    vi.stubEnv("TMPDIR", scratch);
    onTestFinished(() => void vi.unstubAllEnvs());
    const out = join(folder, "out");
    await unpackPlan(world, file, out, [identity]);
    const refused = unpackPlan(world, join(folder, "cut.ebb"), join(folder, "none"), [identity]);
    await expect(refused).rejects.toMatchObject({ code: "PLAN_UNREADABLE" });
    expect(await readdir(scratch)).toEqual([]);
    expect((await stat(out)).mode & 0o077).toBe(0);
  });

  test("leaves nothing decrypted behind when the process is ended in the middle", async () => {
    const scratch = pathToFileURL(join(import.meta.dirname, "../../src/engine/staging/scratch.ts")).href;
    const script = `const { withScratch } = await import(${JSON.stringify(scratch)});
      await withScratch(async (directory) => { process.stdout.write(directory); process.exit(3); });`;
    const args = ["--import", "tsx", "--input-type=module", "-e", script];
    const { status, stdout } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(status).toBe(3);
    expect(stdout).toMatch(/ebb-\w+-\d+-\w{6}$/);
    expect(existsSync(stdout)).toBe(false);
  });

  test("is written whole or not at all", async () => {
    const { plan, folder } = await planOf(5);
    const file = join(folder, "plan.ebb");
    await writeFile(file, "the plan of yesterday");
    const breaks = async (plain: NodeJS.ReadableStream) => {
      async function* some() {
        for await (const chunk of plain) {
          yield chunk;
          throw new RangeError("half of it");
        }
      }
      return Readable.from(some());
    };
    // A disk that takes its time to make a file.
    const { open } = fs;
    let made = 0;
    const late = (path: string, flags: string, mode: number, done: fs.NoParamCallback) => {
      const after: typeof done = (...result) => {
        made += 1;
        done(...result);
      };
      setTimeout(() => open(path, flags, mode, after), 100);
    };
    const slow = vi.spyOn(fs, "open").mockImplementation(late as typeof open);
    onTestFinished(() => slow.mockRestore());
    await expect(savePlan(plan, file, breaks)).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    await expect.poll(() => made).toBe(slow.mock.calls.length);
    expect(await readFile(file, "utf8")).toBe("the plan of yesterday");
    expect(await readdir(folder)).toEqual(["plan.ebb"]);
  });

  test("what another age tool would make of the same bytes: a plan file is an age file and nothing more", async () => {
    const { plan, folder } = await planOf(3);
    const { identity, recipient } = await newKeyPair();
    const [sealed, plain] = [join(folder, "sealed.ebb"), join(folder, "plain.ebb")];
    await savePlan(plan, sealed, await sealTo([recipient]));
    await savePlan(plan, plain);
    const { Decrypter } = await import("age-encryption");
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    expect(Buffer.from(await decrypter.decrypt(await readFile(sealed)))).toEqual(await readFile(plain));
  });
});

describe("keys", () => {
  test("an age identity file has comments, empty lines and keys", async () => {
    const [one, two] = [await newKeyPair(), await newKeyPair()];
    expect(one.identity).toMatch(/^AGE-SECRET-KEY-1[0-9A-Z]{58}$/);
    expect(one.recipient).toMatch(/^age1[0-9a-z]{58}$/);
    const text = `# created: today\r\n# public key: ${one.recipient}\r\n${one.identity}\r\n\n  ${two.identity}\n`;
    expect(identitiesIn(text, "key.txt")).toEqual([one.identity, two.identity]);
  });

  test("what is none is refused with its line, and never repeated", async () => {
    const { identity, recipient } = await newKeyPair();
    const damaged = `${identity.slice(0, -1)}${identity.endsWith("Q") ? "P" : "Q"}`;
    expect(() => identitiesIn(`# key\n${recipient}\n`, "key.txt")).toThrow(
      /^key\.txt: line 2 is not an age secret key$/,
    );
    expect(() => identitiesIn("# nothing\n", "key.txt")).toThrow(/holds no age secret key/);
    const { plan, world, folder } = await planOf(1);
    const file = join(folder, "plan.ebb");
    await savePlan(plan, file, await sealTo([recipient]));
    const errors = [
      await unpackPlan(world, file, await temporaryFolder(), [damaged]).catch((error: unknown) => error),
      await sealTo([damaged]).catch((error: unknown) => error),
      await sealTo([identity]).catch((error: unknown) => error),
      await sealTo([recipient, recipient.slice(0, -1)]).catch((error: unknown) => error),
    ];
    const codes = errors.map((error) => (error as { code?: string }).code);
    expect(codes).toEqual(["PLAN_IDENTITY", "PLAN_RECIPIENT", "PLAN_RECIPIENT", "PLAN_RECIPIENT"]);
    for (const error of errors as Error[]) {
      expect(error.cause).toBeUndefined();
      expect(error.message).not.toContain("AGE-SECRET");
    }
  });
});
