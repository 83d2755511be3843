/** Finds for each input its own answer. The order of answers says nothing, and what has no answer is left out. @module */
import { applied, type Outcome, type RecordKey, rejected } from "../../src/connector/index.ts";
import { pointOf, type VendorError } from "./errors.ts";
import type { Input } from "./inputs.ts";

interface Result {
  readonly id?: string;
  readonly objectWriteTraceId?: string;
  readonly properties?: Readonly<Record<string, string | null | undefined>>;
}

export interface BatchAnswer {
  readonly results?: readonly Result[];
  readonly errors?: readonly VendorError[];
}

/** Errors that pass by themselves. */
const momentary = new Set(["LOCKED", "RATE_LIMITS", "INTERNAL_ERROR", "TIMEOUT", "SERVICE_UNAVAILABLE"]);

/** @param unique property whose value tells new records apart where no trace comes back */
export function matchAnswer(
  answer: BatchAnswer | null,
  inputs: ReadonlyMap<RecordKey, Input>,
  unique: string | undefined,
): readonly Outcome[] {
  const keys = keysBy(inputs, unique);
  const found = new Map<RecordKey, Outcome[]>();
  const add = (key: RecordKey | undefined, outcome: (key: RecordKey) => Outcome) => {
    if (key !== undefined) found.set(key, [...(found.get(key) ?? []), outcome(key)]);
  };
  for (const result of listOf(answer?.results)) {
    const { id, objectWriteTraceId: trace, properties = {} } = result;
    if (id === undefined) continue;
    const key = trace ? keys.trace.get(trace) : (keys.id.get(id) ?? keys.value.get(folded(properties[unique ?? ""])));
    const known = key === undefined ? undefined : inputs.get(key);
    // A result for another record than the input's own is an answer to nothing.
    if (known?.id !== undefined && known.idProperty === undefined && known.id !== id) continue;
    add(key, (own) => applied(own, id));
  }
  for (const error of listOf(answer?.errors)) {
    const { objectWriteTraceId, ids, id } = error.context ?? {};
    const traces = listOf(objectWriteTraceId).map((trace) => keys.trace.get(trace));
    const named = traces.length > 0 ? traces : [...listOf(ids), ...listOf(id)].map((one) => keys.id.get(one));
    for (const key of named) add(key, (own) => refusal(own, error));
  }
  // Answered twice is not answered.
  return [...found.values()].flatMap((outcomes) => (outcomes.length === 1 ? outcomes : []));
}

/** Every part of an answer may be missing, or be something else than the documents say. */
function listOf<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value.filter((one) => one !== null) : [];
}

function keysBy(inputs: ReadonlyMap<RecordKey, Input>, unique: string | undefined) {
  const trace = new Map<string, RecordKey>();
  const id = new Map<string, RecordKey>();
  const value = new Map<string, RecordKey>();
  const ambiguous = new Set<string>();
  for (const [key, input] of inputs) {
    trace.set(input.objectWriteTraceId, key);
    if (input.id !== undefined && input.idProperty === undefined) id.set(input.id, key);
    const text = folded(unique === undefined ? undefined : input.properties[unique]);
    if (text === "" || value.has(text)) ambiguous.add(text);
    else if (input.id === undefined || input.idProperty !== undefined) value.set(text, key);
  }
  for (const text of ambiguous) value.delete(text);
  return { trace, id, value };
}

function folded(value: string | null | undefined): string {
  return (value ?? "").trim().toLowerCase();
}

function refusal(key: RecordKey, error: VendorError): Outcome {
  const { code, field } = pointOf(error);
  const message = error.errors?.[0]?.message ?? error.message ?? "no reason given";
  return rejected(key, code || "UNKNOWN", message, { field, retry: momentary.has(error.category ?? "") });
}
