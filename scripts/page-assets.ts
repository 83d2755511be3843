/**
 * What the HTML report has besides its data: one script and one style. The script is the files of `client/`, compiled and
 * set one after the other, each after those it imports, behind the library for word diffs.
 * @module
 */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import ts from "typescript";

export interface PageAssets {
  readonly script: string;
  readonly style: string;
}

/** @param root folder of the project, with its sources and packages */
export function pageAssets(root: string): PageAssets {
  const folder = join(root, "src/report/html");
  const library = readFileSync(join(root, "node_modules/diff/dist/diff.min.js"), "utf8").trim();
  const script = [
    "/* jsdiff, BSD-3-Clause, Copyright (c) 2009-2015 Kevin Decker */",
    library,
    '(() => {\n"use strict";',
    "const modules = { diff: globalThis.Diff };",
    'const require = (path) => modules[path.replace(/^.*\\//, "")];',
    ...modulesFrom(join(folder, "client/main.ts")),
    "})();\n",
  ].join("\n");
  const style = readFileSync(join(folder, "report.css"), "utf8").replace(/\/\*.*?\*\/\n?/gs, "");
  if (/<\/script|<script|<!--/i.test(script) || /<\//.test(style))
    throw new TypeError("the page's script or style could end its own element");
  return { script, style };
}

/** Each file as a function with a scope of its own, after the files it imports. */
function modulesFrom(main: string): readonly string[] {
  const parts = new Map<string, string>();
  const begun = new Set<string>();
  const take = (file: string) => {
    if (begun.has(file)) return;
    begun.add(file);
    const source = readFileSync(file, "utf8");
    const { outputText } = ts.transpileModule(source, {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.CommonJS,
        esModuleInterop: false,
        removeComments: true,
      },
    });
    const imported = outputText.matchAll(/require\("(\.[^"]+)"\)/g);
    for (const [, path = ""] of imported) take(join(dirname(file), path));
    const name = basename(file);
    if (parts.has(name)) throw new TypeError(`two files of the page are called ${name}`);
    const body = outputText
      .replace('"use strict";\n', "")
      .replace(/^Object\.defineProperty\(exports, "__esModule".*\n/m, "");
    parts.set(name, `((exports) => {\n${body}})((modules["${name}"] = {}));`);
  };
  take(main);
  return [...parts.values()];
}
