import { Annotations, type IAspect } from "cdktf";
import type { IConstruct } from "constructs";
import { Sync } from "../sync.ts";
import { type Declared, declaredBy } from "./declared.ts";

export interface PolicyProps {
  /** `deny` (default) fails the synthesis, and so `ebb validate` and `ebb plan`, with exit code 3; `warn` only says so. */
  readonly level?: "warn" | "deny";
}

/**
 * A rule for the syncs below a construct. `Aspects.of(stack).add(…)` holds it against every sync of a stack.
 * What it finds is an annotation on the sync: its code, what is wrong, and what to do.
 */
export abstract class Policy implements IAspect {
  /** Stable name, as a person looks it up. */
  abstract readonly code: string;
  readonly #level: "warn" | "deny";

  constructor({ level = "deny" }: PolicyProps = {}) {
    this.#level = level;
  }

  visit(node: IConstruct): void {
    if (!(node instanceof Sync)) return;
    const annotations = Annotations.of(node);
    for (const found of this.check(declaredBy(node), node)) {
      const message = `${this.code}: ${found}`;
      if (this.#level === "warn") annotations.addWarning(message);
      else annotations.addError(message);
    }
  }

  /** A sentence for each thing that is wrong, with what to do about it. */
  protected abstract check(declared: Declared, sync: Sync): readonly string[];
}
