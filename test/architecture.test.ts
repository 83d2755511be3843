import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { systems } from "../providers/index.ts";
import { descriptionOf, documents } from "../scripts/docs.ts";
import { errorCodes } from "../src/core/errors.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Import {
  /** A package, or a path below the project. */
  readonly to: string;
  /** Gone when compiled: types only. */
  readonly types: boolean;
  /** Loaded when it is asked for. */
  readonly lazy: boolean;
}

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

function sourcesBelow(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|js)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => !path.startsWith("src/constructs/generated/"))
    .map((path) => {
      const text = read(path);
      return { path, text, imports: importsOf(path, text) };
    });
}

function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (node: ts.Node | undefined, types: boolean, lazy: boolean) => {
    if (!node || !ts.isStringLiteral(node)) return;
    const to = node.text.startsWith(".") ? join(dirname(path), node.text).split(sep).join("/") : node.text;
    found.push({ to, types, lazy });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const named = node.importClause?.namedBindings;
      const each = named && ts.isNamedImports(named) && named.elements.every(({ isTypeOnly }) => isTypeOnly);
      const typesOnly = node.importClause?.isTypeOnly ?? false;
      add(node.moduleSpecifier, typesOnly || (each === true && !node.importClause?.name), false);
    }
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, false);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false, true);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true, false);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return found;
}

const all = ["src", "providers", "scripts", "stacks", "bench", "test"].flatMap(sourcesBelow);
const byPath = new Map(all.map((source) => [source.path, source]));
const isTest = ({ path }: Source) => /\.test(-d)?\.ts$/.test(path) || path.startsWith("test/");
const product = all.filter((source) => !isTest(source));
const within = (folder: string) => product.filter(({ path }) => path.startsWith(`${folder}/`));
const local = ({ to }: Import) => /^(src|providers|scripts|stacks|bench|test)\//.test(to);

/** Each import of a folder that no rule lets through, as a sentence. */
function strangers(folder: string, allowed: (one: Import, from: string) => boolean): string[] {
  return within(folder).flatMap(({ path, imports }) =>
    imports.filter((one) => local(one) && !allowed(one, path)).map(({ to }) => `${path} imports ${to}`),
  );
}

const below =
  (...folders: string[]) =>
  ({ to }: Import) =>
    folders.some((folder) => to.startsWith(`${folder}/`));

