const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[[\]{},:]|true|false|null/g;

/**
 * JSON with its keys sorted and without spaces, so that equal documents are equal text; null for what is not JSON.
 * Numbers that a double cannot hold stay as they are written.
 *
 * @example canonicalJson('{"b": 1.0, "a": 9007199254740993}') // '{"a":9007199254740993,"b":1}'
 */
export function canonicalJson(text: string): string | null {
  try {
    JSON.parse(text);
    return written(text.matchAll(token));
  } catch {
    return null;
  }
}

/** The text is known to be JSON: only its tokens are put in order. */
function written(tokens: Iterator<RegExpExecArray>): string {
  const next = () => tokens.next().value?.[0] ?? "";
  const value = (at: string): string => {
    if (at === "[") return `[${list("]", value).join(",")}]`;
    if (at === "{") {
      const members = new Map(
        list("}", (name) => {
          next();
          return [JSON.parse(name) as string, value(next())] as const;
        }),
      );
      const sorted = [...members].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
      return `{${sorted.map(([name, inner]) => `${JSON.stringify(name)}:${inner}`).join(",")}}`;
    }
    if (at.startsWith('"')) return JSON.stringify(JSON.parse(at));
    return /^[-\d]/.test(at) ? number(at) : at;
  };
  const list = <T>(end: string, item: (at: string) => T): T[] => {
    const items: T[] = [];
    for (let at = next(); at !== end; at = next()) items.push(item(at === "," ? next() : at));
    return items;
  };
  return value(next());
}

function number(text: string): string {
  const digits = text
    .replace(/[eE].*$/, "")
    .replace(/\D/g, "")
    .replace(/^0+/, "").length;
  const short = digits <= 15 && Number.isFinite(Number(text));
  return short ? JSON.stringify(Number(text)) : text;
}
