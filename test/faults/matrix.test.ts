import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./build.ts";
import { matrixTable } from "./matrix.ts";
import { rows } from "./rows.ts";
import { sabotages } from "./sabotages.ts";

test("every row of the matrix has its proof, or the reason why it has none", () => {
  expect(rows.map(({ row }) => row)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
  const bare = rows.filter(({ here, elsewhere = [], not }) => here.length + elsewhere.length === 0 && !not);
  expect(bare.map(({ row }) => row)).toEqual([]);
});

test("the tests the matrix names are there", () => {
  for (const { row, here, elsewhere = [] } of rows)
    for (const { file, name } of [...here, ...elsewhere]) {
      expect(existsSync(join(root, file)), `row ${row}: ${file}`).toBe(true);
      if (name) expect(readFileSync(join(root, file), "utf8"), `row ${row}: ${file}`).toContain(name);
    }
});

test("the README shows the matrix as it is", () => {
  const path = join(root, "test/faults/README.md");
  const text = readFileSync(path, "utf8");
  const next = `${text.slice(0, text.indexOf("| row |"))}${matrixTable(rows)}\n`;
  if (process.env.UPDATE) writeFileSync(path, next);
  else expect(text, "UPDATE=1 npx vitest run test/faults/matrix.test.ts writes it anew").toBe(next);
});

test.each(sabotages)("a sabotage can still be done: $what", ({ file, from, test: { path, name } }) => {
  expect(readFileSync(join(root, file), "utf8").split(from)).toHaveLength(2);
  expect(readFileSync(join(root, path), "utf8")).toContain(name);
});
