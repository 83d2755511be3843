/** The properties this account starts with, as the vendor describes them. @module */

export interface Option {
  readonly label: string;
  readonly value: string;
  readonly displayOrder: number;
  readonly hidden: boolean;
  readonly description: string;
}

export interface Definition {
  readonly name: string;
  readonly label: string;
  readonly type: string;
  readonly fieldType: string;
  readonly groupName: string;
  readonly description: string;
  readonly options: readonly Option[];
  readonly displayOrder: number;
  readonly calculated: boolean;
  readonly externalOptions: boolean;
  readonly hasUniqueValue: boolean;
  readonly hidden: boolean;
  readonly hubspotDefined: boolean;
  readonly formField: boolean;
  readonly archived: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly modificationMetadata: {
    readonly archivable: boolean;
    readonly readOnlyDefinition: boolean;
    readonly readOnlyOptions: boolean;
    readonly readOnlyValue: boolean;
  };
}

export type Extra = Partial<Omit<Definition, "options">> & {
  readonly values?: readonly string[];
  readonly readOnly?: boolean;
};

const born = "2024-01-01T00:00:00.000Z";

export function definition(name: string, type: string, fieldType: string, extra: Extra = {}): Definition {
  const { values = [], readOnly = false, ...more } = extra;
  const words = name.replace(/^hs_/, "").replaceAll("_", " ");
  return {
    name,
    label: words.charAt(0).toUpperCase() + words.slice(1),
    type,
    fieldType,
    groupName: "contactinformation",
    description: "",
    // Told in another order than they are shown in: only displayOrder counts.
    options: values
      .map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false, description: "" }))
      .reverse(),
    displayOrder: -1,
    calculated: false,
    externalOptions: false,
    hasUniqueValue: false,
    hidden: false,
    hubspotDefined: false,
    formField: !readOnly,
    archived: false,
    createdAt: born,
    updatedAt: born,
    modificationMetadata: {
      archivable: true,
      readOnlyDefinition: false,
      readOnlyOptions: false,
      readOnlyValue: readOnly,
    },
    ...more,
  };
}

const text = (name: string, extra: Extra = {}) => definition(name, "string", "text", extra);
const number = (name: string, extra: Extra = {}) => definition(name, "number", "number", extra);
const select = (name: string, values: readonly string[], extra: Extra = {}) =>
  definition(name, "enumeration", "select", { ...extra, values });
const flag = (name: string) => definition(name, "enumeration", "booleancheckbox", { values: ["true", "false"] });
const moment = (name: string, extra: Extra = {}) => definition(name, "datetime", "date", extra);
const day = (name: string) => definition(name, "date", "date");
const unique = (name: string) => text(name, { hasUniqueValue: true });
const own = { hubspotDefined: true } as const;
const system = { readOnly: true, hubspotDefined: true } as const;

/** In the order of the pipeline. */
export const stages = [
  "subscriber",
  "lead",
  "marketingqualifiedlead",
  "salesqualifiedlead",
  "opportunity",
  "customer",
  "evangelist",
  "other",
];

const owner = definition("hubspot_owner_id", "enumeration", "select", { ...own, externalOptions: true });
export const owners = ["41629779", "41629780"];

const always = [number("hs_object_id", system), moment("createdate", system), owner];
const modified = moment("hs_lastmodifieddate", system);
const lifecyclestage = definition("lifecyclestage", "enumeration", "radio", { ...own, values: stages });

export const contactProperties: readonly Definition[] = [
  ...always,
  moment("lastmodifieddate", system),
  text("email", own),
  text("firstname", own),
  text("lastname", own),
  text("jobtitle", own),
  text("company", own),
  definition("phone", "string", "phonenumber", own),
  text("city", own),
  text("country", own),
  lifecyclestage,
  select("hs_lead_status", ["NEW", "OPEN", "IN_PROGRESS", "CONNECTED", "UNQUALIFIED"], own),
  text("hs_email_domain", { ...own, calculated: true }),
  unique("customer_id"),
  number("lifetime_value"),
  number("churn_score"),
  number("orders"),
  select("segment", ["New", "Growing", "Loyal", "At Risk"]),
  definition("interests", "enumeration", "checkbox", { values: ["product", "events", "pricing"] }),
  flag("active_subscriber"),
  moment("last_order_at"),
  day("last_order_date"),
  definition("summary", "string", "textarea"),
];

export const companyProperties: readonly Definition[] = [
  ...always,
  modified,
  text("name", own),
  text("domain", own),
  select("industry", ["BANKING", "EDUCATION", "RETAIL", "COMPUTER_SOFTWARE"], own),
  definition("phone", "string", "phonenumber", own),
  text("city", own),
  text("country", own),
  number("numberofemployees", own),
  number("annualrevenue", own),
  definition("description", "string", "textarea", own),
  lifecyclestage,
  unique("account_id"),
  number("health_score"),
  select("tier", ["Free", "Team", "Enterprise"]),
];

export const dealProperties: readonly Definition[] = [
  ...always,
  modified,
  text("dealname", own),
  number("amount", own),
  select("dealstage", ["appointmentscheduled", "qualifiedtobuy", "contractsent", "closedwon", "closedlost"], own),
  select("pipeline", ["default"], own),
  moment("closedate", own),
  select("dealtype", ["newbusiness", "existingbusiness"], own),
  definition("description", "string", "textarea", own),
  definition("hs_is_closed", "bool", "calculation_equation", { ...own, calculated: true }),
  unique("deal_id"),
];

export const ticketProperties: readonly Definition[] = [
  ...always,
  modified,
  text("subject", own),
  definition("content", "string", "textarea", own),
  select("hs_pipeline_stage", ["1", "2", "3", "4"], own),
  select("hs_ticket_priority", ["LOW", "MEDIUM", "HIGH"], own),
];

export const trialProperties: readonly Definition[] = [
  ...always,
  modified,
  unique("trial_id"),
  text("plan"),
  number("seats"),
  flag("converted"),
  day("started_on"),
];
