/**
 * A system is one folder and one line: this manifest is the single source for decoding, validation, the Terraform
 * schema, the constructs generated from it, the docs page, `ebb systems` and the conformance suite.
 * @module
 */
import * as z from "zod";
import { secretReference } from "../core/secret-reference.ts";
import type { Capabilities } from "./capabilities.ts";
import type { Destination } from "./destination.ts";
import type { Http, HttpOptions } from "./http.ts";
import type { Source } from "./source.ts";

/** What the engine hands a connector when it opens a connection. Everything that touches the world comes from here. */
export interface Context {
  /** Name of the connection, for messages. */
  readonly connection: string;
  /** Absolute path of a path that stands in the project's configuration. */
  path(relative: string): string;
  /** An HTTP client whose calls are limited, counted and classified. */
  http(options: HttpOptions): Http;
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** A folder outside the project that is removed with the connection, for rows on their way. Made when first asked for. */
  scratch(): Promise<string>;
  /**
   * A small secret that outlives the process, such as a rotated refresh token: kept with the state, encrypted with a
   * key made of `seal` (a secret of the connection, so that whoever lacks that cannot read it).
   */
  kept(name: string, seal: string): Kept;
  /** True where somebody sits at a terminal and can be asked to sign in. */
  readonly interactive: boolean;
}

/** One kept secret. */
export interface Kept {
  /** Undefined when nothing was kept, or what was kept was sealed with another secret. */
  get(): Promise<string | undefined>;
  set(value: string): Promise<void>;
}

/** One thing looked at for `ebb doctor`. */
export interface Finding {
  readonly status: "ok" | "warn" | "fail";
  /** One line, without values of records. */
  readonly detail: string;
  /** What to do about it; may be several lines to paste (grants). */
  readonly next?: string;
}

/** A running sandbox: a local server that behaves like the vendor. */
export interface Sandbox {
  readonly url: string;
  /** Connection attributes (camelCase) that reach it, besides `baseUrl`. Never real secrets. */
  readonly credentials: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

export interface SandboxOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Folder in which records outlive the process; without it they live in memory. */
  readonly directory?: string;
  /** Vendor rules to switch: rates, quotas, faults. Each sandbox documents its own. */
  readonly faults?: Readonly<Record<string, unknown>>;
}

export interface System<C extends z.ZodObject = z.ZodObject> {
  /** Lower case, one word; the name of the folder and of the attribute in `connections`. */
  readonly name: string;
  /** Class name of its construct, e.g. `"Salesforce"`. */
  readonly title: string;
  /** One sentence. */
  readonly summary: string;
  /** Options of a connection, camelCase. Every option has a description; secrets are made with {@link secret}. */
  readonly connection: C;
  readonly source?: {
    readonly reads: readonly ("sql" | "table" | "file")[];
    /** Queries and tables can be compared with what was last applied by the system itself (`diff: "warehouse"`). */
    readonly pushdown?: boolean;
    open(options: z.output<C>, context: Context): Promise<Source>;
  };
  readonly destination?: {
    readonly capabilities: Capabilities;
    open(options: z.output<C>, context: Context): Promise<Destination>;
  };
  /** Loaded only when asked for. */
  readonly sandbox?: () => Promise<{ startSandbox(options: SandboxOptions): Promise<Sandbox> }>;
}

/**
 * Gives a manifest its types and forgets them again, so that all systems fit in one list.
 *
 * @example See `providers/memory/index.ts`, the reference connector.
 */
export function defineSystem<C extends z.ZodObject>(system: System<C>): System {
  return system as unknown as System;
}

export { isReference } from "../core/secret-reference.ts";

/** A secret option: in configuration a reference (`env:NAME`, `file:PATH`), resolved only when the connection opens. */
export function secret(description: string) {
  return secretReference(description).meta({ secret: true });
}

/** True for an option made with {@link secret}, optional or not. */
export function isSecret(schema: z.ZodType): boolean {
  return schema.meta()?.secret === true || (schema instanceof z.ZodOptional && isSecret(schema.unwrap() as z.ZodType));
}

/** Options every HTTP connection takes. */
export const httpOptions = {
  baseUrl: z
    .string()
    .optional()
    .describe(
      "Address of the API, instead of the vendor's. `sandbox:DIR` runs the system's sandbox with its records in DIR.",
    ),
  rateLimit: z
    .strictObject({
      calls: z.number().int().min(1).describe("Calls allowed in a window."),
      seconds: z.number().positive().describe("Length of the window."),
    })
    .optional()
    .describe(
      "Calls to make, instead of the system's own rate: fewer when others share the account, more when yours allows them.",
    ),
};
