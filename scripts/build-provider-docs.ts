/**
 * Writes docs/terraform in the layout of Terraform's registry, from the schema that the provider itself is made of.
 * `npm run build:provider-docs`.
 * @module
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { systems } from "../providers/index.ts";
import type { FunctionSchema } from "../src/terraform/functions.ts";
import {
  type Attribute,
  type BlockSchema,
  providerAddress,
  providerSchema,
  type TerraformType,
} from "../src/terraform/schema.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const generated = "<!-- Made by `npm run build:provider-docs`; edit the code it comes from. -->";

/** Every page by its path below the project. */
export async function terraformDocuments(): Promise<ReadonlyMap<string, string>> {
  const schema = providerSchema(systems).provider_schemas[providerAddress];
  if (!schema) throw new TypeError("the provider has no schema");
  const { provider, resource_schemas, data_source_schemas, functions } = schema;
  const pages: [string, string][] = [["index.md", await providerPage(provider)]];
  for (const [name, block] of Object.entries(resource_schemas)) {
    const sections = [
      section("Import", await fenced(`resources/${name}/import.sh`, "shell")),
      section("Numbers and records", numbers),
      section("Many syncs", many),
    ];
    pages.push([
      `resources/${short(name)}.md`,
      await page(name, "Resource", block, `resources/${name}/resource.tf`, sections),
    ]);
  }
  for (const [name, block] of Object.entries(data_source_schemas))
    pages.push([
      `data-sources/${short(name)}.md`,
      await page(name, "Data Source", block, `data-sources/${name}/data-source.tf`, []),
    ]);
  for (const [name, one] of Object.entries(functions))
    pages.push([`functions/${name}.md`, await functionPage(name, one)]);
  return new Map(pages.map(([path, text]) => [`docs/terraform/${path}`, text]));
}

const secrets = `A secret is a reference (\`env:NAME\`, \`file:PATH\`) or any value. Terraform keeps nothing of a provider block, so the value
stands neither in the state nor in a plan, if it comes from an ephemeral variable or resource. Terraform itself writes the
value of a variable that is only sensitive into saved plans. In a \`cdk.tf.json\`, \`ebb validate\` refuses secrets as values.`;

const numbers = `\`plan -detailed-exitcode\` is 2 exactly when records would change, fields would be made, or records would be taken into the
ledger. The numbers stay those of the last such plan while there is nothing to do, so an output can read them. A plan whose
records have moved is refused when it is applied, with one error and before anything is written. Rejected records are a
warning; with \`fail_on_rejected\` they are an error. Lines of records in warnings hide all values but those of fields with
\`public\`. \`guards\` hold in every plan; a postcondition on \`self.changes\` holds in a plan that changes something.`;

const many = `As many plans are made beside each other as there are processors and one more, at most four; \`-parallelism=1\` makes one
after the other. Each sync that would change something has a warning with its records, and for each warning Terraform reads
the whole file again that it quotes: write syncs that differ by a name as one block with \`for_each\`, or spread many blocks
over several files. \`-compact-warnings\` leaves the records out.`;

async function providerPage({ block }: BlockSchema): Promise<string> {
  return joined([
    '---\npage_title: "Provider: Ebb"\n---',
    generated,
    "# Ebb Provider",
    block.description,
    section("Example", await fenced("provider/provider.tf", "terraform")),
    section("Secrets", secrets),
    section("Schema", tables(block.attributes)),
  ]);
}

async function page(
  name: string,
  kind: string,
  { block }: BlockSchema,
  example: string,
  sections: readonly string[],
): Promise<string> {
  return joined([
    `---\npage_title: "${name} ${kind}"\n---`,
    generated,
    `# ${name} (${kind})`,
    block.description,
    section("Example", await fenced(example, "terraform")),
    ...sections,
    section("Schema", tables(block.attributes)),
  ]);
}

async function functionPage(name: string, { summary, description, parameters, return_type }: FunctionSchema) {
  const signature = `${name}(${parameters.map((one) => `${one.name} ${typeText(one.type)}`).join(", ")}) ${typeText(return_type)}`;
  return joined([
    `---\npage_title: "${name} Function"\n---`,
    generated,
    `# function: ${name}`,
    `${summary}. ${description}`,
    section("Example", await fenced(`functions/${name}/function.tf`, "terraform")),
    section("Signature", `\`\`\`text\n${signature}\n\`\`\``),
    section("Arguments", parameters.map((one, i) => `${i + 1}. \`${one.name}\`: ${one.description}`).join("\n")),
  ]);
}

/** The attributes of a block, and below it those of each object in it. */
function tables(attributes: Readonly<Record<string, Attribute>>, path = ""): string {
  const kinds: readonly (readonly [string, (one: Attribute) => boolean])[] = [
    ["Required", ({ required }) => required === true],
    ["Optional", ({ optional }) => optional === true],
    ["Read-only", ({ computed, optional }) => computed === true && !optional],
  ];
  const own = kinds.flatMap(([title, fits]) => {
    const lines = Object.entries(attributes)
      .filter(([, one]) => fits(one))
      .map(([name, one]) => attributeLine(name, one, path));
    return lines.length === 0 ? [] : [`${path === "" ? "###" : "####"} ${title}\n\n${lines.join("\n")}`];
  });
  const nested = Object.entries(attributes).flatMap(([name, { nested_type: inner }]) => {
    if (!inner) return [];
    const at = path === "" ? name : `${path}.${name}`;
    return [`<a id="${anchor(at)}"></a>\n### \`${at}\`\n\n${tables(inner.attributes, at)}`];
  });
  return [...own, ...nested].join("\n\n");
}

function attributeLine(
  name: string,
  { type, nested_type: nested, description = "", sensitive }: Attribute,
  path: string,
) {
  const kind = nested
    ? { single: "Attributes", list: "List of Attributes", map: "Map of Attributes" }[nested.nesting_mode]
    : typeText(type ?? "dynamic");
  const link = nested ? ` See [below](#${anchor(path === "" ? name : `${path}.${name}`)}).` : "";
  return `- \`${name}\` (${kind}${sensitive ? ", Sensitive" : ""}) ${description}${link}`;
}

function typeText(type: TerraformType): string {
  if (typeof type !== "string") return `${type[0] === "map" ? "Map" : "List"} of ${typeText(type[1])}`;
  return { string: "String", number: "Number", bool: "Boolean", dynamic: "Dynamic" }[type];
}

const anchor = (path: string) => `nested--${path.replaceAll(".", "--")}`;
const short = (name: string) => name.replace(/^ebb_/, "");
const section = (title: string, text: string) => `## ${title}\n\n${text}`;
const joined = (parts: readonly string[]) => `${parts.join("\n\n")}\n`;

async function fenced(example: string, language: string): Promise<string> {
  return `\`\`\`${language}\n${(await readFile(join(root, "examples", example), "utf8")).trimEnd()}\n\`\`\``;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  for (const [path, text] of await terraformDocuments()) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
