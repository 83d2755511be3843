/** The part of the page that its script brings to life: filters, the table's frame, help, what is printed. @module */
import { PRINTED } from "./limits.ts";
import { element, type Html, text } from "./markup.ts";

export function changesSection(): Html {
  return element(
    "section",
    { id: "changes", "aria-labelledby": "changes-title" },
    element("h2", { id: "changes-title" }, text("Changes")),
    filters(),
    element("p", { id: "status", role: "status" }, text("Reading the changes …")),
    element(
      "noscript",
      {},
      element("p", { class: "alert warn" }, text("The table of changes needs scripts; the summary does not.")),
    ),
    element("div", { id: "view" }),
    element("section", { id: "printed", "aria-hidden": "true" }),
  );
}

function filters(): Html {
  return element(
    "div",
    { id: "filters", role: "search", "aria-label": "Filter the changes" },
    field("Search", "text", input("text", "search", "key or value")),
    field("Sync", "sync", select("sync")),
    field("Operation", "op", select("op")),
    field("Why", "why", select("why")),
    field("Field", "field", select("field")),
    field("From", "from", input("from", "text", "any value")),
    field("To", "to", input("to", "text", "any value")),
    element("button", { type: "button", id: "reset" }, text("Reset")),
    element("button", { type: "button", id: "keys" }, text("Keys "), element("kbd", {}, text("?"))),
    element("p", { id: "where", hidden: true }),
  );
}

function field(label: string, name: string, control: Html): Html {
  return element("label", { class: `field ${name}`, for: `f-${name}` }, element("span", {}, text(label)), control);
}

function input(name: string, type: string, placeholder: string): Html {
  const list = name === "text" ? {} : { list: "values" };
  return element("input", { id: `f-${name}`, type, placeholder, autocomplete: "off", spellcheck: "false", ...list });
}

function select(name: string): Html {
  return element("select", { id: `f-${name}` }, element("option", { value: "" }, text("any")));
}

const keys: readonly (readonly [keys: string, does: string])[] = [
  ["/", "search"],
  ["↓ ↑ or j k", "next, previous change"],
  ["Page Down, Page Up", "a page further, a page back"],
  ["Home, End", "first, last change"],
  ["Enter or Space", "show or hide all of a change"],
  ["→ ←", "show, hide all of a change"],
  ["Esc", "leave the search; hide a change; close this"],
  ["x", "reset the filters"],
  ["?", "this help"],
];

export function help(): Html {
  return element(
    "dialog",
    { id: "help", "aria-labelledby": "help-title" },
    element("h2", { id: "help-title" }, text("Keys and filters")),
    element(
      "table",
      {},
      element(
        "tbody",
        {},
        ...keys.map(([key, does]) =>
          element(
            "tr",
            {},
            element("th", { scope: "row" }, element("kbd", {}, text(key))),
            element("td", {}, text(does)),
          ),
        ),
      ),
    ),
    element(
      "ul",
      {},
      ...[
        "Search finds a part of a key or of a value that changes, in capitals or not.",
        "From and To are of the chosen field: a part of the value, or =value for exactly that; =null for empty.",
        "The address holds the filters and the open change: copy it to show somebody the same.",
        `Printing prints the summary and what is filtered, up to ${PRINTED.toLocaleString("en")} changes.`,
      ].map((line) => element("li", {}, text(line))),
    ),
    element("button", { type: "button", id: "close" }, text("Close")),
  );
}

/** Suggestions for From and To. */
export function suggestions(): Html {
  return element("datalist", { id: "values" });
}
