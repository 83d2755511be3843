import type { Row } from "./rows.ts";

/** The matrix as the README shows it. */
export function matrixTable(rows: readonly Row[]): string {
  const lines = rows.map(({ row, fault, how, here, elsewhere = [], not = "" }) => {
    const proofs = [...here, ...elsewhere].map(({ file, name }) => {
      const which = name && !/^row \d+$/.test(name) ? ` (${name})` : "";
      return `\`${file.replace(/^test\//, "")}\`${which}`;
    });
    return `| ${row} | ${fault} | ${how} | ${[...new Set(proofs)].join(", ")} | ${not} |`;
  });
  return ["| row | fault | how it is made to happen | proof | not, and why |", "|---|---|---|---|---|", ...lines].join(
    "\n",
  );
}
