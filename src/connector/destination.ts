import type {
  Action,
  Change,
  FieldDescription,
  FieldType,
  NewField,
  ObjectDescription,
  Outcome,
  RecordKey,
} from "../core/types.ts";
import type { Extract } from "./source.ts";
import type { Finding } from "./system.ts";

/** Which records to read. `fields` are the names wanted, the matched ones included. */
export type ReadRequest = {
  readonly object: string;
  readonly fields: readonly string[];
  /** The fields that identify a record, in the order of the key's parts. */
  readonly match: readonly string[];
} & (
  | { readonly by: "keys"; readonly keys: readonly RecordKey[] }
  | { readonly by: "ids"; readonly ids: readonly string[] }
  | { readonly by: "scan" }
  /** Every record changed or deleted at or after `since`, an ISO instant of the destination's clock. */
  | { readonly by: "since"; readonly since: string }
);

/** A record as the destination gave it: JSON scalars, not canonical. The engine makes them so. */
export interface ObservedRecord {
  readonly id: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Only from `since`: the record is gone. */
  readonly deleted?: boolean;
}

/** Changes of one action on one object, at most as many as the route allows, each with another key. */
export interface Batch<C extends Change = Change> {
  readonly object: string;
  readonly matchOn: readonly string[];
  readonly action: Action;
  /** Name of the {@link WriteRoute} the engine chose. */
  readonly route: string;
  /** Canonical type of every field in the changes, by name. */
  readonly types: Readonly<Record<string, FieldType>>;
  readonly changes: readonly C[];
  /** Stays the same when the very same batch is sent again: an idempotency key for APIs that take one. */
  readonly id: string;
}

/**
 * What comes back from a write, as it lands. A `ticket` names work the destination goes on with by itself (a job): it
 * is journalled, and handed to `resume` if the process dies.
 */
export type Receipt = { readonly outcomes: readonly Outcome[] } | { readonly ticket: string };

/** New records as columns: CSV (RFC 4180, no header, UTF-8) of `columns`, in pieces; an unquoted empty cell is null. */
export interface Load {
  readonly object: string;
  readonly matchOn: readonly string[];
  /** The matched fields are among them. */
  readonly columns: readonly string[];
  readonly types: Readonly<Record<string, FieldType>>;
  readonly csv: readonly Uint8Array[];
}

/** A connection records go to. It has no loop over batches, no retry, no limiter, no log: the engine has them once. */
export interface Destination {
  /** Stable identity of the account, e.g. an organisation id. It is part of a plan's digest. */
  account(signal: AbortSignal): Promise<string>;
  /** Throws `OBJECT_UNKNOWN` when there is no such object. */
  describe(object: string, signal: AbortSignal): Promise<ObjectDescription>;
  /** Yields what exists, in pages; what does not exist yields nothing. A throw means the read is incomplete. */
  read(request: ReadRequest, signal: AbortSignal): AsyncIterable<readonly ObservedRecord[]>;
  /** The whole object as columns, where the system can: instead of a scan. Only with `idIsKey`. */
  extract?(object: string, fields: readonly string[], signal: AbortSignal): Promise<Extract>;
  /** One outcome per change, matched by key, as it lands. A throw leaves every change without an outcome in doubt. */
  write(batch: Batch, signal: AbortSignal): AsyncIterable<Receipt>;
  /**
   * Creates all records of a load at once, where the system takes columns far faster than records. False: this object
   * cannot be loaded. A RecordError: one of these records is refused, none was created, and `write` is asked instead.
   * Only with `idIsKey` and `checksBefore`.
   */
  load?(load: Load, signal: AbortSignal): Promise<boolean>;
  /** Takes up the work a ticket names, to its end. The batch is the one it was begun with. */
  resume?(ticket: string, batch: Batch, signal: AbortSignal): AsyncIterable<Receipt>;
  /**
   * How `createField` would describe a field it makes, so that a plan can be made before the field is there. Throws
   * `FIELD_UNKNOWN` where no such field can be made (a name the destination does not allow). Asks nothing of the network.
   * Until the field is made, a read that names it gives records without it.
   */
  describeNew?(object: string, field: NewField): FieldDescription;
  /** Makes the field; one that is there already with that type is left as it is. Only with `createsFields`. */
  createField?(object: string, field: NewField, signal: AbortSignal): Promise<void>;
  /** Looks at credentials, permissions and limits, for `ebb doctor`. Writes nothing. */
  examine?(signal: AbortSignal): AsyncIterable<Finding>;
  /** The destination's own clock, an ISO instant, where it tells: the moment a later `since` read starts from. */
  now?(signal: AbortSignal): Promise<string>;
  close?(): Promise<void>;
}
