/** The addresses of the API and what each does. Older and dated versions of an address are the same here. @module */
import { archiveBatch, createBatch, readBatch, updateBatch, upsertBatch } from "./batches.ts";
import { archiveLinks, makeLinks, readLinks } from "./links.ts";
import type { Meter } from "./meter.ts";
import { associationKinds, type CrmObject, objectNamed, schemaList } from "./objects.ts";
import { createProperty, listGroups, listProperties, readProperty } from "./properties.ts";
import { type Properties, type Records, shown, type WantedLink } from "./records.ts";
import { Refusal } from "./refusal.ts";
import { search } from "./search.ts";
import { portalId, type Tokens } from "./tokens.ts";

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  /** Sent as JSON. */
  readonly json?: unknown;
}

type Parts = readonly string[];

export interface Route {
  readonly method: string;
  /** Address without its version, for statistics. */
  readonly label: string;
  readonly path: RegExp;
  /** Part of the scope the call needs. */
  readonly access?: "read" | "write" | "schema";
  readonly handle: (call: Call, parts: Parts) => Answer;
}

/** @example plainPath("/crm/objects/2026-03/deals/batch/read") // "/objects/deals/batch/read" */
export function plainPath(path: string): string {
  return path
    .replace(/^\/crm\/v[34]\/(objects|properties|associations)/, "/$1")
    .replace(/^\/crm\/(objects|properties|associations)\/\d{4}-\d{2}/, "/$1")
    .replace(/^\/crm(-object-schemas)?\/(v3|\d{4}-\d{2})\/schemas/, "/schemas")
    .replace(/^\/(account-info|oauth)\/(v[13]|\d{4}-\d{2})\//, "/$1/")
    .replace(/\/$/, "");
}

/** The scope a call needs, by the object its address names. */
export function scopeOf({ access }: Route, { scope }: CrmObject): string | undefined {
  if (!access) return undefined;
  if (access === "schema") return `crm.schemas.${scope}.write`;
  return scope === "tickets" ? "tickets" : `crm.objects.${scope}.${access}`;
}

/** The routes of one account. */
export function restRoutes(records: Records, tokens: Tokens, meter: Meter): readonly Route[] {
  const { store } = records;
  const route = (method: string, label: string, handle: Route["handle"], access?: Route["access"]): Route => ({
    method,
    label,
    path: new RegExp(`^${label.replace(/\{\w+\}/g, "([^/]+)")}$`),
    handle,
    ...(access ? { access } : {}),
  });
  const ok = (json: unknown): Answer => ({ status: 200, json });
  const object = (parts: Parts) => objectNamed(parts[0] ?? "");
  const other = (parts: Parts) => objectNamed(parts[1] ?? "");
  const batch = (verb: string, run: typeof readBatch, access: "read" | "write") =>
    route("POST", `/objects/{type}/batch/${verb}`, (call, parts) => run(records, object(parts), jsonOf(call)), access);
  const one = (call: Call, parts: Parts) => {
    const by = call.query.get("idProperty");
    const id = parts[1] ?? "";
    return records.find(object(parts), by ? (records.findBy(object(parts), by, id)?.id ?? "") : id);
  };

  return [
    route("GET", "/account-info/details", () => ok(details)),
    route("GET", "/account-info/api-usage/daily/private-apps", () => ok(usage(meter))),
    route("POST", "/oauth/v2/private-apps/get/access-token-info", (call) => ok(tokens.info(jsonOf(call).tokenKey))),
    route("GET", "/schemas", () => {
      tokens.need("crm.schemas.custom.read");
      return ok(schemaList());
    }),
    route("GET", "/properties/{type}", (_, parts) => listProperties(store, object(parts)), "read"),
    route("POST", "/properties/{type}", (call, parts) => createProperty(store, object(parts), jsonOf(call)), "schema"),
    route("GET", "/properties/{type}/groups", (_, parts) => listGroups(object(parts)), "read"),
    route("GET", "/properties/{type}/{name}", (_, p) => readProperty(store, object(p), p[1] ?? ""), "read"),
    route("GET", "/objects/{type}", (call, parts) => ok(list(records, object(parts), call.query)), "read"),
    route(
      "POST",
      "/objects/{type}",
      (call, parts) => {
        const { properties, associations } = jsonOf(call);
        const row = records.create(object(parts), properties as Properties, associations as readonly WantedLink[]);
        return { status: 201, json: shown(object(parts).name, row, undefined) };
      },
      "write",
    ),
    route("POST", "/objects/{type}/search", (call, parts) => search(records, object(parts), jsonOf(call)), "read"),
    batch("read", readBatch, "read"),
    batch("create", createBatch, "write"),
    batch("update", updateBatch, "write"),
    batch("upsert", upsertBatch, "write"),
    batch("archive", archiveBatch, "write"),
    route(
      "GET",
      "/objects/{type}/{id}",
      (call, parts) => ok(shown(object(parts).name, one(call, parts), named(call.query))),
      "read",
    ),
    route(
      "PATCH",
      "/objects/{type}/{id}",
      (call, parts) => {
        const row = records.update(object(parts), one(call, parts).id, jsonOf(call).properties as Properties);
        return ok(shown(object(parts).name, row, undefined));
      },
      "write",
    ),
    route(
      "DELETE",
      "/objects/{type}/{id}",
      (_, parts) => {
        records.archive(object(parts), parts[1] ?? "");
        return { status: 204 };
      },
      "write",
    ),
    route(
      "GET",
      "/associations/{from}/{to}/labels",
      (_, p) => ok({ results: associationKinds(object(p), other(p)) }),
      "read",
    ),
    route(
      "POST",
      "/associations/{from}/{to}/batch/read",
      (call, p) => readLinks(records, object(p), other(p), jsonOf(call)),
      "read",
    ),
    route(
      "POST",
      "/associations/{from}/{to}/batch/associate/default",
      (call, p) => makeLinks(records, object(p), other(p), jsonOf(call)),
      "write",
    ),
    route(
      "POST",
      "/associations/{from}/{to}/batch/archive",
      (call, p) => archiveLinks(records, object(p), other(p), jsonOf(call), !call.path.startsWith("/crm/v4")),
      "write",
    ),
  ];
}

const details = {
  portalId,
  accountType: "DEVELOPER_TEST",
  timeZone: "Europe/Dublin",
  companyCurrency: "EUR",
  additionalCurrencies: [],
  utcOffset: "+00:00",
  utcOffsetMilliseconds: 0,
  uiDomain: "app-eu1.hubspot.com",
  dataHostingLocation: "eu1",
};

function usage(meter: Meter) {
  const now = new Date();
  const resetsAt = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)).toISOString();
  const numbers = { usageLimit: meter.dailyLimit, currentUsage: meter.used };
  return {
    results: [
      {
        name: "private-apps-api-calls-daily",
        ...numbers,
        collectedAt: now.toISOString(),
        fetchStatus: "SUCCESS",
        resetsAt,
      },
    ],
  };
}

function named(query: URLSearchParams): readonly string[] | undefined {
  const names = query.getAll("properties").flatMap((text) => text.split(","));
  return names.length > 0 ? names.filter(Boolean) : undefined;
}

function list({ store }: Records, object: CrmObject, query: URLSearchParams) {
  const limit = Number(query.get("limit") ?? 10);
  if (!(limit >= 1 && limit <= 100)) throw new Refusal(400, "VALIDATION_ERROR", "limit must be between 1 and 100");
  const after = Number(query.get("after") ?? 0);
  const rows = store.rows(object.name).filter(({ id }) => Number(id) >= after);
  const results = rows.slice(0, limit).map((row) => shown(object.name, row, named(query) ?? []));
  const next = rows[limit];
  return { results, ...(next ? { paging: { next: { after: next.id } } } : {}) };
}

function jsonOf({ body }: Call): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Refused below, as is JSON of another kind.
  }
  throw new Refusal(400, "VALIDATION_ERROR", "Invalid input JSON on line 1, column 1: Cannot parse content");
}
