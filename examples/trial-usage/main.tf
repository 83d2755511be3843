# How much each free trial uses the product, on its contact in HubSpot. Properties that are missing are made.
terraform {
  required_providers {
    ebb = {
      source = "ebb/ebb"
    }
  }
}

provider "ebb" {
  connections = {
    warehouse = { duckdb = {} }
    crm = {
      hubspot = {
        base_url     = "sandbox:crm" # leave this line out to reach the real one
        access_token = "env:HUBSPOT_TOKEN"
      }
    }
  }
}

resource "ebb_sync" "trial_usage" {
  name           = "trial-usage"
  source         = { connection = "warehouse", file = "usage.csv" }
  key            = ["email"]
  destination    = { connection = "crm", object = "contacts", match_on = ["email"] }
  mode           = "upsert"
  missing_fields = "create"

  fields = {
    number_of_flows   = { column = "flows", when_null = "reject", privacy = "public" }
    number_of_runs    = { column = "runs", when_null = "reject", privacy = "public" }
    trial_last_active = { column = "last_active", privacy = "public" }
  }

  guards = { max_changes = 5000 }
}
