import * as z from "zod";

const reference = /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/;

/** True for `env:NAME` and `file:PATH`. */
export function isReference(value: string): boolean {
  return reference.test(value);
}

/** Text that must be a reference to a secret, resolved only when the secret is used. */
export function secretReference(description: string) {
  return z
    .string()
    .refine(isReference, { error: "SECRET_LITERAL" })
    .describe(`${description} A reference: \`env:NAME\` or \`file:PATH\`.`);
}
