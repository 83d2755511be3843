import type { Sync } from "../core/sync.ts";
import { JSON_FORMAT, toJson } from "./json.ts";
import { columns } from "./layout.ts";
import { counted } from "./numbers.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";

/** The declared syncs as a table. */
export function renderSyncs(syncs: readonly Sync[], style: Style): string {
  const rows = syncs.map((sync) => [
    sanitise(sync.name),
    sync.mode,
    `${sanitise(sync.source.connection)} -> ${sanitise(sync.destination.connection)} ${sanitise(sync.destination.object)}`,
    counted(Object.keys(sync.fields).length, "field"),
  ]);
  return [...columns(rows), style("green", `${counted(syncs.length, "sync", "syncs")}, no problem found`)].join("\n");
}

export function syncsJson(syncs: readonly Sync[]): string {
  return toJson({
    format_version: JSON_FORMAT,
    valid: true,
    syncs: syncs.map(({ name, mode, source, destination, fields }) => ({
      name,
      mode,
      source: source.connection,
      destination: destination.connection,
      object: destination.object,
      fields: Object.keys(fields),
    })),
  });
}
