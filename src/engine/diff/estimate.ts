import type { Capabilities, WriteRoute } from "../../connector/index.ts";
import type { Cost, Counts } from "../../core/plan.ts";
import type { Action } from "../../core/types.ts";
import type { OpenDestination } from "../connect/connections.ts";

/** The route for so many changes of one action: the last whose threshold they exceed. */
export function routeFor(capabilities: Capabilities, action: Action, changes: number): WriteRoute {
  const fit = capabilities.write.filter((r) => changes > r.above && (r.actions?.includes(action) ?? true));
  const route = fit[fit.length - 1] ?? capabilities.write[0];
  if (!route) throw new TypeError("a destination declares no way to write");
  return route;
}

/** Calls and seconds an apply is expected to take at the permitted rate. */
export function estimateCost(open: OpenDestination, counts: Counts, planCalls: number, newFields: number): Cost {
  const { capabilities, limiter, rates } = open;
  const actions: readonly Action[] = ["create", "update", "delete"];
  const applyCalls = actions
    .filter((action) => counts[action] > 0)
    .map((action) => {
      const route = routeFor(capabilities, action, counts[action]);
      return Math.ceil(counts[action] / route.records) * route.calls;
    })
    .reduce((sum, calls) => sum + calls, newFields);
  const perSecond = Math.min(...rates.filter((r) => r.bucket === "calls").map((r) => (1000 * r.limit) / r.perMs));
  return {
    planCalls,
    applyCalls,
    applySeconds: Number.isFinite(perSecond) ? Math.ceil(applyCalls / perSecond) : null,
    quota: limiter.quota(),
  };
}
