/** Data blocks of a report: gzipped, in base64, in elements that nothing executes. @module */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { CodesBlock } from "./format.ts";
import type { Html } from "./markup.ts";

const compressed = promisify(gzip);

/** One block as an element. Base64 has no character that could end it. */
export async function block(id: string, data: Uint8Array | string): Promise<Html> {
  const bytes = await compressed(data, { level: 5 });
  return `<script type="application/octet-stream" id="${id}">${bytes.toString("base64")}</script>\n` as Html;
}

/**
 * Whole numbers byte by byte: all lowest bytes first. Numbers that grow from one to the next, and small ones, then pack to
 * nearly nothing.
 */
export function packed(codes: Uint32Array): { readonly bytes: CodesBlock["bytes"]; readonly data: Uint8Array } {
  let most = 0;
  for (let i = 0; i < codes.length; i++) most = Math.max(most, codes[i] ?? 0);
  const bytes = most < 2 ** 8 ? 1 : most < 2 ** 16 ? 2 : most < 2 ** 24 ? 3 : 4;
  const data = new Uint8Array(bytes * codes.length);
  for (let b = 0; b < bytes; b++)
    for (let i = 0; i < codes.length; i++) data[b * codes.length + i] = ((codes[i] ?? 0) >>> (8 * b)) & 255;
  return { bytes, data };
}
