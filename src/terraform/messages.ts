/**
 * As much of Terraform's plugin protocol, major version 6, as this provider speaks. Each field has its number on the
 * wire, its kind, and `list` or `map` (by text) where there are several.
 * @module
 */
import type { Field } from "./protobuf.ts";

const dynamic = "DynamicValue";
const diagnostics = (number: number) => [number, "Diagnostic", "list"] as const;

export const messages = {
  Empty: {},
  /** A value of the schema's type; `json` is only ever received in a {@link RawState}. */
  DynamicValue: { msgpack: [1, "bytes"], json: [2, "bytes"] },
  RawState: { json: [1, "bytes"] },
  AttributePath: { steps: [1, "PathStep", "list"] },
  /** Exactly one of the three. */
  PathStep: { attribute: [1, "string"], key: [2, "string"], index: [3, "int"] },
  /** Severity: 1 error, 2 warning. */
  Diagnostic: { severity: [1, "int"], summary: [2, "string"], detail: [3, "string"], attribute: [4, "AttributePath"] },
  ServerCapabilities: { planDestroy: [1, "bool"], schemaOptional: [2, "bool"] },
  /** `deferralAllowed`: Terraform 1.11 to 1.16 set it while they apply, and not while they plan. */
  ClientCapabilities: { deferralAllowed: [1, "bool"] },

  Schema: { version: [1, "int"], block: [2, "SchemaBlock"] },
  SchemaBlock: { attributes: [2, "SchemaAttribute", "list"], description: [4, "string"] },
  /** `type` is the type constraint as JSON, absent with `nested`. */
  SchemaAttribute: {
    name: [1, "string"],
    type: [2, "bytes"],
    description: [3, "string"],
    required: [4, "bool"],
    optional: [5, "bool"],
    computed: [6, "bool"],
    sensitive: [7, "bool"],
    nested: [10, "SchemaObject"],
  },
  /** Nesting: 1 single, 2 list, 3 set, 4 map. */
  SchemaObject: { attributes: [1, "SchemaAttribute", "list"], nesting: [3, "int"] },

  /** Types are type constraints as JSON. */
  Function: {
    parameters: [1, "FunctionParameter", "list"],
    return: [3, "FunctionReturn"],
    summary: [4, "string"],
    description: [5, "string"],
  },
  FunctionParameter: { name: [1, "string"], type: [2, "bytes"], nullable: [3, "bool"], description: [5, "string"] },
  FunctionReturn: { type: [1, "bytes"] },

  GetMetadataResponse: {
    capabilities: [1, "ServerCapabilities"],
    dataSources: [3, "TypeMetadata", "list"],
    resources: [4, "TypeMetadata", "list"],
    functions: [5, "FunctionMetadata", "list"],
  },
  TypeMetadata: { typeName: [1, "string"] },
  FunctionMetadata: { name: [1, "string"] },
  GetProviderSchemaResponse: {
    provider: [1, "Schema"],
    resourceSchemas: [2, "Schema", "map"],
    dataSourceSchemas: [3, "Schema", "map"],
    diagnostics: diagnostics(4),
    capabilities: [6, "ServerCapabilities"],
    functions: [7, "Function", "map"],
  },
  GetFunctionsResponse: { functions: [1, "Function", "map"] },
  CallFunctionRequest: { name: [1, "string"], arguments: [2, dynamic, "list"] },
  CallFunctionResponse: { result: [1, dynamic], error: [2, "FunctionError"] },
  FunctionError: { text: [1, "string"], argument: [2, "int"] },
  ValidateProviderConfigRequest: { config: [1, dynamic] },
  ValidateProviderConfigResponse: { diagnostics: diagnostics(2) },
  ValidateResourceConfigRequest: { typeName: [1, "string"], config: [2, dynamic] },
  ValidateResourceConfigResponse: { diagnostics: diagnostics(1) },
  ReadDataSourceRequest: { typeName: [1, "string"], config: [2, dynamic] },
  ReadDataSourceResponse: { state: [1, dynamic], diagnostics: diagnostics(2) },
  ConfigureProviderRequest: { terraformVersion: [1, "string"], config: [2, dynamic] },
  ConfigureProviderResponse: { diagnostics: diagnostics(1) },
  UpgradeResourceStateRequest: { typeName: [1, "string"], version: [2, "int"], rawState: [3, "RawState"] },
  UpgradeResourceStateResponse: { upgradedState: [1, dynamic], diagnostics: diagnostics(2) },
  ReadResourceRequest: { typeName: [1, "string"], currentState: [2, dynamic], private: [3, "bytes"] },
  ReadResourceResponse: { newState: [1, dynamic], diagnostics: diagnostics(2), private: [3, "bytes"] },
  PlanResourceChangeRequest: {
    typeName: [1, "string"],
    priorState: [2, dynamic],
    proposedState: [3, dynamic],
    config: [4, dynamic],
    priorPrivate: [5, "bytes"],
    client: [7, "ClientCapabilities"],
  },
  PlanResourceChangeResponse: {
    plannedState: [1, dynamic],
    requiresReplace: [2, "AttributePath", "list"],
    plannedPrivate: [3, "bytes"],
    diagnostics: diagnostics(4),
  },
  ApplyResourceChangeRequest: {
    typeName: [1, "string"],
    priorState: [2, dynamic],
    plannedState: [3, dynamic],
    config: [4, dynamic],
    plannedPrivate: [5, "bytes"],
  },
  ApplyResourceChangeResponse: { newState: [1, dynamic], private: [2, "bytes"], diagnostics: diagnostics(3) },
  ImportResourceStateRequest: { typeName: [1, "string"], id: [2, "string"] },
  ImportResourceStateResponse: { imported: [1, "ImportedResource", "list"], diagnostics: diagnostics(2) },
  ImportedResource: { typeName: [1, "string"], state: [2, dynamic] },
  StopProviderResponse: { error: [1, "string"] },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>;

export type MessageName = keyof typeof messages;
