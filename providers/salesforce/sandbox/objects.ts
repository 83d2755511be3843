/** The objects this organisation has, as the vendor describes them. @module */

export type FieldKind =
  | "id"
  | "string"
  | "textarea"
  | "phone"
  | "url"
  | "email"
  | "picklist"
  | "reference"
  | "int"
  | "double"
  | "currency"
  | "percent"
  | "boolean"
  | "date"
  | "datetime";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: FieldKind;
  readonly length: number;
  readonly precision: number;
  readonly scale: number;
  readonly digits: number;
  readonly nillable: boolean;
  readonly createable: boolean;
  readonly updateable: boolean;
  readonly defaultedOnCreate: boolean;
  readonly externalId: boolean;
  readonly unique: boolean;
  readonly idLookup: boolean;
  readonly caseSensitive: boolean;
  readonly restrictedPicklist: boolean;
  readonly picklistValues: readonly { readonly value: string; readonly label: string; readonly active: boolean }[];
  readonly referenceTo: readonly string[];
  readonly custom: boolean;
}

export interface SObject {
  readonly name: string;
  readonly label: string;
  readonly keyPrefix: string;
  readonly fields: readonly Field[];
  /** By name in lower case: SOQL does not mind the case of a name. */
  readonly byName: ReadonlyMap<string, Field>;
}

type Extra = Partial<Omit<Field, "name" | "type" | "picklistValues">> & { readonly values?: readonly string[] };

function field(name: string, type: FieldKind, { values = [], ...extra }: Extra = {}): Field {
  return {
    name,
    label: name
      .replace(/__c$/, "")
      .replace(/_/g, " ")
      .replace(/(?<=[a-z])(?=[A-Z])/g, " "),
    type,
    length: 0,
    precision: 0,
    scale: 0,
    digits: 0,
    nillable: true,
    createable: true,
    updateable: true,
    defaultedOnCreate: false,
    externalId: false,
    unique: false,
    idLookup: false,
    caseSensitive: false,
    restrictedPicklist: false,
    picklistValues: values.map((value) => ({ value, label: value, active: true, defaultValue: false, validFor: null })),
    referenceTo: [],
    custom: name.endsWith("__c"),
    ...extra,
  };
}

const text = (name: string, length: number, extra: Extra = {}) => field(name, "string", { length, ...extra });
const phone = (name: string) => field(name, "phone", { length: 40 });
const link = (name: string, to: string, extra: Extra = {}) =>
  field(name, "reference", { length: 18, referenceTo: [to], ...extra });
const list = (name: string, values: readonly string[], extra: Extra = {}) =>
  field(name, "picklist", { length: 255, values, ...extra });
const system = { nillable: false, createable: false, updateable: false, defaultedOnCreate: true } as const;
const derived = { createable: false, updateable: false } as const;
const externalId = text("External_Id__c", 40, { externalId: true, unique: true, idLookup: true });

const first: readonly Field[] = [
  field("Id", "id", { ...system, length: 18, idLookup: true, label: "Record ID" }),
  field("IsDeleted", "boolean", { ...system, label: "Deleted" }),
];
const last: readonly Field[] = [
  link("OwnerId", "User", { nillable: false, defaultedOnCreate: true, label: "Owner ID" }),
  field("CreatedDate", "datetime", system),
  link("CreatedById", "User", { ...system, label: "Created By ID" }),
  field("LastModifiedDate", "datetime", system),
  link("LastModifiedById", "User", { ...system, label: "Last Modified By ID" }),
  field("SystemModstamp", "datetime", { ...system, label: "System Modstamp" }),
];

const sources = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"];
const person: readonly Field[] = [
  text("LastName", 80, { nillable: false }),
  text("FirstName", 40),
  list("Salutation", ["Mr.", "Ms.", "Mrs.", "Dr.", "Prof."], { length: 40 }),
  text("Name", 121, { ...derived, nillable: false, label: "Full Name" }),
  text("Title", 128),
  field("Email", "email", { length: 80, idLookup: true }),
  phone("Phone"),
  phone("MobilePhone"),
  list("LeadSource", sources),
  field("Description", "textarea", { length: 32_000 }),
];
const address = (kind: string): readonly Field[] => [
  field(`${kind}Street`, "textarea", { length: 255 }),
  text(`${kind}City`, 40),
  text(`${kind}State`, 80),
  text(`${kind}PostalCode`, 20),
  text(`${kind}Country`, 80),
];

