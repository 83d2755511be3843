/** Functions that configurations can call as `provider::ebb::NAME`. @module */
import type { TerraformType } from "./schema.ts";

/** One function, in the format of `terraform providers schema -json`. */
export interface FunctionSchema {
  readonly description: string;
  readonly summary: string;
  readonly return_type: TerraformType;
  readonly parameters: readonly {
    readonly name: string;
    readonly description: string;
    readonly type: TerraformType;
  }[];
}

export const functions: Readonly<Record<string, FunctionSchema>> = {
  mask: {
    summary: "A token in place of a private value",
    description:
      "Gives a short token that is the same for the same value and salt and does not tell the value, as Ebb's own plans show it.",
    return_type: "string",
    parameters: [
      { name: "value", description: "What is not to be shown.", type: "string" },
      { name: "salt", description: "Any text. Tokens of one salt can be compared with each other.", type: "string" },
    ],
  },
};
