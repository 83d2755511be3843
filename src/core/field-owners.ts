/** How the syncs of a project fit each other: a name, and a field of an object, belong to one sync. @module */
import { canonicalJson } from "./canonical-json.ts";
import type { Problem } from "./problems.ts";
import { suggest } from "./suggest.ts";
import type { Sync } from "./sync.ts";

/** The account a sync writes to: two that are equal are the same account. */
export type Place = (sync: Sync) => string;

/** Two connections with the same options reach the same account, whatever they are called. */
export function placeByOptions(
  connections: Readonly<Record<string, { readonly system: string; readonly options: unknown }>>,
): Place {
  return ({ destination: { connection } }) => {
    const { system, options } = connections[connection] ?? { system: "", options: connection };
    return canonicalJson(JSON.stringify([system, options])) ?? connection;
  };
}

interface Writer {
  readonly sync: string;
  readonly owner: string | undefined;
  /** Records are matched by the field, so whoever creates one has to write it. */
  readonly matched: boolean;
}

/**
 * Checks syncs against each other. A field that several write is refused, unless all of them name the same owner, or
 * match records by it. What is wrong is said of the later of two.
 */
export function overlapProblems(
  syncs: readonly Sync[],
  place: Place = ({ destination }) => destination.connection,
): Problem[] {
  const problems: Problem[] = [];
  const writers = new Map<string, Writer>();
  const names = new Set<string>();
  for (const sync of syncs) {
    const { name, destination, fields } = sync;
    const where = `sync "${name}"`;
    if (names.has(name))
      problems.push({ code: "CONFIG_INVALID", where, path: ["name"], message: "another sync has this name" });
    else
      for (const [field, { owner }] of Object.entries(fields)) {
        const target = JSON.stringify([place(sync), destination.object, field]);
        const writer = { sync: name, owner, matched: destination.matchOn.includes(field) };
        const other = writers.get(target);
        if (!other) writers.set(target, writer);
        else {
          const message = disagreement(other, writer, `${destination.connection} ${destination.object}`);
          if (message !== null) problems.push({ code: "SYNC_OVERLAP", where, path: ["fields", field], message });
        }
      }
    names.add(name);
  }
  return problems;
}

function disagreement(one: Writer, other: Writer, object: string): string | null {
  if (one.matched && other.matched) return null;
  if (one.owner !== undefined && one.owner === other.owner) return null;
  const writes = `sync "${one.sync}" writes this field of ${object} too`;
  if (one.owner === undefined && other.owner === undefined) return writes;
  const said = ({ owner }: Writer) => (owner === undefined ? "no owner" : `owner "${owner}"`);
  return `${writes}, and names ${said(one)} where this one names ${said(other)}`;
}

/** Checks what a project's syncs say of owners: an owner is declared, and writes the field it owns. */
export function ownerProblems(syncs: readonly Sync[], place: Place): Problem[] {
  const names = syncs.map(({ name }) => name);
  const problems: Problem[] = [];
  for (const sync of syncs)
    for (const [field, { owner }] of Object.entries(sync.fields)) {
      if (owner === undefined || owner === sync.name) continue;
      const at = { where: `sync "${sync.name}"`, path: ["fields", field, "owner"] };
      const owning = syncs.find(({ name }) => name === owner);
      const { connection, object } = sync.destination;
      const same = owning && place(owning) === place(sync) && owning.destination.object === object;
      if (!owning)
        problems.push({ code: "SYNC_UNKNOWN", ...at, message: `no sync "${owner}": ${suggest(owner, names)}` });
      else if (!same || !(field in owning.fields))
        problems.push({
          code: "SYNC_OVERLAP",
          ...at,
          message: `sync "${owner}" does not write this field of ${connection} ${object}, so nobody would keep it`,
        });
      else if (sync.mode === "update")
        problems.push({
          code: "CONFIG_INVALID",
          ...at,
          message: `the field is sync "${owner}"'s own, and mode update creates no records: it would never be written here`,
        });
    }
  return problems;
}
