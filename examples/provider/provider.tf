terraform {
  required_providers {
    ebb = {
      source = "ebb/ebb"
    }
  }
}

variable "salesforce_secret" {
  type      = string
  ephemeral = true # never in a plan file or a state
}

provider "ebb" {
  connections = {
    warehouse = {
      snowflake = {
        account     = "acme-eu"
        user        = "EBB"
        role        = "EBB_READER"
        private_key = "env:SNOWFLAKE_PRIVATE_KEY"
      }
    }
    crm = {
      salesforce = {
        login_url     = "https://acme.my.salesforce.com"
        client_id     = "3MVG9.example"
        client_secret = var.salesforce_secret
      }
    }
  }

  state = {
    local = { directory = ".ebb" }
  }
}
