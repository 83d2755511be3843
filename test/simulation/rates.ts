/** The destination's own count of calls in rolling windows, all processes together. @module */
import type { Model } from "./model.ts";
import type { Process } from "./process.ts";

export function checkRate({ config, witness, clock }: Model, who: Process): void {
  const at = clock.now();
  witness.calls.push({ at, who: who.name });
  for (const { limit, perMs } of config.rates) {
    let within = 0;
    for (let i = witness.calls.length - 1; i >= 0; i--) {
      if ((witness.calls[i]?.at ?? 0) <= at - perMs) break;
      within += 1;
    }
    witness.stats.worstWindow = Math.max(witness.stats.worstWindow, within / limit);
    if (within > limit) witness.broken("rate limit", `${within} calls within ${perMs} ms, allowed are ${limit}`);
  }
}
