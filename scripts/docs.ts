/** Writes docs/errors.md, docs/systems.md and docs/systems/*.md from the tables and manifests that the code runs on. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as z from "zod";
import { systems } from "../providers/index.ts";
import { type Capabilities, isSecret, type System } from "../src/connector/index.ts";
import { errorCodes } from "../src/core/errors.ts";
import { rejectCodes } from "../src/core/plan.ts";
import { eventDocument } from "../src/report/schema/events.ts";
import { planDocument, summaryDocument } from "../src/report/schema/plan.ts";

const generated = "<!-- Made by `npm run docs`; edit the code it comes from. -->";

/** Every generated page by its path below the project. */
export function documents(): ReadonlyMap<string, string> {
  const pages = new Map<string, string>([
    ["docs/errors.md", errorsPage()],
    ["docs/systems.md", systemsPage()],
    ...schemas(),
  ]);
  for (const system of systems) pages.set(`docs/systems/${system.name}.md`, systemPage(system));
  return pages;
}

const published: Readonly<Record<string, readonly [title: string, schema: z.ZodType]>> = {
  "plan-1": ["A plan, as `ebb plan --json` and `ebb show --json` print it", planDocument],
  "summary-1": ["summary.json of a plan file", summaryDocument],
  "events-1": ["A line of stderr with --json", eventDocument],
};

/** JSON Schemas of the current major version, which lets through what later minor versions add. */
function schemas(): readonly (readonly [path: string, text: string])[] {
  return Object.entries(published).map(([name, [title, schema]]) => {
    const json = z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" });
    const { $schema, ...rest } = json;
    return [
      `docs/schema/${name}.json`,
      `${JSON.stringify({ $schema, $id: `${name}.json`, title, ...rest }, null, 2)}\n`,
    ];
  });
}

function errorsPage(): string {
  const codes = Object.entries(errorCodes).sort(([a], [b]) => (a < b ? -1 : 1));
  const errors = codes.map(([code, { meaning, next }]) => `## ${code}\n\n${meaning}\n\n${next}\n`);
  const rejects = Object.entries(rejectCodes).map(([code, meaning]) => `| \`${code}\` | ${cell(meaning)} |`);
  return [
    "# Errors",
    generated,
    "Every error has a code, a sentence and a next step. The codes never change their meaning.",
    ...errors,
    "# Rejected rows",
    "A plan leaves these rows out, counts them, and names their keys. The next plan tries them again.",
    ["| code | the row is left out because |", "| --- | --- |", ...rejects].join("\n"),
  ]
    .map((part) => part.trim())
    .join("\n\n")
    .concat("\n");
}

function systemsPage(): string {
  const rows = systems.map(({ name, title, summary, source, destination }) =>
    [
      `[${title}](systems/${name}.md)`,
      cell(summary),
      source ? source.reads.join(", ") : "–",
      destination ? destination.capabilities.actions.join(", ") : "–",
    ].join(" | "),
  );
  const head = ["system | what it is | as a source it reads | as a destination it can", "--- | --- | --- | ---"];
  const table = [...head, ...rows].map((row) => `| ${row} |`).join("\n");
  return `# Systems\n\n${generated}\n\n${table}\n`;
}

function systemPage({ name, title, summary, connection, source, destination, sandbox }: System): string {
  const parts = [
    `# ${title}`,
    generated,
    summary,
    `Setting up, limits and advice: [README](../../providers/${name}/README.md).`,
  ];
  parts.push("## Connection", optionsTable(connection));
  if (source) parts.push("## As a source", `It reads: ${source.reads.map((form) => `\`${form}\``).join(", ")}.`);
  if (source?.pushdown)
    parts.push(
      'It can compare rows itself and return only those that changed: [`diff: "warehouse"`](../diff-in-the-warehouse.md).',
    );
  if (destination) parts.push("## As a destination", capabilitiesTable(destination.capabilities));
  if (sandbox) parts.push("## Sandbox", `\`ebb sandbox ${name}\` starts a local server that behaves like it.`);
  return `${parts.join("\n\n")}\n`;
}

function optionsTable(connection: z.ZodObject): string {
  const rows = Object.entries(connection.shape).map(([option, field]) => {
    const schema = field as z.ZodType;
    const optional = schema.safeParse(undefined).success;
    const kind = isSecret(schema) ? "secret" : optional ? "optional" : "required";
    return `| \`${option}\` | ${kind} | ${cell(descriptionOf(schema))} |`;
  });
  return ["| option | | |", "| --- | --- | --- |", ...rows].join("\n");
}

/** The description of an option, which may stand inside its wrappers. */
export function descriptionOf(schema: z.ZodType): string {
  if (schema.description) return schema.description;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable)
    return descriptionOf(schema.unwrap() as z.ZodType);
  return "";
}

const createClasses: Readonly<Record<Capabilities["createIsIdempotent"], string>> = {
  key: "updates the same record",
  header: "is recognised and ignored",
  conflict: "is refused",
  no: "would make a second record, so its outcome is read back first",
};
const deleteKinds: Readonly<Record<Capabilities["delete"], string>> = {
  none: "cannot be done",
  bin: "moves the record to a recycle bin",
  archive: "archives the record",
  erase: "erases the record",
};

function capabilitiesTable({
  actions,
  read,
  write,
  createIsIdempotent,
  checksBefore,
  rates,
  ...rest
}: Capabilities): string {
  const n = (count: number) => count.toLocaleString("en");
  const reads = [
    ...(read.keys ? [`by key, ${n(read.keys)} at once`] : []),
    ...(read.ids ? [`by id, ${n(read.ids)} at once`] : []),
    ...(read.scan ? [`whole, ${n(read.scan)} a call`] : []),
    ...(read.since ? [`what changed in the last ${n(read.since.days)} days`] : []),
  ];
  const routes = write.map(
    ({ name, above, records, concurrency }) =>
      `\`${name}\`${above > 0 ? ` above ${n(above)} changes` : ""}: ${n(records)} records a batch, ${concurrency} at once`,
  );
  const rows: readonly (readonly [string, string])[] = [
    ["actions", actions.join(", ")],
    ["reads", reads.join("; ")],
    ["a write is visible", read.lagSeconds === 0 ? "at once" : `after ${read.lagSeconds} s`],
    ["writes", routes.join("; ")],
    ["a create sent twice", createClasses[createIsIdempotent]],
    ["a record edited since the plan", checksBefore ? "is skipped by the write itself" : "is skipped after a look"],
    ["a delete", deleteKinds[rest.delete]],
    [
      "pace",
      rates.map(({ bucket, limit, perMs }) => `${n(limit)} ${bucket} in ${n(perMs / 1000)} s`).join("; ") ||
        "not limited",
    ],
  ];
  return ["| | |", "| --- | --- |", ...rows.map(([what, how]) => `| ${what} | ${cell(how)} |`)].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  for (const [path, text] of documents()) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}
