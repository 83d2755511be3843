/**
 * Secrets of masks on their way into the staging engine: as bound values of variables, which stand in no SQL text and so
 * in no message, and only while a sync's own statements run.
 * @module
 */
import { createHash, createHmac } from "node:crypto";
import type { Column } from "../../connector/index.ts";
import { AuthError, ConfigError } from "../../core/errors.ts";
import { columnProblem } from "../../core/mask-rules.ts";
import { mappingSecrets, padVariable, type SecretUse } from "../../core/masks.ts";
import type { Sync } from "../../core/sync.ts";
import { resolveReference, type SecretWorld } from "../connect/secrets.ts";
import type { Staging } from "../staging/staging.ts";

export interface MaskSecrets {
  /** Padded keys by the variables they belong in. */
  readonly pads: ReadonlyMap<string, Uint8Array>;
  /** Another text when a secret has another value; tells nothing of it that a token does not. */
  readonly check: string;
}

/** Shorter keys can be found by trying. */
const LEAST_BYTES = 16;
const BLOCK = 64;

/**
 * Resolves what a sync's masks refer to.
 *
 * @throws AuthError SECRET_MISSING, SECRET_WEAK
 */
export async function maskSecrets(world: SecretWorld, sync: Sync): Promise<MaskSecrets> {
  const pads = new Map<string, Uint8Array>();
  const checks = new Map<string, string>();
  for (const [field, mapping] of Object.entries(sync.fields))
    for (const [use, reference] of mappingSecrets(mapping)) {
      const at = `sync "${sync.name}": fields.${field}`;
      const secret = Buffer.from(await resolveReference(world, at, reference), "utf8");
      if (secret.length < LEAST_BYTES)
        throw new AuthError("SECRET_WEAK", `${at}: the secret at ${reference} has fewer than ${LEAST_BYTES} bytes`, {
          at,
        });
      const key = keyFor(use, secret);
      pads.set(padVariable(use, reference, "inner"), padded(key, 0x36));
      pads.set(padVariable(use, reference, "outer"), padded(key, 0x5c));
      checks.set(`${use} ${reference}`, createHmac("sha256", key).update("ebb: is it the same key").digest("hex"));
    }
  return { pads, check: JSON.stringify([...checks].sort()) };
}

/** Runs statements that use the secrets. Nothing but those may run meanwhile: a query could ask for the variables. */
export async function withSecrets<T>(staging: Staging, { pads }: MaskSecrets, work: () => Promise<T>): Promise<T> {
  try {
    for (const [name, value] of pads) await staging.setVariable(name, value);
    return await work();
  } finally {
    for (const name of pads.keys()) await staging.setVariable(name, null);
  }
}

/** A token is the HMAC of the secret itself, so that others can compute it; noise is nobody else's. */
function keyFor(use: SecretUse, secret: Buffer): Buffer {
  return use === "token" ? secret : createHmac("sha256", secret).update("ebb: noise").digest();
}

/** RFC 2104: a key longer than a block is hashed, a shorter one filled with zeros. */
function padded(key: Buffer, byte: number): Uint8Array {
  const short = key.length > BLOCK ? createHash("sha256").update(key).digest() : key;
  return Uint8Array.from({ length: BLOCK }, (_, i) => (short[i] ?? 0) ^ byte);
}

/** Refuses a mask that no value of its column has a use for. */
export function checkMaskedColumns(sync: Sync, columns: readonly Column[]): void {
  const at = `sync "${sync.name}"`;
  for (const [field, mapping] of Object.entries(sync.fields)) {
    const column = columns.find(({ name }) => name === mapping.column);
    const problem = column && columnProblem(mapping, column.type.kind);
    if (problem)
      throw new ConfigError("CONFIG_INVALID", `${at}: column "${column.name}" (fields.${field}): ${problem}`, { at });
  }
}

/** Masks whose column leaves unmasked all the same, as the key. */
export function maskWarnings({ key, fields }: Sync): readonly string[] {
  return Object.entries(fields).flatMap(([field, { column, hash, tokenise, redact, bucket, noise }]) => {
    const masked = [hash, tokenise, redact, bucket, noise].some((mask) => mask !== undefined);
    return masked && column !== undefined && key.includes(column)
      ? [`${field} masks the column ${column}, which is also the key: keys are matched, sent and kept as they are`]
      : [];
  });
}
