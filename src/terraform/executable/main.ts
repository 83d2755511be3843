/** Where the provider as one executable file begins: Node.js with the packed provider inside. @module */
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";
import { getAsset, getRawAsset } from "node:sea";
import { unpacked } from "./unpack.ts";

const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
const packed = {
  digest: getAsset("digest", "utf8"),
  zip: () => Buffer.from(getRawAsset("zip") as ArrayBuffer),
};
unpacked(packed, cache).then(
  (file) => createRequire(file)(file),
  (error: Error) => {
    process.stderr.write(`Ebb's provider cannot unpack itself: ${error.message}
  Next: Let XDG_CACHE_HOME name a folder that it can write to, or free some space there.
`);
    process.exitCode = 1;
  },
);
