/** What may go wrong between Ebb and a vendor, while it applies and while it plans. */
import { describe, expect, test } from "vitest";
import { some } from "./choice.ts";
import type { Bends } from "./ebb/bends.ts";
import { desired, writeRows } from "./project.ts";
import type { Fault, Rule } from "./proxy-rules.ts";
import { people, type Shape, shapes } from "./shapes.ts";
import { finish, judge, right } from "./stage.ts";
import { staged } from "./staged.ts";

const html = "<html><body><h1>502 Bad Gateway</h1></body></html>";
const login = '<html><form action="/login">Sign in</form></html>';

interface Trouble {
  readonly shape?: Shape;
  readonly bends?: Bends;
  readonly fault: Fault;
  readonly rule?: Partial<Rule>;
}

/** Every second write goes wrong in this way, and each is tried again. */
const troubles: Readonly<Record<string, Trouble>> = {
  "row 5: reset before the vendor sees the call": { fault: { kind: "reset", when: "before" } },
  "row 5: reset after the work, before the answer": { fault: { kind: "reset", when: "after" } },
  "row 5: reset within the answer's body": { fault: { kind: "reset", when: "body" } },
  "row 5: reset after the work, where a create is refused twice": {
    shape: shapes.conflict,
    fault: { kind: "reset", when: "after" },
  },
  "row 5: latency": { fault: { kind: "delay", ms: 200 }, rule: { every: 1 } },
  "row 6: the answer comes after Ebb has given up": {
    bends: { timeoutMs: 300 },
    fault: { kind: "delay", ms: 1_500, of: "answer" },
    rule: { every: 3 },
  },
  "row 11: a narrow line": { fault: { kind: "slow", bytesPerSecond: 4_000, piece: 200 }, rule: { every: 1 } },
  "row 14: half of the JSON": { fault: { kind: "truncate" } },
  "row 14: an HTML page of a gateway, the work undone": { fault: { kind: "answer", status: 502, body: html } },
  "row 14: an HTML page of a gateway, the work done": {
    fault: { kind: "answer", status: 502, body: html, performed: true },
  },
  "row 14: a login page with status 200": { fault: { kind: "answer", status: 200, body: login, performed: true } },
  "row 14: 200 with an empty body": { fault: { kind: "answer", status: 200, performed: true } },
  "row 7: every call reaches the vendor twice, upsert": {
    shape: shapes.key,
    fault: { kind: "twice" },
    rule: { every: 1 },
  },
  "row 7: every call reaches the vendor twice, refused": {
    shape: shapes.conflict,
    fault: { kind: "twice" },
    rule: { every: 1 },
  },
  "row 7: answers to other calls": { shape: shapes.conflict, fault: { kind: "replay" } },
};

describe("while it applies", { timeout: 240_000 }, () => {
  test.each(some(Object.entries(troubles)))("%s", async (_, { shape = shapes.no, bends = {}, fault, rule }) => {
    const stage = await staged(shape, { bends });
    stage.proxy.rules([{ match: shape.writes, every: 2, ...rule, fault }]);
    const ended = await finish(stage);
    expect(stage.proxy.strikes[fault.kind]).toBeGreaterThan(0);
    expect(judge(stage), ended.said).toEqual(right);
    expect(ended, ended.said).toMatchObject({ code: 0, nextPlan: 0 });
  });

  test("row 6: the vendor does the work after Ebb has given up", async () => {
    const stage = await staged(shapes.no, { bends: { timeoutMs: 300, callSeconds: 12 } });
    stage.proxy.rules([{ match: shapes.no.writes, nth: 2, fault: { kind: "delay", ms: 8_000 } }]);
    let open = 0;
    stage.proxy.watch((_, phase) => {
      open += phase === "arrived" ? 1 : -1;
    });
    const ended = await finish(stage);
    await expect.poll(() => open, { timeout: 20_000 }).toBe(0);
    expect(judge(stage), ended.said).toEqual(right);
  });

  test("row 11: an answer that comes byte by byte does not hold the run for ever", async () => {
    const stage = await staged(shapes.no, { bends: { timeoutMs: 300 } });
    const fault: Fault = { kind: "slow", bytesPerSecond: 5 };
    stage.proxy.rules([{ match: shapes.no.writes, nth: 2, fault }]);
    const stuck = new Promise((resolve) => setTimeout(() => resolve("stuck"), 30_000).unref());
    const ended = stage.ebb(["apply", "plan.ebb"], {
      meanwhile: (child) => void stuck.then(() => child.kill("SIGKILL")),
    });
    expect(await ended).toMatchObject({ code: 0, signal: null });
    expect(judge(stage)).toEqual(right);
  });
});

/** What a plan reads, with the login. */
const reads = /^(GET|POST) .*(\/query|oauth2\/token|describe)/;

describe("while it plans", { timeout: 240_000 }, () => {
  const faults: Readonly<Record<string, Fault>> = {
    "a reset before the call": { kind: "reset", when: "before" },
    "a reset within the body": { kind: "reset", when: "body" },
    "half of the JSON": { kind: "truncate" },
    "an HTML page": { kind: "answer", status: 502, body: html },
    "an empty 200": { kind: "answer", status: 200 },
    "429 with seconds": { kind: "answer", status: 429, headers: { "retry-after": "1" } },
  };
  const nowAndThen = async (fault: Fault) => {
    const stage = await staged(shapes.no);
    stage.proxy.rules([{ match: reads, every: 2, fault }]);
    const { code, err, out } = await stage.ebb(["plan", "--json"]);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      complete: true,
      syncs: [{ counts: { create: 40, update: 20, delete: 10 } }],
    });
  };
  test.each(some(Object.entries(faults)))("%s now and then: the plan is as without it", (_, fault) =>
    nowAndThen(fault),
  );

  test.each(some(Object.entries(faults)))("%s always: the plan is incomplete and deletes nothing", async (_, fault) => {
    const stage = await staged(shapes.no);
    stage.proxy.rules([{ match: /\/query/, fault }]);
    const bends = { speed: { factor: 10, epoch: Date.now() } };
    const { code, err, out } = await stage.ebb(["plan", "--json"], { bends });
    expect(code, err).toBe(4);
    expect(JSON.parse(out)).toMatchObject({ complete: false, syncs: [{ counts: { delete: 0 } }] });
    expect(stage.proxy.count(shapes.no.writes)).toBe(0);
  });

  test("row 22: rows that change meanwhile: the plan is of one moment, and applies as it stands", async () => {
    const stage = await staged(shapes.no);
    stage.proxy.watch((call, phase) => {
      if (phase === "arrived" && call.includes("/query")) writeRows(stage.directory, people(0, 5));
    });
    const plan = await stage.ebb(["plan", "--out", "plan.ebb", "--json"]);
    stage.proxy.watch(undefined);
    expect(plan.code, plan.err).toBe(0);
    const [{ counts }] = JSON.parse(plan.out).syncs;
    const old = { create: 40, update: 20, delete: 10 };
    const now = { create: 0, update: 0, delete: 25 };
    expect([old, now]).toContainEqual(counts);
    expect((await stage.ebb(["apply", "plan.ebb"])).code).toBe(0);
    expect(judge(stage, counts.create > 0 ? desired : people(0, 5))).toEqual(right);
  });
});
