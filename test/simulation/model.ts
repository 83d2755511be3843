/** The world around Ebb in one story: source rows, the destination, the people who edit it, and what is still to happen. @module */

import type { Capabilities } from "../../src/connector/index.ts";
import type { StoryClock } from "./clock.ts";
import { capabilitiesOf, type StoryConfig } from "./config.ts";
import type { SavedDisk, StoryDisk } from "./disk.ts";
import { randomOf } from "./random.ts";
import { makeStore, type SavedStore, type Store, type Values } from "./store.ts";
import { makeWitness, type SavedWitness, type Witness } from "./witness.ts";

export interface Model {
  readonly config: StoryConfig;
  readonly clock: StoryClock;
  readonly disk: StoryDisk;
  readonly store: Store;
  /** What the destination says of itself. */
  capabilities: Capabilities;
  readonly witness: Witness;
  rows: Values[];
  /** Nothing goes wrong any more. */
  calm: boolean;
  /** The moment something that was begun earlier lands, while it does. */
  landing: number | undefined;
  /** What was begun and lands later. */
  readonly pending: { readonly at: number; readonly land: () => void }[];
  /** Times something was asked before, by what. */
  readonly asked: Map<string, number>;
  readonly jobs: Map<string, Job>;
  /** Answers by idempotency key. */
  readonly replays: Map<string, Replay>;
}

export interface Job {
  readonly doneAt: number;
  readonly gone: boolean;
  readonly failed: boolean;
  readonly outcomes: unknown[];
}

export interface Replay {
  readonly body: string;
  readonly outcomes: Map<string, unknown>;
}

/** All of a model that a later one goes on from: plain data, of which nothing is shared with what it was taken from. */
export interface SavedModel {
  readonly now: number;
  readonly disk: SavedDisk;
  readonly store: SavedStore;
  readonly witness: SavedWitness;
  readonly rows: readonly Values[];
  readonly asked: ReadonlyMap<string, number>;
  readonly jobs: ReadonlyMap<string, Job>;
  readonly replays: ReadonlyMap<string, Replay>;
}

const copyReplays = (replays: ReadonlyMap<string, Replay>) =>
  new Map([...replays].map(([id, { body, outcomes }]) => [id, { body, outcomes: new Map(outcomes) }]));

/** Nothing may be under way: what lands later belongs to the model it was begun in. */
export function saveModel({ clock, disk, store, witness, rows, pending, asked, jobs, replays }: Model): SavedModel {
  if (pending.length > 0) throw new TypeError("something is still to land");
  return {
    now: clock.now(),
    disk: disk.save(),
    store: store.save(),
    witness: witness.save(),
    rows: [...rows],
    asked: new Map(asked),
    jobs: new Map(jobs),
    replays: copyReplays(replays),
  };
}

export function makeModel(config: StoryConfig, clock: StoryClock, disk: StoryDisk, saved?: SavedModel): Model {
  return {
    config,
    clock,
    disk,
    store: makeStore(saved?.store),
    capabilities: capabilitiesOf(config),
    witness: makeWitness(clock.now, saved?.witness),
    rows: [...(saved?.rows ?? [])],
    calm: false,
    landing: undefined,
    pending: [],
    asked: new Map(saved?.asked),
    jobs: new Map(saved?.jobs),
    replays: copyReplays(saved?.replays ?? new Map()),
  };
}

/** How often this was asked before, and once more now. */
export function nth(model: Model, what: string): number {
  const n = model.asked.get(what) ?? 0;
  model.asked.set(what, n + 1);
  return n;
}

/** Lets land what is due. */
export function landDue(model: Model, until = model.clock.now()): void {
  for (;;) {
    const next = model.pending.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
    if (!next) return;
    model.pending.splice(model.pending.indexOf(next), 1);
    model.landing = next.at;
    next.land();
    model.landing = undefined;
  }
}

const keyName = (n: number) => `k${String(n).padStart(2, "0")}`;

/** The source moves: rows come, change and go; now and then one is faulty. */
export function moveSource(model: Model, round: number): void {
  const { config, witness } = model;
  const random = randomOf("source", config.seed, round);
  const value = () => {
    const kind = random.next();
    if (kind < 0.04) return `poison${random.int(99)}`;
    if (kind < 0.08) return `bad${random.int(99)}`;
    if (kind < 0.12) return null;
    return `v${random.int(1_000)}`;
  };
  const rows = new Map(model.rows.flatMap((row) => (row.id === null ? [] : [[row.id ?? "", row] as const])));
  for (let n = 0; n < config.keys; n++) {
    const id = keyName(n);
    const known = rows.get(id);
    if (!known && random.chance(0.7)) rows.set(id, { id, name: value(), city: value() });
    else if (known && random.chance(0.15)) rows.delete(id);
    else if (known && random.chance(0.5)) rows.set(id, { ...known, [random.pick(["name", "city"])]: value() });
  }
  model.rows = [...rows.values()];
  if (random.chance(0.1)) model.rows.push({ id: null, name: "nobody", city: null });
  const [twice] = model.rows;
  if (twice && random.chance(0.1)) model.rows.push({ ...twice, name: "twice" });
  witness.tell(`source ${JSON.stringify(model.rows.map(({ id, name, city }) => [id, name, city]))}`);
}

/** Every row can be written: no faulty values, no key twice or null. */
export function mendSource(model: Model): void {
  const mended = (value: string | null | undefined) => value?.replace(/^(poison|bad)/, "good") ?? null;
  const rows = new Map<string, Values>();
  for (const { id, name, city } of model.rows) if (id) rows.set(id, { id, name: mended(name), city: mended(city) });
  model.rows = [...rows.values()];
  model.witness.tell(`source mended ${JSON.stringify(model.rows.map(({ id, name, city }) => [id, name, city]))}`);
}

/** Somebody else edits, deletes or creates a record. */
export function peopleAct(model: Model, ...chance: readonly (string | number)[]): void {
  const { config, store, witness, clock } = model;
  const random = randomOf("people", config.seed, ...chance);
  landDue(model);
  const living = [...store.records.values()].filter(({ id }) => store.now(id));
  const lagMs = Math.floor(random.next() * config.lagSeconds * 1_000);
  const write = (id: string, key: string, fields: Values | null) =>
    store.write(id, key, { at: clock.now(), lagMs, fields, by: "people" });
  const kind = random.next();
  witness.stats.edits += 1;
  if (kind < 0.3 || living.length === 0) {
    const key = keyName(random.int(config.keys + 1));
    if (store.ofKey(key).length > 0) return;
    const id = config.idIsKey ? key : store.newId();
    witness.tell(`people create ${id} ${key}`);
    write(id, key, { id: key, name: `theirs${random.int(99)}`, city: null });
    return;
  }
  const one = living[random.int(living.length)];
  if (!one) return;
  if (kind < 0.45) {
    witness.tell(`people delete ${one.id} ${one.key}`);
    write(one.id, one.key, null);
    return;
  }
  const field = random.pick(["name", "city"]);
  const value = `theirs${random.int(99)}`;
  witness.tell(`people edit ${one.id} ${one.key} ${field}=${value}`);
  write(one.id, one.key, { ...store.now(one.id), [field]: value });
}
