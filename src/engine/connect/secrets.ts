import { isAbsolute, join } from "node:path";
import type * as z from "zod";
import { isSecret } from "../../connector/index.ts";
import { AuthError } from "../../core/errors.ts";
import type { World } from "../world.ts";

/** As much of the world as a reference is followed in. */
export type SecretWorld = Pick<World, "env" | "directory" | "disk">;

/** Options with every reference replaced by what it refers to. Called when a connection opens, never before. */
export async function resolveSecrets(
  world: SecretWorld,
  connection: string,
  schema: z.ZodObject,
  options: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const resolved: Record<string, unknown> = { ...options };
  for (const [name, field] of Object.entries(schema.shape)) {
    const value = options[name];
    // A secret is always a reference; any other text may be one to the environment.
    if (typeof value === "string" && (isSecret(field as z.ZodType) || value.startsWith("env:")))
      resolved[name] = await resolveReference(world, `${connection}.${name}`, value);
  }
  return resolved;
}

/** Options for a sandbox, which brings its own credentials: references are followed where they lead to something. */
export function sandboxOptions(
  world: World,
  schema: z.ZodObject,
  options: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([name, value]) => {
      if (isSecret(schema.shape[name] as z.ZodType)) return [];
      if (typeof value !== "string" || !value.startsWith("env:")) return [[name, value]];
      const found = world.env[value.slice("env:".length)];
      return found ? [[name, found]] : [];
    }),
  );
}

/**
 * What `env:NAME` or `file:PATH` refers to. `at` says in messages where the reference stands.
 *
 * @throws AuthError SECRET_MISSING
 */
export async function resolveReference(world: SecretWorld, at: string, reference: string): Promise<string> {
  const [kind, ...rest] = reference.split(":");
  const name = rest.join(":");
  if (kind === "env") {
    const value = world.env[name];
    if (value) return value;
    throw new AuthError("SECRET_MISSING", `${at}: the environment variable ${name} is not set`, { at });
  }
  const path = isAbsolute(name) ? name : join(world.directory, name);
  const text = await world.disk.read(path);
  if (text === null) throw new AuthError("SECRET_MISSING", `${at}: there is no file ${path}`, { at });
  return text.trim();
}
