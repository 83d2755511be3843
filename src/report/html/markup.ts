/** HTML made of elements: every text in it is made harmless on the way in. @module */
import { escapeHtml } from "../escape.ts";

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

const empty: ReadonlySet<string> = new Set(["meta", "input"]);

/**
 * @example element("td", { class: "key" }, text("<b>")) // '<td class="key">&lt;b&gt;</td>'
 */
export function element(name: string, attributes: Attributes, ...children: readonly Child[]): Html {
  const written = Object.entries(attributes).map(([attribute, value]) => {
    if (value === undefined) return "";
    return value === true ? ` ${attribute}` : ` ${attribute}="${escapeHtml(String(value), { max: 4_000 })}"`;
  });
  const open = `<${name}${written.join("")}>`;
  return (empty.has(name) ? open : `${open}${join(...children)}</${name}>`) as Html;
}

export function join(...children: readonly Child[]): Html {
  return children
    .map((child) => {
      if (child === null) return "";
      return typeof child === "string" ? child : escapeHtml(child.text, { max: child.max ?? 400 });
    })
    .join("") as Html;
}

export function text(content: string, max?: number): Text {
  return max === undefined ? { text: content } : { text: content, max };
}
