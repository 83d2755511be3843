import type { Reporter, TestModule } from "vitest/node";

/** Prints every test that was skipped for a reason, with the reason: a skip that nobody sees is a hole. */
export default class Skips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped = modules.flatMap((module) =>
      [...module.children.allTests("skipped")].flatMap((test) => {
        const result = test.result();
        const note = result.state === "skipped" ? result.note : undefined;
        return note ? [`  ${module.relativeModuleId} > ${test.fullName}: ${note}`] : [];
      }),
    );
    if (skipped.length > 0) process.stdout.write(`\nSkipped, and why:\n${skipped.join("\n")}\n`);
  }
}
