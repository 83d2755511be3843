/** Everything about one record: where its values come from, what is there, and what a plan does with it and why. @module */
import { rejectCodes } from "../core/plan.ts";
import type { Value } from "../core/types.ts";
import type { Explained, ExplainedField } from "../engine/explain/explain.ts";
import { JSON_FORMAT, toJson } from "./json.ts";
import { columns, labelled, type Piece, wrap } from "./layout.ts";
import { moment } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";
import { sanitise } from "./sanitise.ts";
import type { Format, Style } from "./style.ts";
import { basisText } from "./summary.ts";

export function renderExplained(explained: Explained, reveal: Reveal, style: Style): string {
  const { sync, key, rows, fields, runs } = explained;
  const { connection, object } = sync.destination;
  const lines = [
    ...wrap(
      [
        { text: reveal.key(sync.name, key), format: "bold" },
        {
          text: `  in ${sanitise(sync.name)}: ${sanitise(sync.source.connection)} -> ${sanitise(connection)} ${sanitise(object)}`,
        },
      ],
      "",
      "  ",
      style,
    ),
    ...labelled("read", basisText(explained.basis), style),
    ...labelled("row", rowPieces(explained, reveal), style),
    ...labelled("record", recordText(explained, reveal), style),
    ...labelled("decision", [decision(explained, reveal)], style),
    "",
    ...fields.flatMap((field) => fieldLines(sync.name, field, rows.length > 0, reveal, style)),
  ];
  const history = runs.map(({ run, started, action, status, refused }) => [
    run,
    moment(started),
    action,
    refused
      ? `${status}: ${sanitise(refused.code)}${refused.field === null ? "" : ` ${sanitise(refused.field)}`}`
      : status,
  ]);
  return [
    ...lines,
    style("bold", "last runs"),
    ...(history.length === 0 ? ["  None of the last twenty runs touched it."] : columns(history, { indent: "  " })),
  ].join("\n");
}

function rowPieces({ sync, rows }: Explained, reveal: Reveal): readonly Piece[] {
  if (rows.length === 0) return [{ text: "The source has no row with this key." }];
  return rows.flatMap((row, i): Piece[] => {
    const cells = Object.entries(row).map(
      ([column, value]) => `${sanitise(column)}=${cell(sync, column, value, reveal)}`,
    );
    return [{ text: `${i > 0 ? " | " : ""}${cells.join("  ")}` }];
  });
}

/** A column is as private as the most private field it goes into; as the key, where it goes into none. */
function cell(sync: Explained["sync"], column: string, value: Value, reveal: Reveal): string {
  const into = Object.entries(sync.fields).filter(([, mapping]) => mapping.column === column);
  const [masked] = into.filter(([field]) => !reveal.shows(sync.name, field));
  const [field] = masked ?? into[0] ?? [];
  if (field !== undefined) return reveal.value(sync.name, field, value);
  return value === null ? "null" : reveal.key(sync.name, value);
}

function recordText({ sync, id, recorded, owned, observed, basis }: Explained, reveal: Reveal): string {
  const known = recorded ? `recorded by Ebb${owned ? ", which made or adopted it" : ""}` : "not recorded by Ebb";
  const there =
    basis.read === "ledger"
      ? "not looked at (refresh off)"
      : observed
        ? "is in the destination"
        : "is not in the destination";
  return `${there}; ${known}${id === null ? "" : `; id ${reveal.id(sync.name, id)}`}`;
}

const colours = { create: "green", update: "yellow", delete: "red" } as const satisfies Record<string, Format>;

