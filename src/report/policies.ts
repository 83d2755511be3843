/** What policies say of a plan. @module */
import type { PolicyResult } from "../core/plan.ts";
import { labelled } from "./layout.ts";
import { sanitise } from "./sanitise.ts";
import type { Style } from "./style.ts";

/** Sentences of one policy that are shown; the JSON has more. */
const SHOWN = 10;

/** How many policies pass, warn and deny, and what they say. No lines where there are no policies. */
export function policyLines(results: readonly PolicyResult[], style: Style): readonly string[] {
  if (results.length === 0) return [];
  const count = (level: PolicyResult["level"]) => codesOf(results, level).length;
  const head = `PASS ${count("pass")}   WARN ${count("warn")}   DENY ${count("deny")}`;
  const said = (["deny", "warn"] as const).flatMap((level) =>
    codesOf(results, level).flatMap((code) => {
      const own = results.filter((one) => one.code === code);
      const more = own.length - SHOWN;
      const left = more > 0 ? [`${sanitise(code)}: and ${more} more`] : [];
      return [...own.slice(0, SHOWN).map(policyText), ...left].flatMap((text) =>
        labelled(level.toUpperCase(), text, style, level === "deny" ? "red" : "yellow"),
      );
    }),
  );
  return [`${style("bold", "Policies")}  ${head}`, ...said, ""];
}

/** One result as one harmless line. */
export function policyText({ code, sync, message }: PolicyResult): string {
  return `${sanitise(code)}${sync === null ? "" : ` ${sanitise(sync)}`}: ${sanitise(message, { max: 400 })}`;
}

function codesOf(results: readonly PolicyResult[], level: PolicyResult["level"]): readonly string[] {
  return [...new Set(results.filter((one) => one.level === level).map(({ code }) => code))];
}
