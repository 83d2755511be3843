/** The changes of a plan as the blocks of a report. @module */
import type { ChangeKind, FieldColumns, SyncColumns } from "../../engine/review/columns.ts";
import type { NumberedTexts } from "../../engine/staging/staging.ts";
import type { Reveal } from "../reveal.ts";
import { sanitise } from "../sanitise.ts";
import { block, packed } from "./blocks.ts";
import type { CodesBlock, IndexedField, IndexedSync, ReportIndex, TextBlock } from "./format.ts";
import type { Html } from "./markup.ts";

/** Characters of one value that are carried, if there are not too many values. */
const MOST_CHARACTERS = 4_000;
const LEAST_CHARACTERS = 200;
/** Characters of one field's distinct values, all together. */
const FIELD_CHARACTERS = 12_000_000;

/** Blocks in the order in which they are made, the index last. */
export async function* dataBlocks(
  syncs: AsyncIterable<SyncColumns>,
  kinds: readonly ChangeKind[],
  reveal: Reveal,
): AsyncIterable<Html> {
  let count = 0;
  const made: Html[] = [];
  const put = async (data: Uint8Array | string): Promise<number> => {
    // Taken before anything is waited for: several are made at a time.
    const number = count++;
    made.push(await block(`b${number}`, data));
    return number;
  };
  const lines = async (pages: AsyncIterable<NumberedTexts>, length: number, show: (value: string) => string) => {
    const shown = new Array<string>(length).fill("");
    for await (const { numbers, texts } of pages)
      for (let r = 0; r < texts.length; r++) shown[numbers[r] ?? 0] = oneLine(show(texts[r] ?? ""));
    return put(shown.join("\n"));
  };
  const codes = async (column: Uint32Array): Promise<CodesBlock> => {
    const { bytes, data } = packed(column);
    return { block: await put(data), bytes };
  };
  const indexed: IndexedSync[] = [];
  for await (const sync of syncs) {
    const { name } = sync.planned.sync;
    const heads = await sync.heads();
    const kindsAt = await codes(heads.kinds);
    const positions = await codes(heads.positions);
    // Masked while the engine is at the fields.
    const keys: Promise<TextBlock> = lines(sync.keys(), sync.rows, (key) => reveal.key(name, key));
    // Where the fields fail first, that is told.
    keys.catch(() => undefined);
    const ids = sync.ids ? { ids: await lines(sync.ids(), sync.rows, (id) => reveal.id(name, id)) } : {};
    yield* made.splice(0);
    const fields: IndexedField[] = [];
    for await (const field of sync.fields()) {
      const max = Math.floor(FIELD_CHARACTERS / Math.max(1, field.distinct));
      const most = Math.min(MOST_CHARACTERS, Math.max(LEAST_CHARACTERS, max));
      // A masked value is masked as a whole, so that its token is the same wherever it is shown.
      const cut = reveal.shows(name, field.name) ? 2 * most + 2 : undefined;
      const values = await lines(field.values(cut), field.distinct, (value) =>
        shownValue(reveal, name, field, value, most),
      );
      fields.push({
        name: reveal.name(field.name),
        values,
        from: await codes(field.from),
        to: await codes(field.to),
        ...(field.kept ? { kept: await codes(field.kept) } : {}),
        ...(field.theirs ? { theirs: await codes(field.theirs) } : {}),
      });
      yield* made.splice(0);
    }
    const order = Object.keys(sync.planned.types).map((field) => reveal.name(field));
    fields.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    const head = { name: reveal.name(name), rows: sync.rows, keys: await keys, ...ids };
    indexed.push({ ...head, kinds: kindsAt, positions, fields });
    yield* made.splice(0);
  }
  const index: ReportIndex = { syncs: indexed, kinds };
  yield await block("index", JSON.stringify(index));
}

/** A long text that may be seen is carried as a whole, so that what changes in it can be shown. */
function shownValue(reveal: Reveal, sync: string, { name }: FieldColumns, value: string, max: number): string {
  if (value.length <= LEAST_CHARACTERS || !reveal.shows(sync, name)) return reveal.value(sync, name, value);
  return sanitise(value, { max });
}

function oneLine(shown: string): string {
  return shown.includes("\n") ? shown.replaceAll("\n", "␊") : shown;
}
