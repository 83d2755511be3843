/** What a reader looks for, as it stands in the address after `#`. @module */

export interface Filter {
  readonly sync: string;
  readonly op: string;
  readonly why: string;
  readonly field: string;
  /** Of the field: a part of the value, or `=value` for exactly that. */
  readonly from: string;
  readonly to: string;
  /** A field that has a value, whether it changes or not. */
  readonly where: string;
  readonly is: string;
  readonly text: string;
}

export const everything: Filter = {
  sync: "",
  op: "",
  why: "",
  field: "",
  from: "",
  to: "",
  where: "",
  is: "",
  text: "",
};

const names = Object.keys(everything) as readonly (keyof Filter)[];

/** A filter, and the change that is open: `<sync>.<position in the plan>`. */
export interface Address {
  readonly filter: Filter;
  readonly change: string;
}

/** Null for an address that is not one of ours, such as the link to the table. */
export function readAddress(hash: string): Address | null {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  if (hash.length > 1 && ![...names, "change"].some((name) => given.has(name))) return null;
  const filter = Object.fromEntries(names.map((name) => [name, given.get(name) ?? ""])) as unknown as Filter;
  return { filter, change: given.get("change") ?? "" };
}

export function writeAddress({ filter, change }: Address): string {
  const given = names.filter((name) => filter[name] !== "").map((name) => [name, filter[name]]);
  if (change !== "") given.push(["change", change]);
  return `#${new URLSearchParams(given)}`;
}

/** The filter in words, for a page on paper. */
export function inWords({ sync, op, why, field, from, to, where, is, text }: Filter): string {
  const words = [
    sync && `sync ${sync}`,
    op && `operation ${op}`,
    why && `why ${why}`,
    field && `field ${field}`,
    from && `from ${from}`,
    to && `to ${to}`,
    where && `${where} = ${is}`,
    text && `text “${text}”`,
  ];
  return words.filter(Boolean).join(", ") || "all changes";
}
