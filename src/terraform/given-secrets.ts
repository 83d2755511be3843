/** Secrets that Terraform hands over as values: from ephemeral or sensitive variables, or from other providers. @module */
import type * as z from "zod";
import { isReference, isSecret } from "../connector/system.ts";
import { isObject } from "../core/is-object.ts";
import type { SystemShape } from "../core/sync-rules.ts";

export interface GivenSecrets {
  /** The connections, with a reference in place of each secret. */
  readonly connections: unknown;
  /** What the references stand for, by the name of their variable. It lives in this process and nowhere else. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Puts references in place of secrets. The reference follows from the option's place, so that a plan still holds when
 * the secret has been renewed, and nothing made of the configuration tells the secret.
 *
 * @param connections in our names
 */
export function takeSecrets(connections: unknown, systems: readonly SystemShape[]): GivenSecrets {
  const secrets: Record<string, string> = {};
  if (!isObject(connections)) return { connections, secrets };
  const options = (connection: string, system: string, given: unknown) => {
    const shape = systems.find(({ name }) => name === system)?.connection.shape;
    if (!shape || !isObject(given)) return given;
    return mapped(given, (value, option) => {
      if (typeof value !== "string" || value === "" || isReference(value)) return value;
      if (!Object.hasOwn(shape, option) || !isSecret(shape[option] as z.ZodType)) return value;
      const variable = `EBB_GIVEN_${Buffer.from(`${connection}.${option}`).toString("hex")}`;
      secrets[variable] = value;
      return `env:${variable}`;
    });
  };
  const sealed = mapped(connections, (given, connection) =>
    isObject(given) ? mapped(given, (inner, system) => options(connection, system, inner)) : given,
  );
  return { connections: sealed, secrets };
}

function mapped(value: Readonly<Record<string, unknown>>, use: (item: unknown, name: string) => unknown) {
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, use(item, name)]));
}
