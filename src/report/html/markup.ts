/** HTML made of elements: every text in it is made harmless on the way in. @module */
import { sanitise } from "../sanitise.ts";

/** Text that is markup. Made only by {@link element} and {@link join}. */
export type Html = string & { readonly html: never };

export type Child = Html | Text | null;

/** Text that is not markup yet. */
export interface Text {
  readonly text: string;
  /** Characters kept (default 400). */
  readonly max?: number;
}

/** An absent attribute is left out; `true` stands for itself. Names are ours, values may be anything. */
export type Attributes = Readonly<Record<string, string | number | true | undefined>>;

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  "`": "&#96;",
};

const empty: ReadonlySet<string> = new Set(["meta", "input", "rect", "line"]);

/**
 * @example element("td", { class: "key" }, text("<b>")) // '<td class="key">&lt;b&gt;</td>'
 */
export function element(name: string, attributes: Attributes, ...children: readonly Child[]): Html {
  const written = Object.entries(attributes).map(([attribute, value]) => {
    if (value === undefined) return "";
    return value === true ? ` ${attribute}` : ` ${attribute}="${escaped(String(value), 4_000)}"`;
  });
  const open = `<${name}${written.join("")}>`;
  return (empty.has(name) ? open : `${open}${join(...children)}</${name}>`) as Html;
}

export function join(...children: readonly Child[]): Html {
  return children
    .map((child) => {
      if (child === null) return "";
      return typeof child === "string" ? child : escaped(child.text, child.max ?? 400);
    })
    .join("") as Html;
}

export function text(content: string, max?: number): Text {
  return max === undefined ? { text: content } : { text: content, max };
}

function escaped(content: string, max: number): string {
  return sanitise(content, { max }).replace(/[&<>"'`]/g, (found) => entities[found] ?? "");
}
