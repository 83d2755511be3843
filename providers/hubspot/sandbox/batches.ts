/** Batches of up to 100 records: who fails alone, who fails with all. @module */
import type { CrmObject } from "./objects.ts";
import { isEmail, type Properties, type Records, shown, type WantedLink } from "./records.ts";
import { Refusal } from "./refusal.ts";
import type { Answer } from "./rest.ts";
import type { Row } from "./store.ts";

const most = 100;

export interface Input {
  readonly id?: unknown;
  readonly idProperty?: string;
  readonly properties?: Properties;
  readonly associations?: readonly WantedLink[];
  readonly objectWriteTraceId?: string;
}

interface Body {
  readonly inputs?: unknown;
  readonly idProperty?: string;
  readonly properties?: readonly string[];
}

type Shown = ReturnType<typeof shown> & { readonly new?: boolean; readonly objectWriteTraceId?: string };

export function readBatch(records: Records, object: CrmObject, body: Body): Answer {
  const ids = [...new Set(inputsOf(body).map(({ id }) => String(id ?? "")))];
  const found = ids.map((id) =>
    body.idProperty ? records.findBy(object, body.idProperty, id) : records.store.get(object.name, id),
  );
  const rows = found.filter((row) => row !== undefined);
  const results = [...new Map(rows.map((row) => [row.id, row])).values()].map((row) =>
    shown(object.name, row, body.properties ?? []),
  );
  const missing = ids.filter((_, i) => !found[i]);
  if (missing.length === 0) return batch(200, results);
  const message = `Could not get some ${object.name.toUpperCase()} objects, they may be deleted or not exist. Check that ids are valid.`;
  const error = new Refusal(404, "OBJECT_NOT_FOUND", message).entry({ ids: missing });
  return batch(207, results, [error]);
}

export function createBatch(records: Records, object: CrmObject, body: Body): Answer {
  const inputs = inputsOf(body);
  poison(records, inputs);
  const email = (input: Input) => String(input.properties?.email ?? "").toLowerCase();
  distinct(inputs.map((input) => (isEmail(object, "email") ? email(input) : "")));
  const traces = inputs.map(({ objectWriteTraceId }) => objectWriteTraceId ?? "");
  const alone = traces.every(Boolean) && new Set(traces).size === traces.length;
  const make = (input: Input) => records.create(object, input.properties, input.associations);
  // Without traces it is all or nothing: what is made is taken back.
  const made: Row[] = [];
  try {
    return answer(
      records,
      object,
      201,
      inputs,
      (input) => {
        const row = make(input);
        made.push(row);
        return { row };
      },
      alone,
    );
  } catch (error) {
    for (const { id } of made) records.archive(object, id);
    throw error;
  }
}

export function updateBatch(records: Records, object: CrmObject, body: Body): Answer {
  const inputs = inputsOf(body);
  poison(records, inputs);
  distinct(inputs.map(({ id }) => String(id ?? "")));
  return answer(records, object, 200, inputs, (input) => {
    const value = String(input.id ?? "");
    const id = input.idProperty ? records.findBy(object, input.idProperty, value)?.id : value;
    return { row: records.update(object, id ?? value, input.properties) };
  });
}

export function upsertBatch(records: Records, object: CrmObject, body: Body): Answer {
  const inputs = inputsOf(body);
  poison(records, inputs);
  distinct(inputs.map(({ id, idProperty }) => `${idProperty} ${String(id ?? "").toLowerCase()}`));
  return answer(records, object, 200, inputs, (input) => {
    const by = input.idProperty ?? body.idProperty;
    if (!by) throw new Refusal(400, "VALIDATION_ERROR", "idProperty is required");
    const value = String(input.id ?? "");
    const there = records.findBy(object, by, value);
    const properties = { ...input.properties, [by]: value };
    const row = there ? records.update(object, there.id, properties) : records.create(object, properties);
    return { row, new: there === undefined };
  });
}

export function archiveBatch(records: Records, object: CrmObject, body: Body): Answer {
  for (const { id } of inputsOf(body)) records.archive(object, String(id ?? ""));
  return { status: 204 };
}

/** @throws Refusal for what is wrong with the call itself */
export function inputsOf({ inputs }: Body, limit = most): readonly Input[] {
  if (!Array.isArray(inputs)) throw new Refusal(400, "VALIDATION_ERROR", "Invalid input JSON: inputs is required");
  if (inputs.length <= limit) return inputs;
  throw new Refusal(400, "VALIDATION_ERROR", `The batch may hold at most ${limit} inputs, not ${inputs.length}`);
}

function poison({ faults }: Records, inputs: readonly Input[]): void {
  const { poisonEmail } = faults.settings;
  if (poisonEmail === undefined || !inputs.some(({ properties }) => properties?.email === poisonEmail)) return;
  throw new Refusal(400, "VALIDATION_ERROR", `Invalid input JSON on line 1, column 1: ${poisonEmail}`);
}

function distinct(ids: readonly string[]): void {
  const seen = new Set<string>();
  for (const id of ids) {
    if (id && seen.has(id))
      throw new Refusal(400, "VALIDATION_ERROR", `Duplicate IDs found in batch input: [${id}]. IDs must be unique`);
    seen.add(id);
  }
}

function answer(
  { faults }: Records,
  object: CrmObject,
  status: number,
  inputs: readonly Input[],
  write: (input: Input) => { readonly row: Row; readonly new?: boolean },
  alone = true,
): Answer {
  const results: Shown[] = [];
  const errors: object[] = [];
  const { emptyResults, shuffleResults, forgetTraces } = faults.settings;
  for (const input of inputs) {
    const trace = input.objectWriteTraceId;
    try {
      const { row, ...more } = write(input);
      const traced = trace && !forgetTraces ? { objectWriteTraceId: trace } : {};
      results.push({ ...shown(object.name, row, undefined), ...more, ...traced });
    } catch (error) {
      if (!(error instanceof Refusal) || !alone) throw error;
      const ids = input.id === undefined || input.idProperty ? {} : { ids: [String(input.id)] };
      errors.push(error.entry({ ...ids, ...(trace ? { objectWriteTraceId: [trace] } : {}) }));
    }
  }
  if (shuffleResults) results.reverse();
  return batch(errors.length > 0 ? 207 : status, emptyResults ? [] : results, emptyResults ? [] : errors);
}

/** What every batch's answer looks like. */
export function batch(status: number, results: readonly object[], errors: readonly object[] = []): Answer {
  const now = new Date().toISOString();
  const failed = errors.length > 0 ? { numErrors: errors.length, errors } : {};
  return { status, json: { status: "COMPLETE", results, ...failed, startedAt: now, completedAt: now } };
}
