/** What a connector gets when a test opens it by itself. @module */
import type { Context, Kept, Permits, RateSignal } from "../src/connector/index.ts";

function refused(what: string): never {
  throw new TypeError(`this test allows no ${what}`);
}

/** Permits for as many calls as anybody wants, which keep what they are told. */
export function freePermits(told: RateSignal[] = []): Permits {
  return {
    acquire: async () => async (end) => void told.push(...end.signals),
    mayLeave: () => true,
    mayRetry: () => true,
  };
}

/** A time that never comes. */
export const never = () => () => undefined;

/** A context that refuses everything but what a test gives it. */
export function testContext(given: Partial<Context> = {}): Context {
  const secrets = new Map<string, string>();
  const kept = (name: string, seal: string): Kept => ({
    get: async () => secrets.get(`${name}:${seal}`),
    set: async (value) => void secrets.set(`${name}:${seal}`, value),
  });
  return {
    connection: "test",
    path: (path) => path,
    http: () => refused("HTTP"),
    now: () => refused("clock"),
    sleep: () => refused("sleep"),
    scratch: () => refused("folder"),
    kept,
    interactive: false,
    ...given,
  };
}
