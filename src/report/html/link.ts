/** Addresses within the report: filters of the table, as the part of a URL after `#`. @module */

/** What a reader may look for; see `client/filter.ts`, which reads it. */
export interface Wanted {
  readonly sync: string;
  readonly op?: "create" | "update" | "delete";
  readonly field?: string;
  /** `=value` for exactly that value. */
  readonly from?: string;
  readonly to?: string;
  /** Records in which a field has a value, whether it changes or not. */
  readonly where?: string;
  readonly is?: string;
}

/** @example linkTo({ sync: "crm", field: "stage" }) // "#sync=crm&field=stage" */
export function linkTo(wanted: Wanted): string {
  const given = Object.entries(wanted).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `#${new URLSearchParams(given)}`;
}
