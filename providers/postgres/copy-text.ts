/** Rows as text-format COPY data, in chunks of about 64 KiB. */
export function copyText(rows: readonly (readonly (string | null)[])[]): readonly string[] {
  const chunks: string[] = [];
  let chunk = "";
  for (const row of rows) {
    let line = "";
    for (let i = 0; i < row.length; i++) {
      const cell = row[i] ?? null;
      if (i > 0) line += "\t";
      line += cell === null ? "\\N" : escaped(cell);
    }
    chunk += `${line}\n`;
    if (chunk.length > 65_536) {
      chunks.push(chunk);
      chunk = "";
    }
  }
  if (chunk !== "") chunks.push(chunk);
  return chunks;
}

const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(cell: string): string {
  return /[\\\n\r\t]/.test(cell) ? cell.replace(/[\\\n\r\t]/g, (character) => escapes[character] ?? character) : cell;
}
