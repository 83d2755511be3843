/** The keyboard. @module */
import type { Controls } from "./controls.ts";
import { byId } from "./dom.ts";
import type { Grid } from "./grid.ts";

export function listenForKeys(grid: Grid, controls: Controls, reset: () => void): void {
  const help = byId("help", HTMLDialogElement);
  const view = byId("view", HTMLDivElement);
  byId("keys", HTMLButtonElement).addEventListener("click", () => help.showModal());
  byId("close", HTMLButtonElement).addEventListener("click", () => help.close());
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    const { target, key } = event;
    const inControl = target instanceof Element && target.closest("input, select, button, a, summary") !== null;
    const typing = target instanceof HTMLInputElement || target instanceof HTMLSelectElement;
    if (typing) {
      if (key === "Escape" || (key === "Enter" && target instanceof HTMLInputElement)) grid.focus();
      return;
    }
    if (key === "/") controls.focusSearch();
    else if (key === "?") help.showModal();
    else if (key === "x") reset();
    else if (key === "j" || key === "k") {
      grid.focus();
      grid.press(key);
    } else if (inControl || !(target instanceof Node && view.contains(target)) || !grid.press(key)) return;
    event.preventDefault();
  });
}
