/** Files of policies: found, loaded and held against a plan. They are the user's own code, as the app is. @module */
import { basename, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { runInNewContext } from "node:vm";
import { ConfigError } from "../core/errors.ts";
import { isObject } from "../core/is-object.ts";
import type { PolicyResult } from "../core/plan.ts";
import {
  brokenPolicy,
  checkCodes,
  type LoadedPolicy,
  type PolicyInput,
  readPolicies,
  resultsOf,
} from "../core/policy.ts";
import type { AppFile } from "./app.ts";

/** How long a file may load, and a policy may think. */
const LIMIT_MS = 60_000;

/** Absolute paths of the files that `context.ebb.policies` of cdktf.json names. */
export function declaredPolicies({ root, context }: Pick<AppFile, "root" | "context">): readonly string[] {
  const own = isObject(context) ? context.ebb : undefined;
  const given = isObject(own) ? own.policies : undefined;
  const files: readonly unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
  return files.map((file) => {
    if (typeof file !== "string" || file === "")
      throw new ConfigError(
        "CONFIG_INVALID",
        `context.ebb.policies of ${resolve(root, "cdktf.json")} is no file name`,
        {
          next: 'Write for example "context": { "ebb": { "policies": "policies.ts" } }.',
        },
      );
    return resolve(root, file);
  });
}

/**
 * Loads policies, TypeScript or JavaScript.
 *
 * @param files absolute paths; one that is named twice is loaded once
 * @throws ConfigError POLICY_BROKEN naming the file
 */
export async function loadPolicies(files: readonly string[], limitMs = LIMIT_MS): Promise<readonly LoadedPolicy[]> {
  const all: LoadedPolicy[] = [];
  for (const path of new Set(files)) all.push(...(await loadFile(path, limitMs)));
  checkCodes(all);
  return all;
}

async function loadFile(path: string, limitMs: number): Promise<readonly LoadedPolicy[]> {
  const file = relative(process.cwd(), path) || basename(path);
  const { tsImport } = await import("tsx/esm/api");
  const late = () => brokenPolicy(file, null, `is not loaded after ${limitMs / 1000} s`);
  let module: unknown;
  try {
    module = await within(limitMs, late, () => tsImport(pathToFileURL(path).href, import.meta.url));
  } catch (cause) {
    if (cause instanceof ConfigError && cause.code === "POLICY_BROKEN") throw cause;
    throw brokenPolicy(file, null, `cannot be loaded: ${wordsOf(cause)}`, cause);
  }
  return readPolicies(exportedBy(module), file);
}

/** A module that was compiled to CommonJS stands below its own `default`. */
function exportedBy(module: unknown): unknown {
  if (!isObject(module)) return undefined;
  const { default: main, policies } = module;
  if (Array.isArray(main) || policies !== undefined) return Array.isArray(main) ? main : policies;
  return isObject(main) ? (main.default ?? main.policies) : main;
}

/** Holds every policy against a plan, in order. */
export async function judge(
  policies: readonly LoadedPolicy[],
  input: PolicyInput,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<readonly PolicyResult[]> {
  const results: PolicyResult[] = [];
  for (const one of policies) {
    const late = () => brokenPolicy(one.file, one.policy.code, `check has no answer after ${limitMs / 1000} s`);
    const answer = await within(limitMs, late, () => ask(one, structuredClone(input), late, limitMs), signal).catch(
      (cause: unknown) => {
        if (signal.aborted || (cause instanceof ConfigError && cause.code === "POLICY_BROKEN")) throw cause;
        throw brokenPolicy(one.file, one.policy.code, `check failed: ${wordsOf(cause)}`, cause);
      },
    );
    results.push(...resultsOf(one, answer));
  }
  return results;
}

/** Runs the check in a script of its own, which can be ended where it goes round in circles. */
function ask({ policy }: LoadedPolicy, input: PolicyInput, late: () => Error, limitMs: number): unknown {
  try {
    return runInNewContext("check()", { check: () => policy.check(input) }, { timeout: limitMs });
  } catch (error) {
    throw isObject(error) && error.code === "ERR_SCRIPT_EXECUTION_TIMEOUT" ? late() : error;
  }
}

async function within<T>(
  limitMs: number,
  late: () => Error,
  work: () => T | Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  let end: () => void = () => undefined;
  const limit = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => reject(late()), limitMs);
    const stop = () => reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    };
  });
  try {
    signal?.throwIfAborted();
    return await Promise.race([work(), limit]);
  } finally {
    end();
  }
}

/** An error's own words; it comes from the user's code, which sees no record. */
function wordsOf(cause: unknown): string {
  if (isObject(cause) && typeof cause.message === "string") return `${cause.name ?? "Error"}: ${cause.message}`;
  return String(cause);
}
