data "ebb_plan" "preview" {
  name        = "customer-ltv"
  source      = { connection = "warehouse", query = "select email, lifetime_value from customer" }
  key         = ["email"]
  destination = { connection = "crm", object = "Contact", match_on = ["Email"] }
  mode        = "update"
  fields      = { Lifetime_Value__c = { column = "lifetime_value" } }
}

output "would_change" {
  value = data.ebb_plan.preview.changes
}
