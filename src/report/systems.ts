/** Systems as their manifests describe them. @module */
import * as z from "zod";
import { type Capabilities, isSecret, type System } from "../connector/index.ts";
import { bare } from "../core/names.ts";
import { JSON_FORMAT, toJson } from "./json.ts";
import { labelled, padEnd, wrap } from "./layout.ts";
import { counted, duration, thousands } from "./numbers.ts";
import type { Style } from "./style.ts";

export function renderSystems(systems: readonly System[], style: Style): string {
  return systems
    .flatMap((system) => {
      const roles = [...rolesOf(system), ...(system.sandbox ? ["sandbox"] : [])].join(", ");
      return [
        `${style("bold", padEnd(system.name, 12))}${roles}`,
        ...wrap([{ text: system.summary, format: "dim" }], " ".repeat(12), " ".repeat(12), style),
      ];
    })
    .join("\n");
}

/** One system: what it can do, and the options of its connection. */
export function renderSystem(system: System, style: Style): string {
  const { title, name, summary, source, destination, sandbox } = system;
  const reads = source?.reads.map((form) => ({ sql: "queries", table: "tables", file: "files" })[form]).join(", ");
  const options = optionsOf(system).flatMap(({ name: option, type, required, description }) => [
    `  ${style("bold", option)}  ${style("dim", `${type}${required ? ", required" : ""}`)}`,
    ...wrap([{ text: description }], "      ", "      ", style),
  ]);
  return [
    `${style("bold", title)} (${name})`,
    ...wrap([{ text: summary }], "", "", style),
    ...(reads ? labelled("source", `reads ${reads}`, style) : []),
    ...(source?.pushdown
      ? labelled("diff", "can be in the warehouse, which then returns only changed rows", style)
      : []),
    ...(destination ? capabilityLines(destination.capabilities, style) : []),
    ...labelled("sandbox", sandbox ? `yes: ebb sandbox ${name}` : "no", style),
    "",
    style("bold", "Options of a connection"),
    ...options,
  ].join("\n");
}

function capabilityLines(can: Capabilities, style: Style): string[] {
  const { read } = can;
  const reads = [
    read.keys ? `by key, ${thousands(read.keys)} a call` : "",
    read.ids ? `by id, ${thousands(read.ids)} a call` : "",
    read.scan ? `whole, ${thousands(read.scan)} a call` : "",
    read.since ? "what changed since the last run" : "",
  ].filter(Boolean);
  const routes = can.write.map(({ name, above, records, concurrency }) => {
    const when = above > 0 ? ` for more than ${thousands(above)} changes` : "";
    return `${name}: ${thousands(records)} records a batch, ${concurrency} at once${when}`;
  });
  const twice = {
    key: "updates the same record",
    header: "is recognised and has no effect",
    conflict: "is refused",
    no: "may make a second record, so what is in doubt is read back first",
  }[can.createIsIdempotent];
  const deletes = {
    none: "not possible",
    bin: "goes to the recycle bin",
    archive: "archives, and can be undone",
    erase: "erases for good",
  }[can.delete];
  const rates = can.rates.map(({ limit, perMs }) => `${counted(limit, "call")} in ${duration(perMs / 1000)}`);
  return [
    ...labelled("destination", ` ${can.actions.join(", ")}`, style),
    ...labelled("reads", reads.join("; ") || "nothing", style),
    ...labelled("writes", routes.join("; "), style),
    ...labelled("twice", `a create that is sent twice ${twice}`, style),
    ...labelled("delete", deletes, style),
    ...labelled("rate", rates.join("; ") || "no limit of its own", style),
    ...(read.lagSeconds > 0
      ? labelled("lag", `a write is visible to a read after ${duration(read.lagSeconds)}`, style)
      : []),
  ];
}

export function systemsJson(systems: readonly System[]): string {
  return toJson({
    format_version: JSON_FORMAT,
    systems: systems.map((system) => ({
      name: system.name,
      title: system.title,
      summary: system.summary,
      roles: rolesOf(system),
      reads: system.source?.reads ?? [],
      pushdown: system.source?.pushdown === true,
      capabilities: system.destination?.capabilities ?? null,
      sandbox: system.sandbox !== undefined,
      options: optionsOf(system),
    })),
  });
}

interface ConnectionOption {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

function optionsOf({ connection }: System): readonly ConnectionOption[] {
  return Object.entries(connection.shape).map(([name, value]) => {
    const schema = value as z.ZodType;
    return {
      name,
      type: isSecret(schema) ? "secret" : typeText(bare(schema)),
      required: !schema.safeParse(undefined).success,
      description: schema.description ?? bare(schema).description ?? "",
    };
  });
}

function typeText(schema: z.ZodType): string {
  if (schema instanceof z.ZodEnum) return schema.options.join(" | ");
  if (schema instanceof z.ZodArray) return `list of ${typeText(bare(schema.element as z.ZodType))}`;
  if (schema instanceof z.ZodObject) return `{ ${Object.keys(schema.shape).join(", ")} }`;
  if (schema instanceof z.ZodRecord) return "map";
  return { string: "text", int: "whole number", boolean: "true or false" }[schema.type as string] ?? schema.type;
}

function rolesOf({ source, destination }: System): readonly string[] {
  return [...(source ? ["source"] : []), ...(destination ? ["destination"] : [])];
}
