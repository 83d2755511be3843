# What a sync would do, in a pipeline that must not change anything: a check warns, and the output holds no private value.
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
      salesforce = {
        base_url      = "sandbox:crm" # leave this line out to reach the real one
        login_url     = "https://example.my.salesforce.com"
        client_id     = "3MVG9.example"
        client_secret = "env:SALESFORCE_CLIENT_SECRET"
      }
    }
  }
}

data "ebb_plan" "contacts" {
  name        = "contacts"
  source      = { connection = "warehouse", file = "contacts.csv" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "upsert"
  fields      = { LastName = { column = "name" } }
}

check "an_ordinary_night" {
  assert {
    condition     = data.ebb_plan.contacts.changes.update < 1000
    error_message = "More changes than on an ordinary night."
  }
}

output "preview" {
  value = {
    changes = data.ebb_plan.contacts.changes
    cost    = data.ebb_plan.contacts.cost
    asked   = provider::ebb::mask("ada@example.com", data.ebb_plan.contacts.digest)
  }
}
