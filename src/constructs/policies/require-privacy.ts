import type { Declared } from "./declared.ts";
import { Policy, type PolicyProps } from "./policy.ts";

const classes: readonly unknown[] = ["public", "internal", "pii", "secret"];

export interface RequirePrivacyProps extends PolicyProps {
  /** Fields that need none: `SYNC.FIELD`. */
  readonly except?: readonly string[];
}

/**
 * Every field says how private its values are, so that nobody has merely forgotten to.
 *
 * @example
 * Aspects.of(stack).add(new RequirePrivacy({ level: "warn" }));
 */
export class RequirePrivacy extends Policy {
  readonly code = "REQUIRE_PRIVACY";
  readonly #except: readonly string[];

  constructor(props: RequirePrivacyProps = {}) {
    super(props);
    this.#except = props.except ?? [];
  }

  protected check({ name, fields }: Declared): readonly string[] {
    return Object.entries(fields)
      .filter(([field, { privacy }]) => !classes.includes(privacy) && !this.#except.includes(`${name}.${field}`))
      .map(([field]) => `fields.${field} declares no class; add .public(), .internal(), .pii() or .secret()`);
  }
}
