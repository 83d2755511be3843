# A module as an author would write it: one table kept like another. Its tests are in tests/.
terraform {
  required_providers {
    ebb = { source = "ebb/ebb" }
  }
}

variable "table" {
  type = string
}

variable "max_deletes" {
  type    = number
  default = 10

  validation {
    condition     = var.max_deletes >= 0
    error_message = "Deletes are counted from zero."
  }
}

variable "salt" {
  type    = string
  default = "module"
}

provider "ebb" {
  connections = {
    warehouse = { duckdb = { path = "warehouse.duckdb" } }
    crm       = { duckdb = { path = "crm.duckdb" } }
  }
}

locals {
  flow = {
    source      = { connection = "warehouse", table = var.table }
    key         = ["email"]
    destination = { connection = "crm", object = var.table }
    fields      = { name = { column = "name" } }
    guards      = { max_deletes = var.max_deletes }
  }
}

data "ebb_plan" "preview" {
  name        = "preview of ${var.table}"
  source      = local.flow.source
  key         = local.flow.key
  destination = local.flow.destination
  mode        = "mirror"
  fields      = local.flow.fields
  guards      = local.flow.guards
}

resource "ebb_sync" "table" {
  name        = var.table
  source      = local.flow.source
  key         = local.flow.key
  destination = local.flow.destination
  mode        = "mirror"
  fields      = local.flow.fields
  guards      = local.flow.guards
}

output "changes" {
  value = ebb_sync.table.changes
}

output "preview" {
  value = data.ebb_plan.preview
}

output "owner" {
  value = provider::ebb::mask("ada@example.com", var.salt)
}
