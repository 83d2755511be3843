import type { Project } from "../core/decode.ts";
import { digestOf } from "./staging/digest.ts";

/** Digest of the syncs and the connections they use: a plan is applied only by the configuration it was made with. */
export function configDigest(project: Project, names: readonly string[]): string {
  const syncs = project.syncs.filter(({ name }) => names.includes(name));
  const used = new Set(syncs.flatMap(({ source, destination }) => [source.connection, destination.connection]));
  const connections = Object.values(project.connections).filter(({ name }) => used.has(name));
  return digestOf({ syncs: syncs.toSorted(byName), connections: connections.toSorted(byName) });
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}
