/** Writes of up to 100 records in one call, each input with a trace of its own. @module */
import {
  applied,
  type Batch,
  type Change,
  type Create,
  changeId,
  type Http,
  type Outcome,
  type Receipt,
  type RecordKey,
  rejected,
  TransientError,
  type Update,
} from "../../src/connector/index.ts";
import { objectsPath } from "./addresses.ts";
import { type AssociationType, idsOf, isAssociation, targetOf } from "./associations.ts";
import { type Input, inputOf, uniqueField } from "./inputs.ts";
import { applyLinks, type Link } from "./links.ts";
import type { Shape } from "./objects.ts";
import { type BatchAnswer, matchAnswer } from "./results.ts";

/** What a write needs besides its batch. */
export interface Writer {
  readonly http: Http;
  readonly connection: string;
  readonly shape: Shape;
  /** The address of an object a field of associations names. */
  type(target: string): Promise<string>;
  /** The plain kind of association with such an object. */
  associationType(target: string): Promise<AssociationType>;
}

/** Most records of one call. */
export const batchLimit = 100;

export async function* writeRecords(writer: Writer, batch: Batch, signal: AbortSignal): AsyncGenerator<Receipt> {
  if (batch.action === "delete") return yield { outcomes: await archive(writer, batch.changes, signal) };
  const changes = batch.changes as readonly (Create | Update)[];
  const by = uniqueField(batch, writer.shape);
  const inputs = new Map<RecordKey, Input>();
  for (const change of changes) inputs.set(change.key, await inputOf(writer, batch, change, by));
  const verb = batch.action === "update" ? "update" : by ? "upsert" : "create";
  const path = objectsPath(writer.shape.type, `/batch/${verb}`);
  const json = { inputs: [...inputs.values()] };
  const answer = await writer.http.request({ method: "POST", path, json }, signal);
  const outcomes = matchAnswer(answer.json<BatchAnswer | null>(), inputs, by ?? batch.matchOn[0]);

  // A new record is made together with its associations; those of others follow, and may be sent again.
  const links = await linksOf(writer, changes, outcomes);
  const linked = new Set(links.map(({ key }) => key));
  yield { outcomes: outcomes.filter(({ key }) => !linked.has(key)) };
  if (links.length > 0) yield { outcomes: await follow(writer, outcomes, links, signal) };
}

async function archive({ http, connection, shape }: Writer, changes: readonly Change[], signal: AbortSignal) {
  const inputs = changes.map((change) => ({ id: changeId(change) ?? "" }));
  const path = objectsPath(shape.type, "/batch/archive");
  const { status } = await http.request({ method: "POST", path, json: { inputs } }, signal);
  // One answer for all: 204, or it says nothing. A record that is gone already counts as archived.
  if (status !== 204)
    throw new TransientError("ANSWER_INVALID", `${connection}: a call that archives records answered ${status}`);
  return changes.map((change) => applied(change.key, changeId(change) ?? ""));
}

async function linksOf(
  { type }: Writer,
  changes: readonly (Create | Update)[],
  outcomes: readonly Outcome[],
): Promise<readonly Link[]> {
  const ids = new Map(outcomes.flatMap((o) => (o.status === "applied" ? [[o.key, o.id] as const] : [])));
  const links: Link[] = [];
  for (const change of changes) {
    const id = ids.get(change.key);
    if (id === undefined || change.action === "create") continue;
    for (const field of Object.keys(change.after).filter(isAssociation)) {
      const wanted = idsOf(change.after[field]);
      const held = idsOf(change.before[field]);
      const target = await type(targetOf(field));
      const link = (other: string, remove: boolean) => ({ key: change.key, field, id, target, other, remove });
      links.push(...wanted.filter((other) => !held.includes(other)).map((other) => link(other, false)));
      links.push(...held.filter((other) => !wanted.includes(other)).map((other) => link(other, true)));
    }
  }
  return links;
}

/** Outcomes of records that are written, once their associations are too. Whoever lacks an answer stays in doubt. */
async function follow(
  { http, shape }: Writer,
  outcomes: readonly Outcome[],
  links: readonly Link[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const { done, refused } = await applyLinks(http, shape.type, links, signal);
  return outcomes.flatMap((outcome) => {
    const own = links.filter(({ key }) => key === outcome.key);
    if (own.length === 0) return [];
    const bad = own.find((link) => refused.has(link));
    const reason = bad && refused.get(bad);
    if (bad && reason) {
      const message = `the record is written, but not its associations: ${reason.message}`;
      return [rejected(outcome.key, reason.code, message, { field: bad.field, retry: reason.retry })];
    }
    return own.every((link) => done.has(link)) ? [outcome] : [];
  });
}
