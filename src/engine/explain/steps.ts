/** A field mapping taken step by step, so that a person can see where a value becomes another. @module */
import { mappingColumns, mappingSql } from "../../core/mapping.ts";
import { maskWords } from "../../core/masks.ts";
import type { FieldMapping } from "../../core/sync.ts";
import type { Value } from "../../core/types.ts";
import type { Staging } from "../staging/staging.ts";

export interface Step {
  /** The step in the words of the declaration. */
  readonly step: string;
  /** The value after it; absent where it cannot be told without a secret or another record. */
  readonly value?: Value;
}

type Part = readonly [words: string, part: FieldMapping];

/** The steps a mapping has, in the order they run in, each with what it adds to the ones before. */
export function mappingSteps(mapping: FieldMapping): readonly Part[] {
  const { column, constant, template, lookup, trim, changeCase, cast, round, values, otherwise, truncate } = mapping;
  const { bucket, noise, hash, hashAs, tokenise, redact } = mapping;
  const mask: FieldMapping = { bucket, noise, hash, hashAs, tokenise, redact };
  const steps: readonly (Part | false)[] = [
    column !== undefined && [`column ${column}`, { column }],
    constant !== undefined && ["constant", { constant }],
    template !== undefined && [`template ${template}`, { template }],
    lookup !== undefined && [`lookup of ${lookup.object} by ${lookup.matchOn} = ${lookup.column}`, { lookup }],
    trim === true && ["trim", { trim }],
    changeCase !== undefined && [changeCase, { changeCase }],
    cast !== undefined && [`cast to ${cast}`, { cast }],
    round !== undefined && [`round to ${round}`, { round }],
    values !== undefined && ["values", { values, otherwise }],
    maskWords(mask) !== undefined && [maskWords(mask) ?? "", mask],
    truncate !== undefined && [`truncate to ${truncate}`, { truncate }],
    mapping.default !== undefined && ["default", { default: mapping.default }],
  ];
  return steps.filter((step) => step !== false);
}

/** Evaluates the steps for the rows of a relation, of which the first counts. */
export async function stepValues(staging: Staging, mapping: FieldMapping, row: string): Promise<readonly Step[]> {
  const steps = mappingSteps(mapping);
  // What needs a secret, or another record, is told by the end alone.
  const known = steps.findIndex(([, part]) => part.lookup || part.tokenise || part.noise);
  const told = known < 0 ? steps : steps.slice(0, known);
  const columns = told.map((_, i) => {
    const upTo = Object.assign({}, ...told.slice(0, i + 1).map(([, part]) => part)) as FieldMapping;
    return `CAST(${mappingSql(upTo).sql} AS VARCHAR) AS s${i}`;
  });
  const [found] =
    columns.length === 0
      ? []
      : await staging.rows<Record<string, Value>>(`SELECT ${columns.join(", ")} FROM ${row} LIMIT 1`);
  return steps.map(([step], i) => (found && i < told.length ? { step, value: found[`s${i}`] ?? null } : { step }));
}

/** Columns of the source that some mappings read, and those of the key, each once. */
export function columnsRead(key: readonly string[], mappings: readonly FieldMapping[]): readonly string[] {
  return [...new Set([...key, ...mappings.flatMap(mappingColumns)])];
}
