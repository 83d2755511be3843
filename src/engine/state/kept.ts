/** Small secrets kept with the state, encrypted: AES-256-GCM under a key derived (scrypt) from a secret of the connection. @module */
import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from "node:crypto";
import { join } from "node:path";
import type { Kept } from "../../connector/index.ts";
import type { World } from "../world.ts";
import { fileName } from "./state.ts";

interface Sealed {
  readonly salt: string;
  readonly nonce: string;
  readonly tag: string;
  readonly text: string;
}

/** @param directory of the state */
export function openKept(world: World, directory: string, connection: string, name: string, seal: string): Kept {
  // The seal is part of the name: who changes the client secret starts anew, and may go back.
  const about = createHash("sha256").update(seal).digest("hex").slice(0, 12);
  const file = join(directory, "kept", `${fileName(connection)}.${name}.${about}.json`);
  const keyOf = (salt: Buffer) => scryptSync(seal, salt, 32);
  return {
    async get() {
      const stored = await world.disk.read(file);
      return stored === null ? undefined : unseal(stored, keyOf);
    },
    async set(value) {
      const salt = randomBytes(16);
      const nonce = randomBytes(12);
      const cipher = createCipheriv("aes-256-gcm", keyOf(salt), nonce);
      const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
      const sealed = { salt, nonce, tag: cipher.getAuthTag(), text };
      const written = Object.fromEntries(
        Object.entries(sealed).map(([part, bytes]) => [part, bytes.toString("base64")]),
      );
      await world.disk.replace(file, `${JSON.stringify(written)}\n`);
    },
  };
}

/** Undefined for whatever cannot be opened: the connection then signs in from its own secrets. */
function unseal(stored: string, keyOf: (salt: Buffer) => Buffer): string | undefined {
  try {
    const { salt, nonce, tag, text } = JSON.parse(stored) as Sealed;
    const opener = createDecipheriv("aes-256-gcm", keyOf(Buffer.from(salt, "base64")), Buffer.from(nonce, "base64"), {
      authTagLength: 16,
    });
    opener.setAuthTag(Buffer.from(tag, "base64"));
    return Buffer.concat([opener.update(Buffer.from(text, "base64")), opener.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}
