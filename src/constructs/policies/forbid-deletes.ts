import type { Declared } from "./declared.ts";
import { Policy, type PolicyProps } from "./policy.ts";

export interface ForbidDeletesProps extends PolicyProps {
  /** Names of syncs that may delete. */
  readonly except?: readonly string[];
}

/**
 * Only the syncs named here may delete: with mode `mirror`, or with `onDestroy: "delete_records"` under Terraform.
 *
 * @example
 * Aspects.of(stack).add(new ForbidDeletes({ except: ["subscribers"] }));
 */
export class ForbidDeletes extends Policy {
  readonly code = "FORBID_DELETES";
  readonly #except: readonly string[];

  constructor(props: ForbidDeletesProps = {}) {
    super(props);
    this.#except = props.except ?? [];
  }

  protected check({ name, mode, onDestroy }: Declared): readonly string[] {
    if (this.#except.includes(name)) return [];
    const harmless = ["create", "update", "upsert"].includes(String(mode));
    const keeps = onDestroy === undefined || onDestroy === "keep";
    return [
      ...(harmless ? [] : [`mode ${mode} deletes records; use upsert, or except "${name}"`]),
      ...(keeps ? [] : [`onDestroy ${onDestroy} deletes records; use keep, or except "${name}"`]),
    ];
  }
}
