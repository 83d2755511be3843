/** What must hold when a run has ended, and when a story has. Rules that hold at every call are in `effects.ts` and `rates.ts`. @module */
import { Status } from "../../src/engine/run/progress.ts";
import type { LoadedRun, RunResult } from "../../src/engine/run/runs.ts";
import { readable } from "./config.ts";
import type { Model } from "./model.ts";
import { holdsAll } from "./store.ts";
import type { Applying } from "./witness.ts";

/** A result says what happened: each change's status against what the model knows of it. */
export function checkRun(
  model: Model,
  applying: Applying,
  run: LoadedRun,
  result: RunResult,
  vague: Set<string>,
): void {
  const { witness, config } = model;
  const status = run.progress.get("people")?.status ?? new Uint8Array();
  const counts = result.syncs.people;
  const names = Object.keys(Status) as (keyof typeof Status)[];
  for (const name of names) {
    const found = [...status].filter((one) => one === Status[name]).length;
    if (counts?.[name] !== found)
      witness.broken(
        "result",
        `${applying.name}: the result counts ${counts?.[name]} ${name}, the journal has ${found}`,
      );
  }
  if (status.length !== applying.changes.length)
    witness.broken(
      "result",
      `${applying.name}: ${status.length} changes in the journal, ${applying.changes.length} in the plan`,
    );
  for (const change of applying.changes) {
    const at = `${applying.name}#${change.n} ${change.action} ${change.key}`;
    const effects = applying.effects.get(change.n) ?? [];
    const last = effects.at(-1);
    const touched = last && byPeople(model, change.key, last.id, last.at);
    const blind = !readable(config, change.action);
    switch (status[change.n]) {
      case Status.applied:
        if (last && applying.unanswered.has(change.n) && applying.received.get(change.n) === 1)
          witness.stats.settled += 1;
        if (effects.length === 0 && !wasSo(model, applying, change.n)) {
          witness.stats.missing += 1;
          witness.broken("nothing lost", `${at} is told as applied and never happened`);
        }
        break;
      case Status.rejected:
        if (last && !touched && !(blind && config.createClass === "conflict"))
          witness.broken("result", `${at} is told as rejected and landed`);
        if (last) vague.add(change.key);
        break;
      case Status.skipped:
        if (last && !touched) witness.broken("result", `${at} is told as drifted, landed and was not touched since`);
        if (last) vague.add(change.key);
        break;
      case Status.doubt:
        if (!blind) witness.broken("result", `${at} was left in doubt although it can be read back`);
        vague.add(change.key);
        break;
      default:
        witness.broken("result", `${at} is neither done nor given up at the end of its run`);
    }
  }
}

/** True when others wrote the record since, or have ever made one of the same key: Ebb may then have looked at theirs. */
function byPeople({ store }: Model, key: string, id: string, since: number): boolean {
  return [...store.records.values()].some((one) =>
    one.versions.some(({ by, at }) => by === "people" && (one.id === id ? at >= since : one.key === key)),
  );
}

/** True when somebody else brought the record to what the change wanted. */
function wasSo({ store }: Model, { changes }: Applying, n: number): boolean {
  const change = changes[n];
  if (!change) return false;
  const versions = [...store.records.values()]
    .filter(({ id, key }) => (change.action === "create" ? key === change.key : id === change.id))
    .flatMap((record) => record.versions);
  if (change.action === "delete") return versions.some(({ fields }) => fields === null);
  return versions.some(({ fields }) => holdsAll(fields, change.after));
}

/** Nothing is lost: in the end the destination is as the source wants it. */
export function checkEnd(model: Model, vague: ReadonlySet<string>): void {
  const { config, store, rows, witness } = model;
  const lost = (message: string) => {
    witness.stats.missing += 1;
    witness.broken("nothing lost", message);
  };
  const wanted = new Map(rows.flatMap((row) => (row.id ? [[row.id, row] as const] : [])));
  const touched = (key: string) =>
    [...store.records.values()].some((one) => one.key === key && one.versions.some(({ by }) => by === "people"));
  for (const [key, row] of wanted) {
    const found = store.ofKey(key);
    const [only] = found;
    if (found.length > 1 || vague.has(key)) continue;
    if (!only) {
      const theirs = touched(key) && config.refresh !== "full";
      if (config.mode !== "update" && !theirs) lost(`${key} is in the source and not in the destination`);
      continue;
    }
    if (config.mode === "create") continue;
    if (touched(key) && (config.onDrift === "keep" || config.refresh !== "full")) continue;
    const { id: _, ...fields } = row;
    if (!holdsAll(store.now(only.id), fields))
      lost(`${key} should be ${JSON.stringify(fields)} and is ${JSON.stringify(store.now(only.id))}`);
  }
  // What was sent again for safety's sake is there twice, and Ebb owns one of the two.
  const twice = config.createClass === "no" && config.createSafety === "atLeastOnce";
  if (config.mode !== "mirror" || twice) return;
  for (const one of store.records.values())
    if (
      one.createdBy === "ebb" &&
      store.now(one.id) &&
      !wanted.has(one.key) &&
      !vague.has(one.key) &&
      !touched(one.key)
    )
      lost(`${one.id} ${one.key} was created by Ebb, left the source, and is still there`);
}

/** Keys that several living records have: who created what first cannot be told, so plans reject them. */
export function ambiguous({ store }: Model): boolean {
  const keys = [...store.records.values()].filter(({ id }) => store.now(id)).map(({ key }) => key);
  return new Set(keys).size < keys.length;
}

export function touchedAtAll({ store }: Model): boolean {
  return [...store.records.values()].some(({ versions }) => versions.some(({ by }) => by === "people"));
}
