# A customer's lifetime value, from a file in place of the warehouse to the matching contact in Salesforce.
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

resource "ebb_sync" "customer_lifetime_value" {
  name        = "customer-lifetime-value"
  source      = { connection = "warehouse", file = "customers.csv" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "upsert"

  fields = {
    LastName          = { column = "name" }
    Lifetime_Value__c = { column = "lifetime_value", round = 2, privacy = "public" }
  }

  # More than this in one run is no ordinary night: somebody should look at it first, and raise the number.
  guards = { max_changes = 10000 }
}

output "changes" {
  value = ebb_sync.customer_lifetime_value.changes
}
