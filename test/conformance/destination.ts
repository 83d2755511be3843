/** The promises every destination keeps, checked from what it declares. @module */
import { describe, expect, onTestFinished, test } from "vitest";
import type { System } from "../../src/connector/index.ts";
import type { Check } from "./check.ts";
import type { DestinationFixture, Waiver } from "./fixture.ts";
import { httpChecks } from "./http-checks.ts";
import { readChecks } from "./read-checks.ts";
import { writeChecks } from "./write-checks.ts";

/** The checks a system's capabilities call for. */
export function checksFor({ destination, sandbox }: System): readonly Check[] {
  const { capabilities } = destination ?? {};
  if (!capabilities) return [];
  const all = [...readChecks, ...writeChecks, ...(sandbox ? httpChecks : [])];
  return all.filter(({ applies }) => applies?.(capabilities) ?? true);
}

/**
 * Runs every check that the destination's capabilities call for. A check is skipped only with a reason.
 *
 * @param setup makes a fixture with an empty object, anew for each check
 * @example testDestination(memory, memoryFixture)
 */
export function testDestination(
  system: System,
  setup: () => Promise<DestinationFixture>,
  waivers: readonly Waiver[] = [],
): void {
  const checks = checksFor(system);
  describe(`${system.title} as a destination`, () => {
    test("every waiver names a check and a reason", () => {
      expect(checks.length).toBeGreaterThan(0);
      for (const { check, reason } of waivers) {
        expect(checks.map(({ name }) => name)).toContain(check);
        expect(reason.length).toBeGreaterThan(10);
      }
    });
    for (const { name, lacks, run } of checks) {
      const waiver = waivers.find(({ check }) => check === name);
      if (waiver) test.skip(`${name} — waived: ${waiver.reason}`);
      else
        test(name, { timeout: 120_000 }, async (context) => {
          const fixture = await setup();
          onTestFinished(async () => fixture.close?.());
          const missing = lacks?.(fixture);
          if (missing) return context.skip(missing);
          await run(fixture);
        });
    }
  });
}
