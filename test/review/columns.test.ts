import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Value } from "../../src/core/types.ts";
import type { PlannedChange } from "../../src/engine/diff/changes.ts";
import type { OpenPlan } from "../../src/engine/plan-file.ts";
import { changeKinds, withColumns } from "../../src/engine/review/columns.ts";
import { type Stratum, sharesOf } from "../../src/engine/review/share.ts";
import type { NumberedTexts } from "../../src/engine/staging/staging.ts";
import { plannedChanges } from "../world.ts";
import { makePlan, type PlanName, planNames } from "./plans.ts";

let folder: string;
const plans = new Map<PlanName, OpenPlan>();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ebb-columns-"));
}, 10_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function planOf(name: PlanName): Promise<OpenPlan> {
  const made = plans.get(name) ?? (await makePlan(name, await mkdtemp(join(folder, "plan-"))));
  plans.set(name, made);
  return made;
}

interface Carried {
  readonly n: number;
  readonly action: string;
  readonly reason: string;
  readonly key: string;
  readonly before: Record<string, Value>;
  readonly after: Record<string, Value>;
  readonly drifted: readonly string[];
  readonly unchanged: Record<string, Value>;
}

/** The changes again, one by one, from their columns. */
function carriedChanges(plan: OpenPlan, cap = 1_000_000): Promise<readonly Carried[]> {
  const options = { cap, carriesUnchanged: (_: string, field: string) => field === "country", carriesIds: false };
  return withColumns(plan, options, async (syncs) => {
    const all: Carried[] = [];
    for await (const sync of syncs) {
      const { kinds, positions } = await sync.heads();
      const keys = await listed(sync.keys());
      const own = keys.map((key, i) => {
        const { action, reason } = changeKinds[kinds[i] ?? 0] ?? { action: "", reason: "" };
        const drifted: string[] = [];
        return { n: positions[i] ?? 0, action, reason, key, before: {}, after: {}, drifted, unchanged: {} };
      });
      expect(own).toHaveLength(sync.rows);
      for await (const field of sync.fields()) {
        const values: readonly Value[] = [null, ...(await listed(field.values()))];
        const put = (images: Record<string, Value>, code = 0) => {
          if (code > 0) images[field.name] = values[code - 1] ?? null;
        };
        for (const [i, change] of own.entries()) {
          put(change.before, field.from[i]);
          put(change.after, field.to[i]);
          put(change.unchanged, field.kept?.[i]);
          if (field.theirs?.[i]) change.drifted.push(field.name);
        }
      }
      all.push(...own);
    }
    return all;
  });
}

async function listed(pages: AsyncIterable<NumberedTexts>): Promise<readonly string[]> {
  const all: string[] = [];
  for await (const { numbers, texts } of pages)
    texts.forEach((text, r) => {
      all[numbers[r] ?? 0] = text;
    });
  return all;
}

function asCarried({ change, reason, drifted }: PlannedChange): Omit<Carried, "unchanged"> {
  const { n, action, key } = change;
  const before = action === "create" ? {} : change.before;
  return { n, action, reason, key, before, after: action === "delete" ? {} : change.after, drifted };
}

describe("columns of a plan's changes", { timeout: 120_000 }, () => {
  test.each(planNames)("%s: they hold each change as it is in the plan", async (name) => {
    const plan = await planOf(name);
    const carried = await carriedChanges(plan);
    const expected = (await plannedChanges(plan)).map(asCarried);
    expect(carried.length).toBeGreaterThan(2);
    const byPosition = carried.toSorted((a, b) => a.n - b.n).map(({ unchanged: _, ...change }) => change);
    expect(byPosition).toEqual(expected);
  });

  test("deletes come first, then what overwrites others' edits, then updates, then creates", async () => {
    const rank = ({ action, reason }: Carried) =>
      action === "delete" ? 0 : reason !== "warehouse" ? 1 : action === "update" ? 2 : 3;
    for (const name of ["huge", "drifted"] as const) {
      const ranks = (await carriedChanges(await planOf(name))).map(rank);
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      expect(new Set(ranks).size).toBeGreaterThan(1);
    }
  });

  test("a value that an update leaves as it is, is carried where it is asked for", async () => {
    const updates = (await carriedChanges(await planOf("huge"))).filter(({ action }) => action === "update");
    expect(updates.every(({ unchanged }) => Object.keys(unchanged).join() === "country")).toBe(true);
    expect(updates.filter(({ unchanged }) => unchanged.country === "DE").length).toBeGreaterThan(5_000);
  });

  test("above the cap every delete is carried, and the same sample of the rest each time", async () => {
    const plan = await planOf("huge");
    const carried = await carriedChanges(plan, 1_000);
    expect(carried.filter(({ action }) => action === "delete")).toHaveLength(60);
    expect(carried.filter(({ action }) => action === "create")).toHaveLength(300);
    const updates = carried.filter(({ action }) => action === "update");
    expect(Math.abs(updates.length - 640)).toBeLessThan(20);
    // Spread over all of them, not the first ones.
    const last = Math.max(...updates.map(({ n }) => n));
    expect(last).toBeGreaterThan(6_000);
    expect(await carriedChanges(plan, 1_000)).toEqual(carried);
  });
});

const stratum = fc.record<Stratum>({
  action: fc.constantFrom("create", "update", "delete"),
  reason: fc.constantFrom("warehouse", "drift", "conflict"),
  count: fc.integer({ min: 1, max: 1_000_000 }),
});

test("shares keep to the cap, use it, and give deletes the room first", () => {
  fc.assert(
    fc.property(fc.array(stratum, { maxLength: 12 }), fc.integer({ min: 1, max: 300_000 }), (strata, cap) => {
      const shares = sharesOf(strata, cap);
      const sum = (some: readonly Stratum[]) => some.reduce((all, one) => all + (shares.get(one) ?? 0) * one.count, 0);
      const total = strata.reduce((all, { count }) => all + count, 0);
      expect(shares.size).toBe(strata.length);
      expect(sum(strata)).toBeLessThanOrEqual(cap + 1);
      expect(sum(strata)).toBeGreaterThan(Math.min(total, cap) - 1);
      const deletes = strata.filter(({ action }) => action === "delete");
      const wanted = deletes.reduce((all, { count }) => all + count, 0);
      expect(sum(deletes)).toBeCloseTo(Math.min(wanted, cap), 3);
    }),
  );
});
