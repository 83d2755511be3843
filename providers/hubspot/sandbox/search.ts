/** The search endpoint, whose index lags: it is here so that a test can tell that nobody uses it. @module */
import type { CrmObject } from "./objects.ts";
import { type Records, shown } from "./records.ts";
import type { Answer } from "./rest.ts";
import type { Row } from "./store.ts";

interface Filter {
  readonly propertyName?: string;
  readonly operator?: string;
  readonly value?: string;
  readonly values?: readonly string[];
}

interface Body {
  readonly filterGroups?: readonly { readonly filters?: readonly Filter[] }[];
  readonly properties?: readonly string[];
  readonly limit?: number;
}

export function search(
  records: Records,
  object: CrmObject,
  { filterGroups = [], properties, limit = 10 }: Body,
): Answer {
  const lag = records.faults.settings.indexLagMs ?? 0;
  const indexed = (row: Row) => (records.touched.get(`${object.name} ${row.id}`) ?? 0) + lag <= Date.now();
  const holds = (row: Row, { propertyName = "", operator = "EQ", value = "", values = [] }: Filter) => {
    const held = row.properties[propertyName]?.toLowerCase();
    if (operator === "HAS_PROPERTY") return held !== undefined;
    return [value, ...values].some((one) => one.toLowerCase() === held);
  };
  const found = records.store
    .rows(object.name)
    .filter(indexed)
    .filter(
      (row) =>
        filterGroups.length === 0 ||
        filterGroups.some(({ filters = [] }) => filters.every((filter) => holds(row, filter))),
    );
  const results = found.slice(0, Math.min(limit, 200)).map((row) => shown(object.name, row, properties ?? []));
  return { status: 200, json: { total: found.length, results } };
}
