import { onTestFinished } from "vitest";
import type { Shape } from "./shapes.ts";
import { openStage, type Stage, type StageOptions } from "./stage.ts";

/** A stage that is taken down when the test ends. */
export async function staged(shape: Shape, options: StageOptions = {}): Promise<Stage> {
  const stage = await openStage(shape, options);
  onTestFinished(() => stage.close());
  return stage;
}
