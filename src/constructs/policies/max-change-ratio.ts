import type { Sync, SyncProps } from "../sync.ts";
import type { Declared } from "./declared.ts";
import { Policy, type PolicyProps } from "./policy.ts";

export interface MaxChangeRatioProps extends PolicyProps {
  /** The most `guards.maxChangePercent` may be: updates and deletes as a share of the records there are. */
  readonly changePercent?: number;
  /** The most `guards.maxDeletePercent` may be. */
  readonly deletePercent?: number;
  /** Names of syncs it says nothing about. */
  readonly except?: readonly string[];
}

/**
 * Every sync has guards, and none lets more through than this. A sync that says nothing gets them; one that asks for more
 * is refused.
 *
 * @example
 * Aspects.of(stack).add(new MaxChangeRatio({ changePercent: 20, deletePercent: 2 }));
 */
export class MaxChangeRatio extends Policy {
  readonly code = "MAX_CHANGE_RATIO";
  readonly #most: Readonly<Record<"maxChangePercent" | "maxDeletePercent", number | undefined>>;
  readonly #except: readonly string[];

  constructor(props: MaxChangeRatioProps) {
    super(props);
    this.#most = { maxChangePercent: props.changePercent, maxDeletePercent: props.deletePercent };
    this.#except = props.except ?? [];
  }

  protected check({ name, guards }: Declared, sync: Sync): readonly string[] {
    if (this.#except.includes(name)) return [];
    const missing: Record<string, number> = {};
    const found = Object.entries(this.#most).flatMap(([guard, most]) => {
      const given = guards[guard];
      if (most === undefined || (typeof given === "number" && given <= most)) return [];
      if (given !== undefined) return [`guards.${guard} is ${given}; lower it to ${most}, or except "${name}"`];
      missing[guard] = most;
      return [];
    });
    if (Object.keys(missing).length > 0) sync.putGuards({ ...(sync.guardsInput as SyncProps["guards"]), ...missing });
    return found;
  }
}
