/** Brings the page to life: reads the changes, follows the address, the filters and the keys. @module */
import { changeName, changeNamed, createControls } from "./controls.ts";
import { type Report, readReport } from "./data.ts";
import { byId, grouped } from "./dom.ts";
import { everything, type Filter, readAddress, writeAddress } from "./filter.ts";
import { createGrid } from "./grid.ts";
import { listenForKeys } from "./keys.ts";
import { matching } from "./match.ts";
import { printOn } from "./print.ts";
import { prepare } from "./search.ts";

const status = byId("status", HTMLParagraphElement);

function start(report: Report): void {
  let filter = everything;
  let change = "";
  let rows = matching(report, filter);
  const grid = createGrid(byId("view", HTMLDivElement), report, {
    addressOf: (row) => writeAddress({ filter: everything, change: changeName(report, row) }),
    opened(row) {
      change = row === null ? "" : changeName(report, row);
      keepAddress();
    },
  });

  const keepAddress = () => {
    const address = writeAddress({ filter, change });
    if (location.hash !== address) history.replaceState(null, "", address);
  };
  const apply = (next: Filter) => {
    performance.mark("filter");
    filter = next;
    rows = matching(report, filter);
    grid.show(rows, next.field);
    const all = grouped(report.rows);
    status.textContent =
      rows.length === report.rows ? `All ${all} changes` : `${grouped(rows.length)} of ${all} changes`;
    performance.measure("filtered", "filter");
  };
  const controls = createControls(report, (next) => {
    change = "";
    apply(next);
    keepAddress();
  });
  const follow = () => {
    const address = readAddress(location.hash);
    if (!address) return;
    controls.set(address.filter);
    apply(address.filter);
    change = address.change;
    if (change === "") return;
    const row = changeNamed(report, change);
    if (row < 0 || !grid.open(row)) status.textContent += "; the change of this address is not among them";
  };

  follow();
  addEventListener("hashchange", () => {
    follow();
    byId("changes", HTMLElement).scrollIntoView({ block: "nearest" });
  });
  printOn(byId("printed", HTMLElement), report, () => ({ rows, filter }));
  listenForKeys(grid, controls, () => byId("reset", HTMLButtonElement).click());
  performance.mark("ready");
  document.body.dataset.ready = "";
  // The first search would otherwise be slower than the others.
  requestIdleCallback(() => {
    for (const { keys, columns } of report.syncs)
      for (const texts of [keys, ...columns.map(({ values }) => values)]) prepare(texts);
  });
}

function offerCopy(): void {
  const button = byId("copy", HTMLButtonElement);
  if (!("clipboard" in navigator)) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(byId("command", HTMLElement).textContent ?? "");
    button.textContent = "Copied";
  });
}

if (document.getElementById("copy")) offerCopy();
readReport()
  .then(start)
  .catch(() => {
    status.textContent = "The changes cannot be read: this browser is too old, or the file is not whole.";
  });
