import type { Check } from "../engine/doctor.ts";
import { JSON_FORMAT, toJson } from "./json.ts";
import { padEnd, wrap } from "./layout.ts";
import { counted } from "./numbers.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";

const colours = { ok: "green", warn: "yellow", fail: "red" } as const;

/** One check, with what to do about it. */
export function renderCheck({ about, status, detail, next }: Check, style: Style): string {
  const max = 500;
  const head = `${style(colours[status], padEnd(status, 4))}  ${sanitise(about)}: `;
  const lines = wrap([{ text: sanitise(detail, { max }) }], head, "      ", style);
  if (next !== undefined && status !== "ok")
    lines.push(...wrap([{ text: `Next: ${sanitise(next, { max })}` }], "      ", "      ", style));
  return lines.join("\n");
}

export function renderVerdict(checks: readonly Check[], style: Style): string {
  const failed = checks.filter(({ status }) => status === "fail").length;
  return failed === 0 ? style("green", "Ready.") : style("red", `${counted(failed, "check")} failed.`);
}

export function checksJson(checks: readonly Check[]): string {
  return toJson({ format_version: JSON_FORMAT, ok: checks.every(({ status }) => status !== "fail"), checks });
}
