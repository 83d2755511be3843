import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Assets } from "../report/html/page.ts";

/**
 * The script and the style of a report. The build puts them beside the generator; where Ebb runs from its sources, as in
 * its tests, they are made as the build makes them.
 */
export async function pageAssets(): Promise<Assets> {
  const near = (path: string) => new URL(path, import.meta.url);
  if (import.meta.url.endsWith(".ts")) {
    const build: { pageAssets(root: string): Assets } = await import(near("../../scripts/page-assets.ts").href);
    return build.pageAssets(fileURLToPath(near("../..")));
  }
  const read = (name: string) => readFile(near(`../report/html/${name}`), "utf8");
  return { script: await read("page-script.js"), style: await read("page-style.css") };
}
