/** Attributes whose values only a plan, or an apply, can know. @module */
import type { Attribute, TerraformType } from "./schema.ts";

/** What a plan of a sync tells: of `ebb_sync` and of `ebb_plan`. */
export const planned: Readonly<Record<string, Attribute>> = {
  changes: group(
    "What the plan changes, in numbers of records. While there is nothing to do: what the last such plan changed.",
    {
      create: value("number", "Records to create."),
      update: value("number", "Records to update."),
      delete: value("number", "Records to delete."),
    },
  ),
  field_changes: value(["map", "number"], "In how many updates each field changes."),
  unchanged: value("number", "Rows whose record is already as they want it."),
  rejected: value("number", "Rows that cannot be written as they are, and are left out."),
  cost: group("What applying the plan takes.", {
    calls: value("number", "Calls to the destination."),
    seconds: value("number", "Time at the permitted rate; null where the destination names none."),
    quota_used: value("number", "Calls of the account's quota used so far; null where the destination does not tell."),
    quota_limit: value("number", "The account's quota; null where the destination does not tell."),
  }),
  digest: value("string", "Digest of the planned changes: two plans with the same one do the same."),
};

/** Besides, of `ebb_sync`. */
export const managed: Readonly<Record<string, Attribute>> = {
  id: value("string", "Name of the sync."),
  ...planned,
  images: value(
    "dynamic",
    "With `records`: the fields that change, by key of their record; in the state as they were, in the plan as they become.",
  ),
  last_run: group("The run that last did something.", {
    id: value("string", "Name of the run, as in `ebb runs`."),
    applied: value("number", "Changes that the destination took."),
    rejected: value("number", "Changes that the destination refused. The next plan tries them again."),
    drifted: value("number", "Changes left out because somebody else had edited the record since the plan."),
  }),
};

/** Besides, of `ebb_plan`. */
export const examined: Readonly<Record<string, Attribute>> = {
  id: value("string", "Name of the sync."),
  ...planned,
  complete: value("bool", "Whether all could be read. Where not, nothing is known about the changes."),
  stopped: value(["list", "string"], "Guards that would stop the plan, in words."),
};

function value(type: TerraformType, description: string): Attribute {
  return { type, computed: true, description, description_kind: "plain" };
}

function group(description: string, attributes: Readonly<Record<string, Attribute>>): Attribute {
  return {
    nested_type: { nesting_mode: "single", attributes },
    computed: true,
    description,
    description_kind: "plain",
  };
}