function object(name: string, keyPrefix: string, fields: readonly Field[]): SObject {
  const all = [...first, ...fields, ...last];
  return { name, label: name, keyPrefix, fields: all, byName: new Map(all.map((f) => [f.name.toLowerCase(), f])) };
}

export const objects: readonly SObject[] = [
  object("Account", "001", [
    text("Name", 255, { nillable: false, label: "Account Name" }),
    list("Type", ["Prospect", "Customer", "Partner"]),
    list("Industry", ["Banking", "Education", "Retail", "Technology", "Other"]),
    phone("Phone"),
    field("Website", "url", { length: 255 }),
    field("AnnualRevenue", "currency", { precision: 18, scale: 0 }),
    field("NumberOfEmployees", "int", { digits: 8 }),
    field("Description", "textarea", { length: 32_000 }),
    ...address("Billing"),
    externalId,
    field("Health_Score__c", "double", { precision: 5, scale: 2 }),
    list("Tier__c", ["Free", "Team", "Enterprise"], { restrictedPicklist: true }),
  ]),
  object("Contact", "003", [
    link("AccountId", "Account", { label: "Account ID" }),
    ...person,
    field("Birthdate", "date"),
    ...address("Mailing"),
    externalId,
    field("Lifetime_Value__c", "currency", { precision: 18, scale: 2 }),
    field("Churn_Score__c", "double", { precision: 5, scale: 4 }),
    field("Orders__c", "int", { digits: 9 }),
    list("Segment__c", ["New", "Growing", "Loyal", "At Risk"], { restrictedPicklist: true }),
    field("Last_Order__c", "datetime"),
    field("Last_Order_Date__c", "date"),
    field("Active__c", "boolean", { nillable: false, defaultedOnCreate: true }),
  ]),
  object("Lead", "00Q", [
    ...person,
    text("Company", 255, { nillable: false }),
    list("Status", ["Open", "Working", "Qualified", "Unqualified"], { nillable: false, defaultedOnCreate: true }),
    list("Rating", ["Hot", "Warm", "Cold"]),
    text("City", 40),
    text("Country", 80),
    field("AnnualRevenue", "currency", { precision: 18, scale: 0 }),
    field("NumberOfEmployees", "int", { digits: 8 }),
    externalId,
    field("Lead_Score__c", "double", { precision: 6, scale: 2 }),
  ]),
  object("Opportunity", "006", [
    link("AccountId", "Account", { label: "Account ID" }),
    text("Name", 120, { nillable: false, label: "Opportunity Name" }),
    list("StageName", ["Prospecting", "Proposal", "Negotiation", "Closed Won", "Closed Lost"], { nillable: false }),
    field("CloseDate", "date", { nillable: false }),
    field("Amount", "currency", { precision: 18, scale: 2 }),
    field("Probability", "percent", { precision: 3, scale: 0 }),
    list("LeadSource", sources),
    field("Description", "textarea", { length: 32_000 }),
    externalId,
  ]),
];

const named = new Map(objects.map((o) => [o.name.toLowerCase(), o]));

export function objectNamed(name: string): SObject | undefined {
  return named.get(name.toLowerCase());
}

/** The answer of `/sobjects/{name}/describe`, as far as a client that writes records reads it. */
export function describeAnswer({ name, label, keyPrefix, fields }: SObject) {
  return { ...abilities(name, label, keyPrefix), fields };
}

/** The answer of `/sobjects`. */
export function listAnswer() {
  return {
    encoding: "UTF-8",
    maxBatchSize: 200,
    sobjects: objects.map(({ name, label, keyPrefix }) => abilities(name, label, keyPrefix)),
  };
}

function abilities(name: string, label: string, keyPrefix: string) {
  const able = { createable: true, updateable: true, deletable: true, queryable: true, retrieveable: true };
  return { name, label, keyPrefix, custom: false, undeletable: true, replicateable: true, ...able };
}
