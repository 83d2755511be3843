import type { Declared } from "./declared.ts";
import { Policy, type PolicyProps } from "./policy.ts";

export interface FieldOwnerProps extends PolicyProps {
  /** Connection the object is reached by; without it, whichever reaches one of that name. */
  readonly connection?: string;
  readonly object: string;
  readonly fields: readonly string[];
  /** Name of the only sync that may write them. */
  readonly owner: string;
}

/**
 * Fields of an object that one sync alone may write. Another may name them only as the owner's, with
 * `field(…).ownedBy(owner)`: it then writes them in records that it creates, and never afterwards.
 *
 * @example
 * Aspects.of(stack).add(new FieldOwner({ object: "Contact", fields: ["Lifetime_Value__c"], owner: "customer-ltv" }));
 */
export class FieldOwner extends Policy {
  readonly code = "FIELD_OWNER";
  readonly #props: FieldOwnerProps;

  constructor(props: FieldOwnerProps) {
    super(props);
    this.#props = props;
  }

  protected check({ name, connection, object, fields }: Declared): readonly string[] {
    const { owner, fields: owned, object: of, connection: by } = this.#props;
    if (name === owner || object !== of || (by !== undefined && connection !== by)) return [];
    return owned
      .filter((field) => field in fields && fields[field]?.owner !== owner)
      .map(
        (field) =>
          `fields.${field} of ${of} belongs to sync "${owner}"; remove it here, or say .ownedBy("${owner}") to write it only in new records`,
      );
  }
}
