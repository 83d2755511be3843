/**
 * What the HTML report has besides its data: one script and one style. The script is the files of `client/`, compiled and
 * set one after the other, each after those it imports, behind the library for word diffs.
 * @module
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";

export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** @param root folder of the project, with its sources and packages */
export function pageAssets(root: string): PageAssets {
  const folder = join(root, "src/report/html");
  const parts: string[] = [];
  const seen = new Set<string>();
  const take = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = readFileSync(file, "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        removeComments: true,
        verbatimModuleSyntax: true,
      },
    });
    for (const { fileName } of ts.preProcessFile(outputText).importedFiles)
      if (fileName.startsWith(".")) take(join(dirname(file), fileName));
    parts.push(asScript(outputText));
  };
  take(join(folder, "client/main.ts"));
  const diff = readFileSync(join(root, "node_modules/diff/dist/diff.min.js"), "utf8");
  const script = [
    "/* jsdiff, BSD-3-Clause, Copyright (c) 2009-2015 Kevin Decker */",
    diff.trim(),
    `(() => {\n"use strict";\n${parts.join("")}})();\n`,
  ].join("\n");
  const style = readFileSync(join(folder, "report.css"), "utf8");
  if (/<\/script|<script|<!--/i.test(script) || /<\//.test(style))
    throw new TypeError("the page's script or style could end its own element");
  return { script, style };
}

/** Names are unique over all files, so that imports and exports can go; the library is a global. */
function asScript(compiled: string): string {
  return compiled
    .replace(/^import (\{[^}]*\}) from "diff";$/gm, "const $1 = globalThis.Diff;")
    .replace(/^import [^;]*;\n/gm, "")
    .replace(/^export \{\};\n/gm, "")
    .replace(/^export /gm, "");
}
