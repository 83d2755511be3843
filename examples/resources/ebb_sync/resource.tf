resource "ebb_sync" "customer_ltv" {
  name        = "customer-ltv"
  source      = { connection = "warehouse", query = "select email, lifetime_value from customer" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "update"

  fields = {
    Lifetime_Value__c = { column = "lifetime_value", round = 2, privacy = "public" }
  }

  guards = { max_changes = 10000 }

  lifecycle {
    postcondition {
      condition     = self.changes.delete == 0
      error_message = "This sync never deletes."
    }
  }
}
