# Without a warehouse: the provider is not asked at all.
mock_provider "ebb" {}

variables {
  table = "customer"
}

run "a_module_can_be_tested_without_any_system" {
  command = plan

  assert {
    condition     = ebb_sync.table.mode == "mirror"
    error_message = "The table is mirrored."
  }
}
