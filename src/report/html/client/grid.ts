/** The table of changes: only the lines in view are made. One change at a time may be open below its line. @module */
import { placeOf, type Report } from "./data.ts";
import { changeDetail } from "./detail.ts";
import { make } from "./dom.ts";
import { changeCells } from "./row.ts";

/** Height of a line in pixels, as the style has it. */
const LINE = 32;
/** Lines made above and below what is in view. */
const SPARE = 8;

export interface GridOptions {
  /** Address of a change, for a link to it. */
  addressOf(row: number): string;
  /** A change was opened or, with null, closed. */
  opened(row: number | null): void;
}

export interface Grid {
  /** Shows these changes, by their numbers in the report, with one field before the others. */
  show(rows: Uint32Array, field: string): void;
  /** Goes to a change and opens it. False when it is not among those shown. */
  open(row: number): boolean;
  focus(): void;
  /** Does what a key asks for; false when it means nothing here. */
  press(key: string): boolean;
}

const COLUMNS = ["Operation", "Sync", "Key", "Changes"];

export function createGrid(view: HTMLElement, report: Report, { addressOf, opened }: GridOptions): Grid {
  let shown: Uint32Array = new Uint32Array();
  /** Places among the shown ones; -1 for none. */
  let active = 0;
  let open = -1;
  let openHeight = 0;
  let firstField = "";
  /** What is made of each place. */
  let lines: ReadonlyMap<number, readonly HTMLElement[]> = new Map();

  const head = make("thead", { role: "rowgroup" }, make("tr", { role: "row", "aria-rowindex": 1 }));
  for (const title of COLUMNS) head.rows[0]?.append(make("th", { role: "columnheader", scope: "col" }, title));
  const body = make("tbody", { role: "rowgroup" });
  const columns = make("colgroup", {}, ...COLUMNS.map((title) => make("col", { class: title.toLowerCase() })));
  // As high as all lines together; the table stands where its lines belong.
  const room = make("div", {}, make("table", { role: "presentation" }, columns, head, body));
  view.append(room);
  for (const [name, value] of Object.entries({
    role: "treegrid",
    "aria-label": "Changes",
    tabindex: "0",
    "aria-colcount": COLUMNS.length,
  }))
    view.setAttribute(name, String(value));

  const total = () => shown.length * LINE + (open >= 0 ? openHeight : 0);
  const topOf = (place: number) => place * LINE + (open >= 0 && place > open ? openHeight : 0);
  const placeAt = (y: number) => {
    if (open < 0 || y < topOf(open) + LINE) return Math.floor(y / LINE);
    return y < topOf(open + 1) ? open : Math.floor((y - openHeight) / LINE);
  };
  const headHeight = () => head.offsetHeight;

  function line(place: number): HTMLTableRowElement {
    const row = shown[place] ?? 0;
    const { sync, i } = placeOf(report, row);
    const action = report.kinds[sync.kinds[i] ?? 0]?.action ?? "update";
    const isOpen = place === open;
    const made = make("tr", {
      role: "row",
      id: `r${row}`,
      class: `${action}${place === active ? " active" : ""}`,
      "aria-rowindex": place + 2,
      "aria-level": 1,
      "aria-expanded": String(isOpen),
    });
    made.dataset.place = String(place);
    made.append(...changeCells(report, row, firstField));
    return made;
  }

  function detailLine(): HTMLTableRowElement {
    const row = shown[open] ?? 0;
    const cell = make("td", { role: "gridcell", colspan: COLUMNS.length, "aria-colspan": COLUMNS.length });
    cell.append(changeDetail(report, row, addressOf(row)));
    return make("tr", { role: "row", class: "open", id: `d${row}`, "aria-level": 2, "aria-rowindex": open + 2 }, cell);
  }

  /** @param scrolled nothing changed but where the view stands: the lines that stay in it are kept */
  function render(scrolled = false): void {
    const visible = Math.max(1, view.clientHeight - headHeight());
    const first = Math.max(0, placeAt(view.scrollTop) - SPARE);
    const last = Math.min(shown.length, placeAt(view.scrollTop + visible) + 1 + SPARE);
    const kept = scrolled ? lines : new Map<number, readonly HTMLElement[]>();
    const made = new Map<number, readonly HTMLElement[]>();
    for (let place = first; place < last; place++)
      made.set(place, kept.get(place) ?? (place === open ? [line(place), detailLine()] : [line(place)]));
    lines = made;
    put([...lines.values()].flat());
    stand(first, last);
    const detail = open >= first && open < last ? document.getElementById(`d${shown[open]}`) : null;
    const height = detail?.getBoundingClientRect().height ?? openHeight;
    if (height !== openHeight) {
      openHeight = height;
      stand(first, last);
    }
    const current = shown[active];
    if (current !== undefined && active >= first && active < last)
      view.setAttribute("aria-activedescendant", `r${current}`);
    else view.removeAttribute("aria-activedescendant");
  }

  /** Whoever is in the body stays: a selection in it, or half a click on it. */
  function put(wanted: readonly HTMLElement[]): void {
    const stay = new Set<Element>(wanted);
    for (const row of [...body.rows]) if (!stay.has(row)) row.remove();
    for (const [at, row] of wanted.entries()) if (body.rows[at] !== row) body.insertBefore(row, body.rows[at] ?? null);
  }

  /** Puts the table where its lines belong. Before anything is measured: in a room too low, the view would be scrolled up. */
  function stand(first: number, last: number): void {
    room.style.paddingTop = `${topOf(first)}px`;
    room.style.paddingBottom = `${Math.max(0, total() - topOf(last))}px`;
  }

  /** Scrolls no further than needed to have a line, and what is open below it, in view. */
  function reveal(place: number): void {
    const visible = view.clientHeight - headHeight();
    const top = topOf(place);
    const bottom = top + LINE + (place === open ? Math.min(openHeight, visible - LINE) : 0);
    if (top < view.scrollTop) view.scrollTop = top;
    else if (bottom > view.scrollTop + visible) view.scrollTop = bottom - visible;
  }

  function move(place: number): void {
    active = Math.min(shown.length - 1, Math.max(0, place));
    reveal(active);
    render();
  }

  function setOpen(place: number): void {
    open = place;
    openHeight = 0;
    // Once to be measured, and once more where it then is.
    render();
    reveal(active);
    render();
    opened(open < 0 ? null : (shown[open] ?? null));
  }

  const pageLines = () => Math.max(1, Math.floor((view.clientHeight - headHeight()) / LINE) - 1);
  const actions: Readonly<Record<string, () => void>> = {
    ArrowDown: () => move(active + 1),
    j: () => move(active + 1),
    ArrowUp: () => move(active - 1),
    k: () => move(active - 1),
    PageDown: () => move(active + pageLines()),
    PageUp: () => move(active - pageLines()),
    Home: () => move(0),
    End: () => move(shown.length - 1),
    Enter: () => setOpen(open === active ? -1 : active),
    " ": () => setOpen(open === active ? -1 : active),
    ArrowRight: () => setOpen(active),
    ArrowLeft: () => setOpen(-1),
    Escape: () => setOpen(-1),
  };

  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      render(true);
    });
  };
  view.addEventListener("scroll", later, { passive: true });
  new ResizeObserver(later).observe(view);
  view.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element) || target.closest("a") || String(getSelection() ?? "") !== "") return;
    const place = Number(target.closest<HTMLElement>("tr[data-place]")?.dataset.place ?? -1);
    if (place < 0) return;
    active = place;
    setOpen(open === place ? -1 : place);
  });

  return {
    show(rows, field) {
      shown = rows;
      firstField = field;
      active = 0;
      open = -1;
      view.setAttribute("aria-rowcount", String(rows.length + 1));
      view.scrollTop = 0;
      render();
    },
    open(row) {
      const place = shown.indexOf(row);
      if (place < 0) return false;
      active = place;
      setOpen(place);
      return true;
    },
    focus: () => view.focus(),
    press(key) {
      const act = Object.hasOwn(actions, key) ? actions[key] : undefined;
      if (!act || shown.length === 0) return false;
      act();
      return true;
    },
  };
}
