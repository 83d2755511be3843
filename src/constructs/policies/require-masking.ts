import { mappingColumns } from "../../core/mapping.ts";
import { fieldMapping } from "../../core/sync.ts";
import type { Declared } from "./declared.ts";
import { Policy, type PolicyProps } from "./policy.ts";

/** Steps of a mapping that hide a value, or part of it. */
export const maskingSteps: readonly string[] = ["hash", "truncate", "tokenise", "redact", "bucket", "noise"];

/** What a mapping reads, whatever else it says. */
const reading = fieldMapping.pick({ column: true, template: true, lookup: true }).strip();

export interface RequireMaskingProps extends PolicyProps {
  /** Names to look for, in destination fields and in the columns they are made of. */
  readonly fields?: readonly (RegExp | string)[];
  /** Classes whose fields have to be masked (default: `pii` and `secret`). */
  readonly classes?: readonly ("pii" | "secret" | "internal")[];
  /** Steps that count as a mask (default: {@link maskingSteps}). */
  readonly steps?: readonly string[];
  /** What may go out as it is: `SYNC.FIELD`. */
  readonly except?: readonly string[];
}

/**
 * Fields that hold personal data go out masked: those whose name, or a column's name, fits, and those declared `pii` or
 * `secret`. A key that is matched with such a field counts where records are created, because it is written as it is.
 *
 * @example
 * Aspects.of(stack).add(new RequireMasking({ fields: [/email/i, /phone/i], except: ["newsletter.Email"] }));
 */
export class RequireMasking extends Policy {
  readonly code = "REQUIRE_MASKING";
  readonly #names: readonly (RegExp | string)[];
  readonly #classes: readonly string[];
  readonly #steps: readonly string[];
  readonly #except: readonly string[];

  constructor(props: RequireMaskingProps = {}) {
    super(props);
    this.#names = props.fields ?? [];
    this.#classes = props.classes ?? ["pii", "secret"];
    this.#steps = props.steps ?? maskingSteps;
    this.#except = props.except ?? [];
  }

  protected check({ name: sync, mode, fields, matchOn }: Declared): readonly string[] {
    const isExcepted = (field: string) => this.#except.includes(`${sync}.${field}`);
    const naked = Object.entries(fields).flatMap(([field, mapping]) => {
      const why = this.#reason(field, mapping);
      if (why === null || isExcepted(field) || this.#isMasked(mapping)) return [];
      return [
        `fields.${field} ${why} and goes out as it is; mask it (${this.#steps.join(", ")}) or except "${sync}.${field}"`,
      ];
    });
    const keys = mode === "update" ? [] : matchOn.map(String).filter((field) => !(field in fields));
    const written = keys
      .filter((field) => this.#fits(field) && !isExcepted(field))
      .map((field) => `the key is written to ${field} as it is; match by another field or except "${sync}.${field}"`);
    return [...naked, ...written];
  }

  /** Why a field has to be masked; null where it need not be. */
  #reason(field: string, mapping: Readonly<Record<string, unknown>>): string | null {
    if (mapping.constant !== undefined) return null;
    if (typeof mapping.privacy === "string" && this.#classes.includes(mapping.privacy)) return `is ${mapping.privacy}`;
    if (this.#fits(field)) return "is named as personal data";
    const { data } = reading.safeParse(mapping);
    const column = data && mappingColumns(data).find((one) => this.#fits(one));
    return column === undefined ? null : `is made of ${column}`;
  }

  #isMasked(mapping: Readonly<Record<string, unknown>>): boolean {
    return this.#steps.some((step) => mapping[step] !== undefined && mapping[step] !== null && mapping[step] !== false);
  }

  #fits(name: string): boolean {
    // A pattern with /g remembers where it stopped.
    return this.#names.some((one) => (typeof one === "string" ? one === name : name.search(one) >= 0));
  }
}
