import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, ebb, project, scratch } from "./run.ts";

const folder = scratch();
const cwd = join(folder.directory, "project");
const file = (name: string) => join(cwd, name);

interface Key {
  readonly file: string;
  readonly identity: string;
  readonly recipient: string;
}

let ann: Key;
let bob: Key;
const printed: Ended[] = [];

/** Runs the command line, and keeps what it printed. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const ended = await ebb(args, { cwd, env });
  if (args[0] !== "keygen") printed.push(ended);
  return ended;
}

async function keyOf(name: string): Promise<Key> {
  const { code, out } = await run(["keygen", "--out", `${name}.txt`]);
  expect(code).toBe(0);
  const text = readFileSync(file(`${name}.txt`), "utf8");
  const [, created = "", shown = "", identity = ""] =
    /^# created: (\S+)\n# public key: (age1\S+)\n(AGE-SECRET-KEY-1\S+)\n$/.exec(text) ?? [];
  expect(Date.parse(created)).not.toBeNaN();
  expect(out).toBe(`Public key: ${shown}\n`);
  return { file: `${name}.txt`, identity, recipient: shown };
}

beforeAll(async () => {
  await project(cwd);
  [ann, bob] = [await keyOf("ann"), await keyOf("bob")];
  expect(
    (await run(["plan", "--out", "both.ebb", "--encrypt-to", ann.recipient, "--encrypt-to", bob.recipient])).code,
  ).toBe(0);
}, 120_000);
afterAll(() => {
  // Of all the tests below: no command but `keygen` ever shows a key.
  for (const { out, err } of printed) expect(out + err).not.toContain("AGE-SECRET-KEY-1");
  folder.clear();
});

describe("keygen", { timeout: 60_000 }, () => {
  it("writes a file that only its owner reads, and never over another", async () => {
    expect(statSync(file(ann.file)).mode & 0o777).toBe(0o600);
    const again = await run(["keygen", "--out", ann.file]);
    expect(again).toMatchObject({ code: 1, out: "", err: expect.stringContaining("Error PATH_EXISTS") });
    expect(readFileSync(file(ann.file), "utf8")).toContain(ann.identity);
  });

  it("prints an identity file, and the public key beside it when the output goes elsewhere", async () => {
    const { code, out, err } = await run(["keygen"]);
    expect(code).toBe(0);
    const [, recipient] =
      /^# created: .*\n# public key: (age1[0-9a-z]{58})\nAGE-SECRET-KEY-1[0-9A-Z]{58}\n$/.exec(out) ?? [];
    expect(err).toBe(`Public key: ${recipient}\n`);
    const json = JSON.parse((await run(["keygen", "--json"])).out);
    expect(json).toEqual({
      created: expect.any(String),
      recipient: expect.stringMatching(/^age1/),
      identity: expect.stringMatching(/^AGE-/),
    });
    expect(JSON.parse((await run(["keygen", "--json", "--out", "json.txt"])).out)).toEqual({
      created: expect.any(String),
      recipient: expect.stringMatching(/^age1/),
      file: "json.txt",
    });
  });
});

describe("a plan saved for recipients", { timeout: 120_000 }, () => {
  it("says so, and holds nothing that can be read", async () => {
    const { code, err } = await run(["plan", "--out", "ann.ebb", "--encrypt-to", ann.recipient]);
    expect(code).toBe(0);
    expect(err).toMatch(/ann\.ebb is encrypted: --identity FILE/);
    const bytes = readFileSync(file("ann.ebb"), "latin1");
    expect(bytes).toMatch(/^age-encryption\.org\/v1\n-> X25519 /);
    expect(bytes).not.toMatch(/manifest|Loyal|user\d/);
    expect(statSync(file("ann.ebb")).mode & 0o777).toBe(0o600);
    expect(existsSync(file("ann.ebb.new"))).toBe(false);
  });

  it("is shown with the key of each, from a file or the environment", async () => {
    const plain = JSON.parse((await run(["plan", "--out", "plain.ebb", "--json"])).out);
    for (const [args, env] of [
      [["--identity", ann.file], {}],
      [[], { EBB_PLAN_IDENTITY: bob.identity }],
      [[], { EBB_PLAN_IDENTITY: `file:${ann.file}` }],
      [[], { EBB_PLAN_IDENTITY: readFileSync(file(ann.file), "utf8") }],
    ] as const) {
      const { code, out, err } = await run(["show", "both.ebb", "--json", ...args], env);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(JSON.parse(out).syncs).toEqual(plain.syncs);
    }
  });

  it("is refused without a key, with another, and with what is none", async () => {
    const none = await run(["show", "both.ebb"]);
    expect(none).toMatchObject({ code: 4, out: "" });
    expect(none.err).toMatch(
      /^Error PLAN_SEALED: both\.ebb is encrypted, and no key was given\n {2}Next: .*--identity/,
    );
    await run(["plan", "--out", "ann.ebb", "--encrypt-to", ann.recipient]);
    const wrong = await run(["apply", "ann.ebb", "--identity", bob.file]);
    expect(wrong).toMatchObject({ code: 4, out: "" });
    expect(wrong.err).toMatch(/^Error PLAN_KEY_WRONG: none of the keys given opens ann\.ebb\n {2}Next: /);
    writeFileSync(file("note.txt"), "# a key?\nno\n");
    for (const [args, env, says] of [
      [["--identity", "note.txt"], {}, "PLAN_IDENTITY: note.txt: line 2 is not an age secret key"],
      [["--identity", "gone.txt"], {}, "FILE_MISSING: --identity: there is no file gone.txt"],
      [["--identity", ann.identity], {}, "PLAN_IDENTITY: --identity takes the name of a file, not a key"],
      [[], { EBB_PLAN_IDENTITY: "hunter2" }, "PLAN_IDENTITY: EBB_PLAN_IDENTITY: line 1 is not"],
    ] as const) {
      const { code, err } = await run(["show", "both.ebb", ...args], env);
      expect(code).toBe(1);
      expect(err).toContain(`Error ${says}`);
      expect(err).not.toContain("hunter2");
    }
    expect((await run(["runs"])).out).toContain("No run yet.");
  });

  it("is refused when it is cut or altered", async () => {
    const bytes = readFileSync(file("both.ebb"));
    writeFileSync(file("cut.ebb"), bytes.subarray(0, -7));
    const altered = Buffer.from(bytes);
    altered[bytes.length - 200] = (bytes[bytes.length - 200] ?? 0) ^ 1;
    writeFileSync(file("altered.ebb"), altered);
    for (const name of ["cut.ebb", "altered.ebb"]) {
      const { code, err } = await run(["show", name, "--identity", ann.file]);
      expect(code).toBe(4);
      expect(err).toMatch(
        /^Error PLAN_UNREADABLE: .* cannot be decrypted: it is truncated, or was altered\n {2}Next: /,
      );
    }
  });

  it("knows its recipients from the environment, and what is none", async () => {
    const listed = { EBB_PLAN_RECIPIENTS: ` ${ann.recipient},\n${bob.recipient} ` };
    expect((await run(["plan", "--out", "env.ebb"], listed)).code).toBe(0);
    expect((await run(["show", "env.ebb", "--identity", bob.file])).code).toBe(0);
    for (const given of [`${ann.recipient}x`, ann.identity, "age1"]) {
      const { code, out, err } = await run(["plan", "--out", "bad.ebb", "--encrypt-to", given]);
      expect({ code, out }).toEqual({ code: 1, out: "" });
      expect(err).toMatch(/^Error PLAN_RECIPIENT: recipient .* is not an age public key\n/);
    }
    expect(existsSync(file("bad.ebb"))).toBe(false);
    expect((await run(["plan", "--encrypt-to", ann.recipient])).err).toContain("Error USAGE: --encrypt-to");
    const both = await run(["plan", "--out", "bad.ebb", "--unencrypted", "--encrypt-to", ann.recipient]);
    expect(both.err).toContain("Error USAGE");
  });
});

describe("in CI", { timeout: 120_000 }, () => {
  it("a plan is not saved in the clear unless that is said, and nothing is read before", async () => {
    // A folder without a project: had anything been read, that would be the error.
    const empty = join(folder.directory, "empty");
    mkdirSync(empty);
    for (const [command, CI] of [
      ["plan", "true"],
      ["rollback", "woodpecker"],
    ] as const) {
      const args = command === "plan" ? ["plan"] : ["rollback", "20260101T000000-abcdef"];
      const refused = await ebb([...args, "--out", "p.ebb"], { cwd: empty, env: { CI } });
      expect(refused).toMatchObject({ code: 1, out: "" });
      expect(refused.err).toMatch(
        /^Error PLAN_UNENCRYPTED: p\.ebb .*\n {2}Next: .*--encrypt-to.*EBB_PLAN_RECIPIENTS.*--unencrypted/,
      );
      const said = await ebb([...args, "--out", "p.ebb", "--unencrypted"], { cwd: empty, env: { CI } });
      expect(said.err).toContain("PROJECT_NOT_FOUND");
    }
    for (const CI of ["0", "False"])
      expect((await ebb(["plan", "--out", "p.ebb"], { cwd: empty, env: { CI } })).err).toContain("PROJECT_NOT_FOUND");
    expect((await ebb(["plan"], { cwd: empty, env: { CI: "true" } })).err).toContain("PROJECT_NOT_FOUND");
  });

  it("is planned, shown, applied and rolled back with a key", async () => {
    const CI = "true";
    const review = { CI, EBB_PLAN_RECIPIENTS: ann.recipient };
    const production = { CI, EBB_PLAN_RECIPIENTS: ann.recipient, EBB_PLAN_IDENTITY: ann.identity };
    const planned = JSON.parse((await run(["plan", "--out", "ci.ebb", "--json"], review)).out);
    expect((await run(["apply", "ci.ebb"], review)).err).toContain("Error PLAN_SEALED");
    const applied = await run(["apply", "ci.ebb", "--digest", planned.digest, "--json"], production);
    expect(JSON.parse(applied.out)).toMatchObject({
      status: "applied",
      digest: planned.digest,
      syncs: { customers: { applied: 6 } },
    });
    const { run: name } = JSON.parse(applied.out);
    expect((await run(["rollback", name, "--out", "back.ebb"], review)).code).toBe(0);
    expect((await run(["show", "back.ebb"])).err).toContain("Error PLAN_SEALED");
    const back = await run(["apply", "back.ebb", "--replan-within", "1h"], production);
    expect(back).toMatchObject({ code: 0, err: expect.stringContaining("6 of 6 reviewed changes remain.") });
    expect((await run(["plan", "--out", "clear.ebb", "--unencrypted"], review)).code).toBe(0);
    expect(readFileSync(file("clear.ebb"), "latin1")).toMatch(/^PK/);
  });
});
