/** The promises every destination keeps, checked from what it declares. @module */
import { describe, expect, onTestFinished, test } from "vitest";
import { type Check } from "./check.ts";
import type { DestinationFixture, Waiver } from "./fixture.ts";
import { httpChecks } from "./http-checks.ts";
import { readChecks } from "./read-checks.ts";
import { writeChecks } from "./write-checks.ts";

export const destinationChecks: readonly Check[] = [...readChecks, ...writeChecks, ...httpChecks];

/**
 * Runs every check that the destination's capabilities call for. A check is skipped only with a reason.
 *
 * @param setup makes a fixture with an empty object, anew for each check
 * @example testDestination("memory", memoryFixture, [])
 */
export function testDestination(
  name: string,
  setup: () => Promise<DestinationFixture>,
  waivers: readonly Waiver[] = [],
): void {
  describe(`${name} as a destination`, () => {
    test("every waiver names a check and a reason", () => {
      const names = destinationChecks.map((check) => check.name);
      for (const { check, reason } of waivers) {
        expect(names).toContain(check);
        expect(reason.length).toBeGreaterThan(10);
      }
    });
    for (const check of destinationChecks) {
      const waiver = waivers.find((one) => one.check === check.name);
      if (waiver) test.skip(`${check.name} — waived: ${waiver.reason}`);
      else
        test(check.name, { timeout: 120_000 }, async (context) => {
          const fixture = await setup();
          onTestFinished(async () => fixture.close?.());
          const capabilities = fixture.system.destination?.capabilities;
          if (!capabilities) return expect.fail(`${name} is not a destination`);
          if (check.applies && !check.applies(capabilities, fixture)) return context.skip("not declared");
          await check.run(fixture);
        });
    }
  });
}
