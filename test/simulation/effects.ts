/** What the model destination does with a change, and the rules it holds every change against while it does. @module */
import type { Batch, Outcome } from "../../src/connector/index.ts";
import { applied, drifted, rejected } from "../../src/connector/index.ts";
import type { Change } from "../../src/core/types.ts";
import { readable } from "./config.ts";
import type { Model } from "./model.ts";
import type { Process } from "./process.ts";
import { draw } from "./random.ts";
import { holdsAll } from "./store.ts";
import type { Applying, Look } from "./witness.ts";

/** Called when a change arrives, before anything is done with it. */
export function checkArrival(model: Model, who: Process, change: Change): Applying | undefined {
  const { witness, config } = model;
  const applying = witness.applying.get(who);
  if (!applying) {
    witness.broken("never more than the plan", `${who.name} wrote ${change.key} and applies no plan`);
    return undefined;
  }
  const at = `${applying.name}#${change.n} ${change.action} ${change.key}`;
  if (!sameChange(applying.changes[change.n], change))
    witness.broken("never more than the plan", `${at} was sent as ${JSON.stringify(change)}`);
  if (model.disk.holder() !== who) witness.broken("zombie", `${who.name} sent ${at} without holding the lock`);
  checkLook(model, who, change, at);
  const effect = applying.effects.get(change.n)?.at(-1);
  if (effect) {
    witness.stats.repeats += 1;
    const touched = model.store.records.get(effect.id)?.versions.at(-1)?.by === "people";
    const harmful = change.action === "create" && ["no", "conflict"].includes(config.createClass);
    const asked =
      !readable(config, "create") && (config.createClass === "conflict" || config.createSafety === "atLeastOnce");
    if (harmful && !touched && !asked) witness.broken("no needless repeat", `${at} was sent again after it had landed`);
  }
  applying.received.set(change.n, (applying.received.get(change.n) ?? 0) + 1);
  return applying;
}

function sameChange(planned: Change | undefined, sent: Change): boolean {
  const text = (change: Change) =>
    JSON.stringify([
      change.n,
      change.key,
      change.action,
      change.action === "create" ? null : change.id,
      change.action === "create" ? null : Object.entries(change.before).sort(),
      change.action === "delete" ? null : Object.entries(change.after).sort(),
    ]);
  return planned !== undefined && text(planned) === text(sent);
}

/** What the engine saw in its last look must be what the change was planned on; and it must have looked where it can. */
function checkLook(model: Model, who: Process, change: Change, at: string): void {
  const { witness, config, store, clock } = model;
  if (config.checksBefore) return;
  const look = witness.looks.findLast((one) => one.who === who && covers(one, change));
  if (change.action === "create") {
    if (config.createClass === "conflict") return;
    const seen = look?.keys.get(change.key)?.length ?? 0;
    if (seen > 0) witness.broken("drift", `${at} was sent although a look showed a record with this key`);
    const again = config.createClass === "header" && !config.faults.headerLooks;
    const theirs = store.ofKey(change.key).some(({ createdBy }) => createdBy === "people");
    if (!look && !again && theirs && readable(config, "create"))
      witness.broken("drift", `${at} was sent without a look`);
    return;
  }
  if (!look) {
    const now = store.now(change.id);
    if (readable(config, change.action) && !holdsAll(now, change.before))
      witness.broken("drift", `${at} was sent without a look at the record`);
    return;
  }
  if (!look.ids.has(change.id)) return;
  const seen = look.ids.get(change.id);
  if (seen && !holdsAll(seen.fields, change.before))
    witness.broken(
      "drift",
      `${at} was sent although a look ${((clock.now() - look.at) / 1000).toFixed(1)} s before showed ${JSON.stringify(seen.fields)}, planned on ${JSON.stringify(change.before)}`,
    );
}

function covers(look: Look, change: Change): boolean {
  if (look.all) return true;
  return change.action === "create" ? look.keys.has(change.key) : look.ids.has(change.id);
}

/** Does what a change asks, at this moment, and answers as the destination would. */
export function commit(model: Model, who: Process, batch: Pick<Batch, "id">, change: Change): Outcome {
  const { store, config, witness, clock } = model;
  const { key, n } = change;
  const at = model.landing ?? clock.now();
  const applying = witness.applying.get(who);
  const lagMs = Math.floor(draw(config.seed, "lag", batch.id, n) * config.lagSeconds * 500);
  const write = (id: string, fields: Readonly<Record<string, string | null>> | null) => {
    store.write(id, key, { at, lagMs, fields, by: "ebb" });
    if (!applying) return;
    applying.effects.set(n, [...(applying.effects.get(n) ?? []), { at, id }]);
    witness.tell(`  landed ${applying.name}#${n} ${change.action} ${key} ${id}`);
  };
  if (change.action !== "delete") {
    const values = Object.values(change.after);
    if (values.some((value) => value?.startsWith("bad"))) return rejected(key, "BAD_VALUE", "no");
    const times = model.asked.get(`retry ${applying?.name} ${n}`) ?? 0;
    if (!model.calm && draw(config.seed, "retry", applying?.name ?? "", n, times) < config.trouble / 3) {
      model.asked.set(`retry ${applying?.name} ${n}`, times + 1);
      return rejected(key, "ROW_LOCKED", "busy", { retry: true });
    }
  }
  if (change.action === "create") {
    const [same] = store.ofKey(key);
    if (same && config.checksBefore)
      return holdsAll(store.now(same.id), change.after) ? applied(key, same.id) : drifted(key);
    if (same && config.createClass === "conflict") return rejected(key, "DUPLICATE", "there is one already");
    if (same && config.createClass === "key") {
      write(same.id, { ...store.now(same.id), ...change.after });
      return applied(key, same.id);
    }
    const mine = store.ofKey(key).find(({ createdBy }) => createdBy === "ebb");
    if (mine && !(config.createClass === "no" && config.createSafety === "atLeastOnce")) {
      witness.stats.duplicates += 1;
      witness.broken("no duplicate", `${applying?.name}#${n} created ${key} beside ${mine.id}, which Ebb created`);
    }
    const id = config.idIsKey ? key : store.newId();
    write(id, { id: key, name: null, city: null, ...change.after });
    return applied(key, id);
  }
  const now = store.now(change.id);
  if (!now) return change.action === "delete" ? applied(key, change.id) : rejected(key, "NOT_FOUND", "none such");
  if (config.checksBefore && !holdsAll(now, change.before)) {
    const done = change.action === "update" && holdsAll(now, change.after);
    return done ? applied(key, change.id) : drifted(key);
  }
  write(change.id, change.action === "delete" ? null : { ...now, ...change.after });
  return applied(key, change.id);
}
