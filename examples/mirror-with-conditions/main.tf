# A list of accounts kept exactly as the warehouse has it: conditions stop a plan, and destroying it clears up.
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

resource "ebb_sync" "accounts" {
  name        = "accounts"
  source      = { connection = "warehouse", file = "accounts.csv" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "mirror"
  fields      = { LastName = { column = "name" } }
  on_destroy  = "delete_records"
  guards      = { max_deletes = 50, max_delete_percent = 10 }

  lifecycle {
    postcondition {
      condition     = self.changes.delete == 0 || self.changes.create + self.changes.update < 1000
      error_message = "Deletes do not go together with a mass update."
    }
  }
}

# Only after the accounts are there.
resource "ebb_sync" "phones" {
  name        = "phones"
  source      = { connection = "warehouse", file = "accounts.csv" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "update"
  fields      = { Phone = { column = "phone" } }
  depends_on  = [ebb_sync.accounts]
}
