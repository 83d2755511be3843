/** The filters above the table. @module */
import { placeOf, type Report } from "./data.ts";
import { byId, make } from "./dom.ts";
import { everything, type Filter } from "./filter.ts";

const selects = ["sync", "op", "why", "field"] as const;
const inputs = ["text", "from", "to"] as const;
/** A field with more distinct values than this gets no suggestions. */
const SUGGESTED = 200;

export interface Controls {
  set(filter: Filter): void;
  focusSearch(): void;
}

/** @param changed is given the filter after each edit */
export function createControls(report: Report, changed: (filter: Filter) => void): Controls {
  let filter = everything;
  const select = (name: (typeof selects)[number]) => byId(`f-${name}`, HTMLSelectElement);
  const input = (name: (typeof inputs)[number]) => byId(`f-${name}`, HTMLInputElement);
  const update = (part: Partial<Filter>) => {
    filter = { ...filter, ...part };
    depend();
    changed(filter);
  };

  offer(
    select("sync"),
    report.syncs.map(({ name }) => name),
  );
  offer(select("op"), ["create", "update", "delete"]);
  offer(select("why"), ["warehouse", "drift", "conflict"]);
  offer(select("field"), fieldsOf(report, ""));
  select("why").closest("label")?.toggleAttribute("hidden", !hasDrift(report));
  select("sync")
    .closest("label")
    ?.toggleAttribute("hidden", report.syncs.length < 2);

  for (const name of selects)
    select(name).addEventListener("change", () => {
      const value = select(name).value;
      update(name === "field" ? { field: value, from: "", to: "" } : { [name]: value });
    });
  for (const name of inputs) input(name).addEventListener("input", () => update({ [name]: input(name).value }));
  byId("reset", HTMLButtonElement).addEventListener("click", () => update(everything));

  /** What depends on other filters: the fields of a sync, From and To of a field. */
  function depend(): void {
    offer(select("field"), fieldsOf(report, filter.sync));
    for (const name of selects) {
      // An address may ask for what this plan does not have; the filter says so rather than being silently another.
      const one = select(name);
      if (![...one.options].some(({ value }) => value === filter[name]))
        one.append(make("option", { value: filter[name] }, filter[name]));
      one.value = filter[name];
    }
    for (const name of inputs) if (input(name).value !== filter[name]) input(name).value = filter[name];
    input("from").disabled = filter.field === "";
    input("to").disabled = filter.field === "";
    suggest(report, filter);
    const where = byId("where", HTMLParagraphElement);
    where.hidden = filter.where === "";
    if (filter.where !== "") {
      const remove = make("button", { type: "button", "aria-label": "Remove this filter" }, "×");
      remove.addEventListener("click", () => update({ where: "", is: "" }));
      where.replaceChildren("records with ", make("b", {}, `${filter.where} = ${filter.is}`), " ", remove);
    }
  }

  return {
    set(next) {
      filter = next;
      depend();
    },
    focusSearch() {
      input("text").focus();
      input("text").select();
    },
  };
}

function offer(select: HTMLSelectElement, values: readonly string[]): void {
  select.replaceChildren(
    make("option", { value: "" }, "any"),
    ...values.map((value) => make("option", { value }, value)),
  );
}

function fieldsOf({ syncs }: Report, sync: string): readonly string[] {
  const of = syncs.filter(({ name }) => sync === "" || name === sync);
  return [...new Set(of.flatMap(({ columns }) => columns.map(({ name }) => name)))];
}

function hasDrift(report: Report): boolean {
  return report.syncs.some((sync) => sync.kinds.some((kind) => report.kinds[kind]?.reason !== "warehouse"));
}

function suggest({ syncs }: Report, { sync, field }: Filter): void {
  const columns = syncs
    .filter(({ name }) => sync === "" || name === sync)
    .flatMap(({ columns: all }) => all.filter(({ name }) => name === field));
  const values = new Set(columns.flatMap(({ values: some }) => (some.length <= SUGGESTED ? some : [])));
  const options = [...values].sort().map((value) => make("option", { value: `=${value}` }));
  byId("values", HTMLDataListElement).replaceChildren(...options);
}

/** Name of a change in an address: its sync's place, and its position in the plan. */
export function changeName(report: Report, row: number): string {
  const { sync, i } = placeOf(report, row);
  return `${report.syncs.indexOf(sync)}.${sync.positions[i]}`;
}

/** The change of that name; -1 where the report does not carry it. */
export function changeNamed({ syncs }: Report, name: string): number {
  const [at = "", position = ""] = name.split(".");
  const sync = syncs[Number(at)];
  if (!sync || !/^\d+$/.test(position)) return -1;
  const i = sync.positions.indexOf(Number(position));
  return i < 0 ? -1 : sync.start + i;
}
