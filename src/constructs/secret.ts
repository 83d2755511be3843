import { ConfigError } from "../core/errors.ts";

/**
 * Refers to a secret, so that the secret itself never stands in code, in synthesized JSON or in Terraform's state.
 * Made with {@link env} or {@link file}.
 */
export type SecretReference = string & { readonly 'a secret is made with env("NAME") or file("PATH")': true };

/**
 * A secret in an environment variable, read only when the connection opens.
 *
 * @example env("SF_CLIENT_SECRET")
 */
export function env(name: string): SecretReference {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new ConfigError("CONFIG_INVALID", "env() takes the name of an environment variable, not its value");
  return `env:${name}` as SecretReference;
}

/**
 * A secret in a file, relative to the project, read only when the connection opens.
 *
 * @example file("secrets/snowflake.p8")
 */
export function file(path: string): SecretReference {
  if (path === "") throw new ConfigError("CONFIG_INVALID", "file() takes the path of a file");
  return `file:${path}` as SecretReference;
}
