/** The beginning of a configuration: the provider, with a warehouse in a DuckDB file. */
export const providerOver = (crm: string) => `
terraform {
  required_providers {
    ebb = { source = "ebb/ebb" }
  }
}
provider "ebb" {
  connections = {
    warehouse = { duckdb = { path = "warehouse.duckdb" } }
    crm       = ${crm}
  }
}
`;
