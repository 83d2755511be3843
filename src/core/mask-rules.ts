/** Which masks make no sense where they stand: with other steps, on a type of column, for a type of field. @module */
import { maskWords } from "./masks.ts";
import type { FieldMapping } from "./sync.ts";
import type { FieldType } from "./types.ts";

/** A mistake, at the attribute of the mapping it is about; none names the mapping as a whole. */
export interface MaskProblem {
  readonly attribute?: keyof FieldMapping;
  readonly message: string;
}

const masks = ["hash", "tokenise", "redact", "bucket", "noise"] as const;
type Mask = (typeof masks)[number];
type Kind = FieldType["kind"];

const numbers: readonly Kind[] = ["integer", "decimal", "float"];
const times: readonly Kind[] = ["date", "timestamp"];

/** What of a mapping's steps does not go together. `matched`: records are found by this field. */
export function maskProblems(mapping: FieldMapping, matched: boolean): MaskProblem[] {
  const problems: MaskProblem[] = [];
  const report = (attribute: keyof FieldMapping | undefined, message: string) =>
    problems.push(attribute === undefined ? { message } : { attribute, message });
  const { bucket, noise, hash, hashAs } = mapping;
  const given = masks.filter((mask) => mapping[mask] !== undefined);

  if (hashAs !== undefined && hash === undefined) report("hashAs", "means nothing without hash");
  if (given.length > 1) report(undefined, `${list(given)} each replace the value; choose one`);
  for (const mask of given) {
    if (mask !== "hash" && mapping.truncate !== undefined)
      report("truncate", `cuts what ${mask} has made${mask === "tokenise" ? "; set tokenise.length instead" : ""}`);
    if (mask !== "hash" && mapping.constant !== undefined)
      report(mask, "has nothing to hide: the value is the same for every record");
    if (mask !== "hash" && matched)
      report(mask, "stands on a field that records are found by, which would find none of them again");
    if (mask === "bucket" || mask === "noise") problems.push(...numberSteps(mapping, mask));
  }
  if (bucket) {
    const forms = (["width", "edges", "by"] as const).filter((form) => bucket[form] !== undefined);
    if (forms.length !== 1)
      report(
        "bucket",
        `needs exactly one of width, edges or by; there ${forms.length ? `are ${list(forms)}` : "is none"}`,
      );
    if (bucket.edges?.some((edge, i) => i > 0 && edge <= (bucket.edges?.[i - 1] ?? edge)))
      report("bucket", "has edges that do not ascend");
  }
  if (noise?.min !== undefined && noise.max !== undefined && noise.min >= noise.max)
    report("noise", "has a min that is not below its max");
  return problems;
}

/** Steps that leave no number, or no date, for a mask that needs one. */
function numberSteps({ template, lookup, changeCase, cast, bucket, round }: FieldMapping, mask: Mask): MaskProblem[] {
  const dates = mask === "bucket" && bucket?.by !== undefined;
  const needs = dates ? "a date" : "a number";
  const kinds = dates ? times : numbers;
  const wrong = [
    ...(template === undefined ? [] : ["a template is text"]),
    ...(lookup ? ["a lookup gives an id"] : []),
    ...(changeCase ? ["changeCase makes text"] : []),
    ...(cast !== undefined && !kinds.some((kind) => kind === cast) ? [`cast makes it ${cast}`] : []),
    ...(dates && round !== undefined ? ["round makes a number"] : []),
  ];
  return wrong.map((why) => ({ attribute: mask, message: `needs ${needs}, and ${why}` }));
}

/** Why a column of this type cannot be masked so, or undefined. Text may hold anything: its values decide, one by one. */
export function columnProblem(mapping: FieldMapping, kind: Kind): string | undefined {
  if (mapping.cast !== undefined || mapping.round !== undefined || mapping.values !== undefined) return undefined;
  if (!mapping.bucket && !mapping.noise) return undefined;
  const kinds = mapping.bucket?.by === undefined ? numbers : times;
  return kind === "text" || kinds.includes(kind)
    ? undefined
    : `it is ${kind}, and ${maskWords(mapping)} needs ${kinds.join(", ")} or text`;
}

/** Why a field of this type cannot take what the mask makes, or undefined. */
export function fieldProblem({ tokenise, redact, bucket, noise }: FieldMapping, kind: Kind): string | undefined {
  const takes = (mask: Mask, kinds: readonly Kind[]) =>
    kinds.includes(kind) ? undefined : `is ${kind}, which cannot hold what ${mask} makes: ${kinds.join(", ")}`;
  if (tokenise) return takes("tokenise", ["text", "email", "bytes"]);
  if (redact !== undefined) return takes("redact", ["text", "email"]);
  if (noise) return takes("noise", numbers);
  if (bucket?.edges) return takes("bucket", ["text"]);
  if (bucket) return takes("bucket", [...(bucket.by === undefined ? numbers : times), "text"]);
  return undefined;
}

const list = (words: readonly string[]) => words.join(" and ");