describe("who may import whom", () => {
  const rules = {
    "src/core": below("src/core"),
    "src/connector": below("src/core", "src/connector"),
    "src/engine": below("src/core", "src/connector", "src/engine"),
    "src/report": (one: Import) => one.types || below("src/core", "src/connector", "src/report")(one),
    "src/constructs": below("src/core", "src/connector", "src/constructs", "providers"),
    "src/forge": (one: Import) => one.types || below("src/core", "src/connector", "src/report", "src/forge")(one),
    "src/cli": (one: Import) =>
      below("src/core", "src/connector", "src/engine", "src/report", "src/forge", "src/cli")(one) ||
      one.to === "providers/index.ts",
    "src/terraform": (one: Import) =>
      below("src/core", "src/connector", "src/engine", "src/report", "src/terraform")(one) ||
      one.to === "providers/index.ts",
  };
  test.each(Object.entries(rules))("%s", (folder, allowed) => {
    expect(within(folder).length).toBeGreaterThan(0);
    expect(strangers(folder, allowed)).toEqual([]);
  });

  test("a provider imports the connector contract and its own folder", () => {
    const own = (path: string) => path.split("/").slice(0, 2).join("/");
    const allowed = (one: Import, path: string) =>
      path === "providers/index.ts"
        ? /^providers\/[a-z0-9]+\/index\.ts$/.test(one.to) || one.to === "src/connector/index.ts"
        : one.to === "src/connector/index.ts" || below(own(path))(one);
    expect(strangers("providers", allowed)).toEqual([]);
  });

  test("only the constructs, and what generates or uses them, know cdktf", () => {
    const allowed = /^(src\/constructs\/|scripts\/generate\.ts|stacks\/|test\/|src\/constructs\.)/;
    const found = all.filter(
      ({ path, imports }) =>
        !allowed.test(path) && imports.some(({ to }) => /^(cdktf|cdktn|constructs)($|\/)/.test(to)),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
    const generated = all.filter(
      ({ path, imports }) => !allowed.test(path) && imports.some(({ to }) => to.startsWith("src/constructs/generated")),
    );
    expect(generated.map(({ path }) => path)).toEqual([]);
  });

  test("the core does no input or output", () => {
    const outside = within("src/core").flatMap(({ path, imports }) =>
      imports
        .filter(({ to }) => to.startsWith("node:") || builtinModules.includes(to))
        .map(({ to }) => `${path} imports ${to}`),
    );
    expect(outside).toEqual([]);
  });
});

describe("what is heavy loads when it is used", () => {
  const heavy =
    /^(@duckdb\/|@electric-sql\/|pg($|-)|undici$|cdktf$|cdktn$|constructs$|snowflake-sdk$|@modelcontextprotocol\/|age-encryption$|yazl$|yauzl$|typescript$|tsx($|\/))/;
  const reached = (path: string, seen = new Map<string, string>()): Map<string, string> => {
    for (const { to, types, lazy } of byPath.get(path)?.imports ?? []) {
      if (types || lazy || seen.has(to)) continue;
      seen.set(to, path);
      if (byPath.has(to)) reached(to, seen);
    }
    return seen;
  };
  test.each([
    "src/cli/main.ts",
    "src/cli/mcp/serve.ts",
    "providers/index.ts",
    "src/engine/plan.ts",
    "src/engine/apply.ts",
    "src/connector/index.ts",
  ])("%s", (path) => {
    expect(byPath.has(path)).toBe(true);
    const found = [...reached(path)].filter(([to]) => heavy.test(to)).map(([to, from]) => `${from} imports ${to}`);
    expect(found).toEqual([]);
  });
});

describe("systems", () => {
  const folders = readdirSync(join(root, "providers"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

  test("each folder is in the list, in order, and nothing else", () => {
    expect(systems.map(({ name }) => name)).toEqual([...folders].sort());
  });

  test.each(systems.map((system) => [system.name, system] as const))(
    "%s has the same files as the others",
    (name, system) => {
      const files = readdirSync(join(root, "providers", name));
      const needed = ["README.md", "index.ts", `${name}.test.ts`, ...(system.sandbox ? ["sandbox.ts"] : [])];
      expect(files).toEqual(expect.arrayContaining(needed));
      expect("baseUrl" in system.connection.shape).toBe(system.sandbox !== undefined);
      const deep = readdirSync(join(root, "providers", name), { recursive: true, withFileTypes: true });
      const names = deep.filter((entry) => entry.isFile()).map((entry) => entry.name);
      expect(
        names.filter((file) => !/^(README\.md|[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.(ts|json|pem))$/.test(file)),
      ).toEqual([]);
      expect(system.name).toMatch(/^[a-z][a-z0-9]*$/);
    },
  );

  test.each(systems.map((system) => [system.name, system] as const))(
    "every option of %s says what it is",
    (_, system) => {
      for (const [option, schema] of Object.entries(system.connection.shape))
        expect(descriptionOf(schema as Parameters<typeof descriptionOf>[0]), option).toMatch(/.{10,}/);
    },
  );
});

describe("the source keeps the house rules", () => {
  const matching = (pattern: RegExp, sources: readonly Source[]) =>
    sources.flatMap(({ path, text }) =>
      text.split("\n").flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1} ${line.trim()}`] : [])),
    );

  test("no file is a heap of odds and ends, and none is too long", () => {
    expect(all.filter(({ path }) => /\/(utils?|helpers?|misc|common)\.ts$/.test(path)).map(({ path }) => path)).toEqual(
      [],
    );
    const lines = ({ text }: Source) => text.trimEnd().split("\n").length;
    const long = [...product, ...all.filter(({ path }) => path.startsWith("test/") && !/\.test\.ts$/.test(path))];
    expect(long.filter((source) => lines(source) > 300).map((source) => `${source.path}: ${lines(source)}`)).toEqual(
      [],
    );
  });

  test("file names are lower case with hyphens", () => {
    expect(all.map(({ path }) => path).filter((path) => !/^([a-z0-9.]+(-[a-z0-9.]+)*\/?)+$/.test(path))).toEqual([]);
  });

  test("no type is given up, and no complaint of the compiler is silenced", () => {
    const self = "test/architecture.test.ts";
    const others = all.filter(({ path }) => path !== self && !/types\.test(-d)?\.ts$/.test(path));
    expect(
      matching(
        /(:|<|\bas|\||,) any\b(?! )|\bany\[\]/,
        others.filter(({ path }) => path.endsWith(".ts")),
      ),
    ).toEqual([]);
    expect(matching(/^\s*(\/\/|\/\*)\s*@ts-/, others)).toEqual([]);
  });

  test("clock, chance, waiting and environment are passed in", () => {
    const seams = ["state/disk", "staging/scratch", "state/lock", "real-world"].map((name) => `src/engine/${name}.ts`);
    const sources = [
      ...within("src/core"),
      ...within("src/connector"),
      ...within("src/engine"),
      ...within("src/report"),
    ];
    const asking =
      /\bDate\.now\b|\bnew Date\(\)|\bsetTimeout\b|\bsetInterval\b|\bMath\.random\b|\brandomUUID\b|\bprocess\.env\b/;
    expect(
      matching(
        asking,
        sources.filter(({ path }) => !seams.includes(path)),
      ),
    ).toEqual([]);
    expect(
      matching(
        /\bprocess\.env\b|\bMath\.random\b/,
        product.filter(({ path }) => path.startsWith("providers/")),
      ),
    ).toEqual([]);
  });

  test("the engine and the renderers print nothing", () => {
    const quiet = [...within("src/core"), ...within("src/connector"), ...within("src/engine"), ...within("src/report")];
    expect(matching(/\bconsole\.|process\.std(out|err)/, quiet)).toEqual([]);
  });

  test("a connector has no retry and no limiter of its own", () => {
    const connectors = within("providers").filter(({ path }) => !path.includes("sandbox"));
    expect(matching(/\battempts?\b|\bsetTimeout\b|\bsetInterval\b/i, connectors)).toEqual([]);
  });
});

describe("the project", () => {
  test("every package that is imported is declared, and every one declared is imported", () => {
    const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<
      string,
      Record<string, string>
    >;
    const packageOf = (to: string) =>
      to
        .split("/")
        .slice(0, to.startsWith("@") ? 2 : 1)
        .join("/");
    const used = (sources: readonly Source[]) =>
      new Set(
        sources.flatMap(({ imports }) =>
          imports
            .filter((one) => !local(one) && !one.to.startsWith("node:") && !one.types)
            .map(({ to }) => packageOf(to)),
        ),
      );
    const known = [...Object.keys(dependencies ?? {}), ...Object.keys(devDependencies ?? {}), "ebb"];
    expect([...used(all)].filter((name) => !known.includes(name) && !name.startsWith("bin"))).toEqual([]);
    const shipped = used([...within("src"), ...within("providers")]);
    const dev = Object.keys(devDependencies ?? {});
    const inTests = ["cdktn"];
    expect([...shipped].filter((name) => dev.includes(name) && !inTests.includes(name))).toEqual([]);
  });

  test("the lock file names no address to download from", () => {
    expect(read("package-lock.json")).not.toContain('"resolved"');
  });

  test("every error code is documented, and the generated pages are up to date", () => {
    for (const code of Object.keys(errorCodes)) expect(read("docs/errors.md")).toContain(`## ${code}\n`);
    for (const [path, text] of documents()) expect(read(path), `${path}: run npm run docs`).toBe(text);
    const pages = readdirSync(join(root, "docs/systems")).sort();
    expect(pages).toEqual(systems.map(({ name }) => `${name}.md`).sort());
  });

  test("every error code is raised somewhere", () => {
    const texts = all
      .filter(({ path }) => path !== "src/core/error-codes.ts" && !isTest({ path } as Source))
      .map(({ text }) => text);
    // The Terraform provider ends an apply that stopped early with this one.
    const later = ["RUN_STOPPED"];
    const unused = Object.keys(errorCodes).filter(
      (code) => !later.includes(code) && !texts.some((text) => text.includes(`"${code}"`)),
    );
    expect(unused).toEqual([]);
  });
});
