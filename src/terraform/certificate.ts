/** A self-signed certificate for one process, so that only the Terraform that started it is served. @module */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

export interface Certificate {
  readonly der: Buffer;
  readonly pem: string;
  readonly key: string;
}

const SEQUENCE = 0x30;
const SET = 0x31;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Its name is `localhost`, as Terraform expects; it is valid from yesterday, whatever the clocks say. */
export function createCertificate(now: number): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = der(SEQUENCE, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)); // ecdsa-with-SHA256
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from("localhost")))));
  const body = der(
    SEQUENCE,
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    name,
    der(SEQUENCE, time(now - DAY_MS), time(now + 365 * DAY_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, der(SEQUENCE, alternativeName, usage)),
  );
  const signature = sign("sha256", body, privateKey);
  const whole = der(SEQUENCE, body, algorithm, der(0x03, Buffer.of(0), signature));
  const lines = whole.toString("base64").replace(/(.{64})/g, "$1\n");
  return {
    der: whole,
    pem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  };
}

const alternativeName = extension(oid(0x55, 0x1d, 0x11), der(0x82, Buffer.from("localhost")));
/** For servers and for clients. */
const usage = extension(
  oid(0x55, 0x1d, 0x25),
  oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01),
  oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02),
);

function extension(id: Buffer, ...values: readonly Buffer[]): Buffer {
  return der(SEQUENCE, id, der(0x04, der(SEQUENCE, ...values)));
}

function oid(...bytes: readonly number[]): Buffer {
  return der(0x06, Buffer.from(bytes));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "");
  return der(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
