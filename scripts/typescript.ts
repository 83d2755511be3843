/** Manifests as TypeScript declarations, with their descriptions as doc comments. @module */
import * as z from "zod";
import { isSecret, type System } from "../src/connector/system.ts";
import { bare } from "../src/core/names.ts";

type Shape = Readonly<Record<string, unknown>>;

/** `export interface …` with one member for each option. */
export function interfaceOf(name: string, description: string, shape: Shape): string {
  return `${doc(description)}export interface ${name} ${members(shape)}\n`;
}

/** The options of a system's connection and its class, which has the methods the manifest allows. */
export function connectionClass(system: System): string {
  const options = `${system.title}Options`;
  const needed = Object.values(system.connection.shape).some((schema) => !schema.safeParse(undefined).success);
  return [
    interfaceOf(options, `Options of a {@link ${system.title}} connection.`, system.connection.shape),
    doc(system.summary).trimEnd(),
    `export class ${system.title} extends Connection {`,
    `  constructor(scope: Construct, id: string, options: ${options}${needed ? "" : " = {}"}) {`,
    `    super(scope, id, ${JSON.stringify(system.name)}, options);`,
    "  }",
    ...methods(system).map((text) => `\n${indented(text)}`),
    "}\n",
  ].join("\n");
}

const method = {
  sql: `/** The rows of a query, as a source. */
query(sql: Sql): Source {
  return this.readQuery(sql);
}`,
  file: `/** The rows of a file, or of all files that fit a pattern, as a source. */
file(path: string): Source {
  return this.readFile(path);
}`,
  table: `/** All rows of a table, as a source. */
table(name: string): Source {
  return this.readTable(name);
}`,
  tableBothWays: `/** A table: all its rows as a source, or its records as a destination. */
table(name: string, options: DestinationOptions = {}): Table {
  return this.useTable(name, options);
}`,
  object: `/** The records of an object or table, as a destination. */
object(name: string, options: DestinationOptions = {}): Destination {
  return this.writeObject(name, options);
}`,
};

function methods({ source, destination }: System): string[] {
  const reading = (source?.reads ?? []).map((form) =>
    form === "table" && destination ? method.tableBothWays : method[form],
  );
  return destination ? [...reading, method.object] : reading;
}

function members(shape: Shape): string {
  const lines = Object.entries(shape).map(([name, value]) => {
    const schema = value as z.ZodType;
    const optional = schema.safeParse(undefined).success ? "?" : "";
    return `${doc(schema.description ?? bare(schema).description)}readonly ${name}${optional}: ${typeText(schema)};`;
  });
  return `{\n${indented(lines.join("\n"))}\n}`;
}

function typeText(schema: z.ZodType): string {
  const type = bare(schema);
  if (isSecret(schema) || isSecret(type)) return "SecretReference";
  if (type instanceof z.ZodObject) return members(type.shape);
  if (type instanceof z.ZodArray) return `readonly (${typeText(type.element as z.ZodType)})[]`;
  if (type instanceof z.ZodRecord) return `Readonly<Record<string, ${typeText(type.valueType as z.ZodType)}>>`;
  if (type instanceof z.ZodEnum) return type.options.map((option) => JSON.stringify(option)).join(" | ");
  return type.type === "int" ? "number" : type.type;
}

function doc(text: string | undefined): string {
  return text === undefined ? "" : `/** ${text.replaceAll("*/", "* /")} */\n`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}
