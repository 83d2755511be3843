/** CSV as Bulk API 2.0 takes and gives it: RFC 4180 with a header line, UTF-8, lines ended by LF. @module */

/** @example csvLine(["a", 'b"c']) // 'a,"b""c"\n' */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\n`;
}

/** Rows of cells, the header line first. Blank lines are left out. */
export function* csvRows(text: string): Generator<string[]> {
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let cell: string;
    if (text[at] === '"') {
      let end = at + 1;
      for (;;) {
        end = text.indexOf('"', end);
        if (end < 0) end = text.length;
        if (text[end + 1] !== '"') break;
        end += 2;
      }
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    } else {
      const end = nextOf(text, at);
      cell = text.slice(at, end);
      at = end;
    }
    row.push(cell);
    if (text[at] === ",") {
      at += 1;
      if (at < text.length) continue;
      row.push("");
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    if (row.length > 1 || row[0] !== "") yield row;
    row = [];
  }
}

/** Rows as records of header to cell. */
export function* csvRecords(text: string): Generator<Readonly<Record<string, string>>> {
  let header: string[] | undefined;
  for (const row of csvRows(text)) {
    if (header) {
      const names = header;
      yield Object.fromEntries(names.map((name, i) => [name, row[i] ?? ""]));
    } else header = row;
  }
}

function nextOf(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const c = text[at];
    if (c === "," || c === "\n" || c === "\r") return at;
  }
  return text.length;
}
