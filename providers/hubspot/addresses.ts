/** Where the API is. Its version stands here and nowhere else. @module */

/** Vendor and date of the API's version. The sandbox answers at the older `v3` and `v4` addresses as well. */
export const version = "2026-03";

export const origin = "https://api.hubapi.com";

const part = encodeURIComponent;

export const objectsPath = (type: string, below = ""): string => `/crm/objects/${version}/${part(type)}${below}`;
export const propertiesPath = (type: string, below = ""): string => `/crm/properties/${version}/${part(type)}${below}`;
export const associationsPath = (from: string, to: string, below: string): string =>
  `/crm/associations/${version}/${part(from)}/${part(to)}${below}`;
export const schemasPath = `/crm-object-schemas/${version}/schemas`;
export const accountPath = `/account-info/${version}/details`;
export const usagePath = `/account-info/${version}/api-usage/daily/private-apps`;
export const tokenPath = `/oauth/${version}/token`;
/** Tells the scopes of a private app's token; the vendor has not dated this one. */
export const tokenInfoPath = "/oauth/v2/private-apps/get/access-token-info";
