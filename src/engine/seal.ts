/**
 * Sealed plan files: an age file (binary, `age-encryption.org/v1`) around the ordinary archive, for one recipient or
 * several. Bytes pass through in both directions; no whole plan is ever in memory.
 * @module
 */
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { streamToFile } from "../connector/stream-to-file.ts";
import { ConfigError, ConflictError } from "../core/errors.ts";
import { isRefusal } from "./write-whole.ts";

/** Encrypts what is written to a plan file. */
export type Seal = (plain: NodeJS.ReadableStream) => Promise<Readable>;

/** A key pair: `identity` is the secret half (`AGE-SECRET-KEY-1…`), `recipient` the public one (`age1…`). */
export interface KeyPair {
  readonly identity: string;
  readonly recipient: string;
}

const FIRST_LINE = "age-encryption.org/v1\n";

/** Tells an age file by its first line. */
export async function isSealed(file: string): Promise<boolean> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FIRST_LINE.length), 0, FIRST_LINE.length, 0);
    return buffer.toString("latin1", 0, bytesRead) === FIRST_LINE;
  } finally {
    await handle.close();
  }
}

/**
 * What encrypts to recipients (`age1…`): any one of their keys opens it.
 *
 * @throws ConfigError PLAN_RECIPIENT for one that is not an age public key
 */
export async function sealTo(recipients: readonly string[]): Promise<Seal> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  for (const [i, recipient] of recipients.entries())
    try {
      encrypter.addRecipient(recipient);
    } catch {
      // Without the library's own words: what was given by mistake may be a secret key.
      const which = /^age1[0-9a-z]+$/.test(recipient) ? `"${recipient.slice(0, 12)}…"` : `number ${i + 1}`;
      throw new ConfigError("PLAN_RECIPIENT", `recipient ${which} is not an age public key`);
    }
  return async (plain) => asNode(await encrypter.encrypt(asWeb(Readable.from(plain, { objectMode: false }))));
}

/**
 * Decrypts a sealed plan file into another file, which is to be read only when this has succeeded.
 *
 * @param identities secret keys, `AGE-SECRET-KEY-1…`
 * @throws ConflictError PLAN_SEALED without a key, PLAN_KEY_WRONG when none fits, PLAN_UNREADABLE when it is truncated or altered
 */
export async function unseal(file: string, identities: readonly string[], to: string): Promise<void> {
  if (identities.length === 0) throw new ConflictError("PLAN_SEALED", `${file} is encrypted, and no key was given`);
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  for (const identity of identities)
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw new ConfigError("PLAN_IDENTITY", "a key given to decrypt the plan is damaged");
    }
  // Asked last, and so only when no key fits.
  let noneFits = false;
  decrypter.addIdentity({
    unwrapFileKey() {
      noneFits = true;
      return null;
    },
  });
  const sealed = createReadStream(file);
  try {
    const plain = asNode(await decrypter.decrypt(asWeb(sealed)));
    await streamToFile(plain, to);
  } catch (cause) {
    if (noneFits) throw new ConflictError("PLAN_KEY_WRONG", `none of the keys given opens ${file}`);
    if (isRefusal(cause)) throw new ConfigError("STATE_UNWRITABLE", `${to}: ${(cause as Error).message}`, { cause });
    throw new ConflictError("PLAN_UNREADABLE", `${file} cannot be decrypted: it is truncated, or was altered`, {
      cause,
    });
  } finally {
    sealed.destroy();
  }
}

/** A new key pair. */
export async function newKeyPair(): Promise<KeyPair> {
  const { generateX25519Identity, identityToRecipient } = await import("age-encryption");
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/**
 * The keys of an age identity file: lines that are neither empty nor a comment.
 *
 * @param from where the text stands, for the message
 * @throws ConfigError PLAN_IDENTITY with the number of the line that is no key
 */
export function identitiesIn(text: string, from: string): readonly string[] {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const strange = lines.findIndex((line) => !/^(#.*|AGE-SECRET-KEY-(PQ-)?1[0-9A-Z]+)?$/.test(line));
  if (strange >= 0) throw new ConfigError("PLAN_IDENTITY", `${from}: line ${strange + 1} is not an age secret key`);
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length === 0) throw new ConfigError("PLAN_IDENTITY", `${from} holds no age secret key`);
  return keys;
}

function asWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}

function asNode(stream: ReadableStream<Uint8Array>): Readable {
  return Readable.fromWeb(stream);
}
