/** What policies say of a plan. @module */
import type { PolicyResult } from "../core/plan.ts";
import { labelled } from "./layout.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";

/** Sentences of one policy that are shown; the JSON has more. */
const SHOWN = 10;

/** What one policy found wrong. */
export interface PolicyWord {
  readonly level: "deny" | "warn";
  /** One harmless line. */
  readonly text: string;
}

/** What policies found wrong, denials first; of each policy the first few. */
export function policyWords(results: readonly PolicyResult[]): readonly PolicyWord[] {
  return (["deny", "warn"] as const).flatMap((level) =>
    codesOf(results, level).flatMap((code) => {
      const own = results.filter((one) => one.level === level && one.code === code);
      const more = own.length - SHOWN;
      const left = more > 0 ? [`${sanitise(code)}: and ${more} more`] : [];
      return [...own.slice(0, SHOWN).map(policyText), ...left].map((text) => ({ level, text }));
    }),
  );
}

/** @example ["PASS 6", "WARN 1", "DENY 0"] */
export function policyCounts(results: readonly PolicyResult[]): readonly string[] {
  const count = (level: PolicyResult["level"]) => codesOf(results, level).length;
  return [`PASS ${count("pass")}`, `WARN ${count("warn")}`, `DENY ${count("deny")}`];
}

/** How many policies pass, warn and deny, and what they say. No lines where there are no policies. */
export function policyLines(results: readonly PolicyResult[], style: Style): readonly string[] {
  if (results.length === 0) return [];
  const said = policyWords(results).flatMap(({ level, text }) =>
    labelled(level.toUpperCase(), text, style, level === "deny" ? "red" : "yellow"),
  );
  return [`${style("bold", "Policies")}  ${policyCounts(results).join("   ")}`, ...said, ""];
}

/** One result as one harmless line. */
export function policyText({ code, sync, message }: PolicyResult): string {
  return `${sanitise(code)}${sync === null ? "" : ` ${sanitise(sync)}`}: ${sanitise(message, { max: 400 })}`;
}

function codesOf(results: readonly PolicyResult[], level: PolicyResult["level"]): readonly string[] {
  return [...new Set(results.filter((one) => one.level === level).map(({ code }) => code))];
}
