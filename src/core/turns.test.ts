import fc from "fast-check";
import { expect, test } from "vitest";
import { createSharedTurns, createTurns } from "./turns.ts";

/** Work that goes on until it is told to end. */
function held() {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}

const rest = () => new Promise((resolve) => setImmediate(resolve));

test("one goes on after the other, in the order they came, and what fails holds up nobody", async () => {
  const inTurn = createTurns();
  const seen: string[] = [];
  const first = held();
  const ends = [
    inTurn(async () => {
      seen.push("a begins");
      await first.ended;
      seen.push("a ends");
    }),
    inTurn(() => Promise.reject(new TypeError("b"))),
    inTurn(async () => seen.push("c")),
  ];
  const all = Promise.allSettled(ends);
  await rest();
  expect(seen).toEqual(["a begins"]);
  first.end();
  expect((await all).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(seen).toEqual(["a begins", "a ends", "c"]);
});

test("so many go on beside each other, whoever goes on alone is alone, and all begin in the order they came", async () => {
  const work = fc.record({ alone: fc.boolean(), fails: fc.boolean(), steps: fc.integer({ min: 0, max: 4 }) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(work, { maxLength: 30 }), async (most, all) => {
      const turns = createSharedTurns(most);
      const begun: number[] = [];
      let beside = 0;
      let alone = 0;
      let busiest = 0;
      const ended = await Promise.allSettled(
        all.map((one, i) =>
          (one.alone ? turns.alone : turns.beside)(async () => {
            begun.push(i);
            if (one.alone) alone += 1;
            else beside += 1;
            busiest = Math.max(busiest, beside);
            expect(alone * (alone + beside - 1)).toBe(0);
            for (let step = 0; step < one.steps; step++) await rest();
            if (one.alone) alone -= 1;
            else beside -= 1;
            if (one.fails) throw new TypeError("failed");
          }),
        ),
      );
      expect(ended.map(({ status }) => status === "rejected")).toEqual(all.map(({ fails }) => fails));
      expect(begun).toEqual(all.map((_, i) => i));
      expect(busiest).toBeLessThanOrEqual(most);
      if (all.filter((one) => !one.alone).length === all.length && all.every(({ steps }) => steps > 0))
        expect(busiest).toBe(Math.min(most, all.length));
    }),
    { numRuns: 200 },
  );
});
