variables {
  table = "customer"
}

run "a_plan_tells_what_would_change" {
  command = plan

  assert {
    condition     = ebb_sync.table.changes.create == 6 && ebb_sync.table.changes.delete == 0
    error_message = "Six customers are to be created."
  }

  assert {
    condition     = output.preview.changes.create == 6 && length(output.preview.stopped) == 0
    error_message = "The preview tells the same."
  }
}

run "an_apply_writes_it" {
  assert {
    condition     = ebb_sync.table.last_run.applied == 6
    error_message = "Six customers are created."
  }
}

run "and_then_there_is_nothing_to_do" {
  command = plan

  assert {
    condition     = output.preview.changes.create == 0 && output.preview.unchanged == 6
    error_message = "All customers are as they should be."
  }
}

run "a_wrong_guard_is_refused" {
  command = plan

  variables {
    max_deletes = -1
  }

  expect_failures = [var.max_deletes]
}
