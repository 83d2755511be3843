/**
 * The nouns of Ebb: plain readonly data, no behaviour.
 *
 * - **system** — a product Ebb talks to; one folder in `providers/`.
 * - **connection** — a configured system, declared once, named.
 * - **source / destination** — a connection plus a query / plus an object.
 * - **sync** — one declared flow from a source to a destination.
 * - **row / record** — what the query returns / what a destination holds, identified by its record key.
 * - **desired, recorded, observed** — what the warehouse wants; what Ebb last applied (the ledger); what is there now.
 * - **change** — one create, update or delete, with before and after of the changed fields only.
 * - **drift** — observed differs from recorded: somebody else changed it.
 * - **plan** — the saved, digested, reviewable set of changes of one or more syncs.
 * - **outcome** — what happened to one change.
 *
 * @module
 */

/**
 * One field's value in its canonical text, or `null`. The field's {@link FieldType} says how to read it.
 * Text keeps what JavaScript numbers and dates lose: `"9007199254740993"`, `"10.50"`, `"2026-01-31T08:00:00.000Z"`.
 */
export type Value = string | null;

/** Field name to value. An absent name means "not part of this", `null` means "empty". */
export type Fields = Readonly<Record<string, Value>>;

/** Canonical identity of a record within a sync. Made only by `core/key.ts`. */
export type RecordKey = string & { readonly recordKey: never };

/** The canonical form of a field: both sides of a diff are brought to it before they are compared. */
export type FieldType =
  /** `trim` and `emptyIsNull` mirror what the destination does to a value on its way in. */
  | { readonly kind: "text"; readonly maxLength?: number; readonly trim?: boolean; readonly emptyIsNull?: boolean }
  /** Compared trimmed and in lower case; empty is null. */
  | { readonly kind: "email"; readonly maxLength?: number }
  /** 64-bit signed. */
  | { readonly kind: "integer" }
  /** Rounded half away from zero to `scale` digits; at most 38 digits in all. */
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "float" }
  | { readonly kind: "boolean" }
  | { readonly kind: "date" }
  | { readonly kind: "time" }
  /** Truncated to `digits` of a second (0, 3 or 6). With `zone` it is an instant, kept in UTC. */
  | { readonly kind: "timestamp"; readonly digits: 0 | 3 | 6; readonly zone: boolean }
  /** Compared as parsed JSON with sorted keys. */
  | { readonly kind: "json" }
  /** Canonical text is lower-case hexadecimal. */
  | { readonly kind: "bytes" };

/** One column of a source, or of rows staged for a diff. `type` is the canonical type its values are read as. */
export interface Column {
  readonly name: string;
  readonly type: FieldType;
}

export type Action = "create" | "update" | "delete";

interface ChangeBase {
  /** Position in the plan's apply order, unique within a sync, starting at 0. */
  readonly n: number;
  readonly key: RecordKey;
}
export interface Create extends ChangeBase {
  readonly action: "create";
  readonly after: Fields;
}
export interface Update extends ChangeBase {
  readonly action: "update";
  /** The destination's own identifier of the record. */
  readonly id: string;
  readonly before: Fields;
  readonly after: Fields;
}
export interface Delete extends ChangeBase {
  readonly action: "delete";
  readonly id: string;
  readonly before: Fields;
}
export type Change = Create | Update | Delete;

/** Why a change is there: the warehouse moved, somebody else edited the destination, or both. */
export type Reason = "warehouse" | "drift" | "conflict";

/**
 * What happened to one change, matched by key.
 * A change without an outcome is *in doubt*: neither sent nor unsent until it is settled by reading back.
 */
export type Outcome =
  | { readonly key: RecordKey; readonly status: "applied"; readonly id: string }
  /** The system takes it in and never says more (audiences, event streams). */
  | { readonly key: RecordKey; readonly status: "accepted" }
  | {
      readonly key: RecordKey;
      readonly status: "rejected";
      /** The vendor's own error code, e.g. `STRING_TOO_LONG`. */
      readonly code: string;
      /** The vendor's own sentence. Private: may quote record values. */
      readonly message: string;
      readonly field?: string;
      /** True when the same change may succeed shortly (a locked row). */
      readonly retry?: boolean;
    }
  | { readonly key: RecordKey; readonly status: "skipped"; readonly reason: "drifted" };

/** What a destination says one field is. Names are the destination's own. */
export interface FieldDescription {
  readonly name: string;
  readonly label?: string;
  readonly type: FieldType;
  /** Must have a value when a record is created. */
  readonly required?: boolean;
  /** False: the field cannot be cleared once a record is there (default true). */
  readonly nullable?: boolean;
  readonly creatable?: boolean;
  readonly updatable?: boolean;
  /** May be used in `matchOn`. */
  readonly matchable?: boolean;
  /** What a create matched on this field does when it is sent twice: it updates the same record, or is refused. */
  readonly createIsIdempotent?: "key" | "conflict";
  /** Allowed values of a closed list. */
  readonly options?: readonly string[];
  /** `options` stand in an order: a later one may follow an earlier one; the way back leads through empty. */
  readonly forwardOnly?: boolean;
}

/** A field that a sync maps, that the object does not have yet, and that is to be made. */
export interface NewField {
  readonly name: string;
  /** What its values are; a destination takes its nearest type. */
  readonly type: FieldType;
}

/** What a destination says one object is. */
export interface ObjectDescription {
  readonly object: string;
  readonly fields: readonly FieldDescription[];
  /** Records in the object, where the destination can say so cheaply. */
  readonly recordCount?: number;
}
