/** What is recorded: the list of syncs, and the records of one. @module */
import type { LedgerPage } from "../engine/inspect.ts";
import type { HeldLock } from "../engine/state/lock.ts";
import type { State } from "../engine/state/state.ts";
import { JSON_FORMAT, toJson } from "./json.ts";
import { columns, cut, padEnd, WIDTH, widthOf } from "./layout.ts";
import { counted, thousands } from "./numbers.ts";
import type { Reveal } from "./reveal.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";

export function renderState(state: State, pages: readonly LedgerPage[], directory: string, style: Style): string {
  const where = style("dim", cut(`serial ${state.serial}, in ${sanitise(directory)}`, WIDTH));
  if (pages.length === 0) return ["Nothing is recorded yet.", where].join("\n");
  const rows = pages.map(({ sync, total, owned }) => [
    sanitise(sync),
    thousands(total),
    thousands(owned),
    sanitise(`${state.syncs[sync]?.object} in ${state.syncs[sync]?.account}`),
  ]);
  const [title = "", ...lines] = columns([["sync", "records", "owned", "object"], ...rows], { right: [1, 2] });
  return [style("bold", title), ...lines, where].join("\n");
}

export function stateJson(state: State, pages: readonly LedgerPage[]): string {
  return toJson({
    format_version: JSON_FORMAT,
    serial: state.serial,
    syncs: pages.map(({ sync, total, owned }) => ({
      name: sync,
      records: total,
      owned,
      object: state.syncs[sync]?.object,
      account: state.syncs[sync]?.account,
    })),
  });
}

/** Records as Ebb last left them. */
export function renderLedger({ sync, total, records }: LedgerPage, reveal: Reveal, style: Style): string {
  const lines = records.flatMap(({ key, id, owned, fields }) => {
    const names = Object.keys(fields);
    const room = Math.min(28, Math.max(0, ...names.map(widthOf)));
    const note = [id === null || id === key ? "" : `id ${reveal.id(sync, id)}`, owned ? "owned" : ""].filter(Boolean);
    return [
      `  ${style("bold", cut(reveal.key(sync, key), 50))}${note.length > 0 ? style("dim", `  (${cut(note.join(", "), 24)})`) : ""}`,
      ...names.map((name) => {
        const label = `      ${padEnd(cut(reveal.name(name), 28), room)}  `;
        return label + cut(reveal.value(sync, name, fields[name] ?? null), WIDTH - widthOf(label));
      }),
    ];
  });
  const shown = records.length < total ? `, ${thousands(records.length)} shown` : "";
  return [...lines, style("dim", `${counted(total, "record")} of ${sanitise(sync)}${shown}`)].join("\n");
}

export function ledgerJson({ sync, total, owned, records }: LedgerPage, showValues: boolean): string {
  return toJson({ format_version: JSON_FORMAT, sync, total, owned, ...(showValues ? { records } : {}) });
}

/** Who holds the state, in a sentence. */
export function ownerText({ user, host, pid, since, ci, expires }: HeldLock, now: number): string {
  const link = ci === null ? "" : ` (${sanitise(ci)})`;
  const lease = expires < now ? "its lease has expired" : `its lease ends in ${Math.ceil((expires - now) / 1000)} s`;
  return `Held by ${sanitise(user)}@${sanitise(host)}, process ${pid}, since ${sanitise(since)}${link}; ${lease}.`;
}