function decision(explained: Explained, reveal: Reveal): Piece {
  const { sync, action, reason, problem, kept, rows, observed, recorded, owned, fields } = explained;
  if (problem) {
    const where = problem.field === null ? "" : ` ${reveal.name(problem.field)}`;
    return { text: `rejected, ${problem.code}${where}: ${rejectCodes[problem.code]}`, format: "red" };
  }
  const because = {
    warehouse: "the warehouse wants it otherwise",
    drift: "somebody else changed it",
    conflict: "both sides changed it",
  };
  const why = reason ? `: ${because[reason]}` : "";
  if (action === "create") return { text: `create${recorded ? why : ": it is not there yet"}`, format: colours.create };
  if (action === "delete")
    return { text: "delete: Ebb made it, and the source no longer has it", format: colours.delete };
  if (action === "update") {
    const changed = fields.filter(({ changes }) => changes).map(({ field }) => reveal.name(field));
    return { text: `update ${changed.join(", ")}${why}`, format: colours.update };
  }
  if (kept) return { text: "nothing: somebody else changed it, and the sync keeps that (onDrift: keep)" };
  if (rows.length === 0 && observed)
    return {
      text:
        sync.mode === "mirror" && !owned
          ? "nothing: no row wants it, and Ebb deletes only what it made or adopted"
          : `nothing: no row wants it, and mode ${sync.mode} deletes nothing`,
    };
  if (rows.length > 0 && !observed && sync.mode === "update") return { text: "nothing: mode update makes no records" };
  if (rows.length > 0 && observed && sync.mode === "create")
    return { text: "nothing: mode create leaves records that are there" };
  return { text: "nothing: it is as the warehouse wants it" };
}

function fieldLines(
  sync: string,
  field: ExplainedField,
  wanted: boolean,
  reveal: Reveal,
  style: Style,
): readonly string[] {
  const show = (value: Value) => reveal.value(sync, field.field, value);
  const steps = field.steps
    .map(({ step, value }) => (value === undefined ? sanitise(step) : `${sanitise(step)} = ${show(value)}`))
    .join("  ->  ");
  const sides = [
    wanted && field.desired !== undefined ? [`desired  ${show(field.desired)}`] : [],
    field.recorded !== undefined ? [`recorded ${show(field.recorded)}`] : [],
    field.observed !== undefined ? [`observed ${show(field.observed)}`] : [],
  ].flat();
  const mark = field.changes ? "  (is written)" : field.drifted ? "  (changed by somebody else)" : "";
  return [
    `  ${style("bold", reveal.name(field.field))}${mark}`,
    ...(steps === "" ? [] : wrap([{ text: steps }], "    mapping  ", "      ", style)),
    ...sides.flatMap((text) => wrap([{ text }], "    ", "      ", style)),
  ];
}

/** Values, keys and the vendor's words are private: they are there only when they were asked for. */
export function explainedJson(explained: Explained, reveal: Reveal): string {
  const { sync, key, rows, fields, runs, ...rest } = explained;
  const show = (field: string, value: Value | undefined) =>
    value === undefined || value === null
      ? value
      : reveal.shows(sync.name, field)
        ? value
        : reveal.value(sync.name, field, value);
  return toJson({
    format_version: JSON_FORMAT,
    sync: sync.name,
    key: reveal.masks ? reveal.key(sync.name, key) : key,
    ...rest,
    id: rest.id === null || !reveal.masks ? rest.id : reveal.id(sync.name, rest.id),
    rows: rows.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([column, value]) => [
          column,
          value === null || !reveal.masks ? value : cell(sync, column, value, reveal),
        ]),
      ),
    ),
    fields: fields.map(({ steps, desired, recorded, observed, ...one }) => ({
      ...one,
      steps: steps.map(({ step, value }) => (value === undefined ? { step } : { step, value: show(one.field, value) })),
      ...(desired === undefined ? {} : { desired: show(one.field, desired) }),
      ...(recorded === undefined ? {} : { recorded: show(one.field, recorded) }),
      ...(observed === undefined ? {} : { observed: show(one.field, observed) }),
    })),
    runs: runs.map(({ refused, ...one }) => ({
      ...one,
      ...(refused ? { refused: { ...refused, message: reveal.words(refused.message) } } : {}),
    })),
  });
}
