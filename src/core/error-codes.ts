/** Every code Ebb can show, once. `docs/errors.md` is generated from this table. */
export const errorCodes = {
  APP_FAILED: {
    meaning: "The `app` command of cdktf.json ended with an error, so there is nothing to plan.",
    next: "Run the command by itself and mend what it prints.",
  },
  PROJECT_NOT_FOUND: {
    meaning: "There is no cdktf.json in this folder or above it.",
    next: "Run `ebb init` to make a project, or change into one.",
  },
  CONFIG_INVALID: {
    meaning: "A declaration does not have the shape Ebb expects.",
    next: "Correct the attribute named in the message.",
  },
  CONNECTION_UNKNOWN: {
    meaning: "A sync names a connection that is not declared.",
    next: "Declare the connection, or correct its name.",
  },
  SYSTEM_UNKNOWN: { meaning: "No such system is known to Ebb.", next: "Run `ebb systems` to see those there are." },
  SYSTEM_ROLE: {
    meaning: "The system cannot be used in this role (source or destination).",
    next: "Run `ebb systems` to see what each system can do.",
  },
  SYNC_UNKNOWN: { meaning: "No sync of that name is declared.", next: "Run `ebb validate` to list the syncs." },
  SYNC_OVERLAP: {
    meaning: "Two syncs write the same field of the same object, and do not agree on its owner.",
    next: 'Let one sync write the field, or name its owner in each: owner: "SYNC" (field(…).ownedBy("SYNC")).',
  },
  MODE_UNSUPPORTED: {
    meaning: "The destination cannot do what the sync's mode asks for.",
    next: "Choose another mode; `ebb systems NAME` shows the actions a system has.",
  },
  FORGE_UNKNOWN: {
    meaning: "The command works in a job of GitHub Actions or GitLab CI, and this is neither.",
    next: "Run it in the workflow that `ebb init --ci` writes.",
  },
  FORGE_REFUSED: {
    meaning: "GitHub or GitLab does not let this job read or write what the review needs.",
    next: "Give the job the permissions that the message names.",
  },
  REVIEW_MISSING: {
    meaning: "There is no reviewed plan for the commit that is to be applied.",
    next: "Merge through a pull request whose plan job succeeded; or plan, review and apply by hand.",
  },
  SECRET_LITERAL: {
    meaning: "A secret stands in the code instead of a reference to it.",
    next: 'Use env("NAME") or file("PATH"), and rotate the secret: it has been written to disk.',
  },
  SECRET_MISSING: {
    meaning: "A referenced secret is not there.",
    next: "Set the environment variable, or create the file, named in the message.",
  },
  SECRET_WEAK: {
    meaning: "The secret of a mask is so short that it could be found by trying.",
    next: "Make another one, for example with `openssl rand -hex 32`; tokens and noise made with it are new ones.",
  },
  COLUMN_UNKNOWN: {
    meaning: "The mapping or the key names a column that the query does not return.",
    next: "Correct the name, or add the column to the query.",
  },
  FIELD_UNKNOWN: {
    meaning: "The mapping names a field that the destination object does not have.",
    next: "Correct the name, or create the field in the destination.",
  },
  FIELD_READ_ONLY: {
    meaning: "The destination does not let this field be written.",
    next: "Remove the field from the sync, or ask for the permission to edit it.",
  },
  FIELD_NOT_MATCHABLE: {
    meaning: "Records of this object cannot be found by the field in matchOn.",
    next: "Match on one of the fields named in the message.",
  },
  OBJECT_UNKNOWN: {
    meaning: "The destination has no such object, or the user may not see it.",
    next: "Correct the name, or grant the permission.",
  },
  SOURCE_FAILED: { meaning: "The source could not run the query.", next: "Run the query by itself and mend it." },
  FILE_MISSING: { meaning: "A file that a source reads is not there.", next: "Correct the path." },
  KEY_CHANGED: {
    meaning: "The key of a sync with recorded records has changed.",
    next: "Rename the sync to start anew, or run `ebb state rm SYNC` to forget what was recorded.",
  },
  AUTH_REFUSED: {
    meaning: "The system refused the credentials.",
    next: "Check the variables named in the message, and whether the credentials have been rotated or lack a scope.",
  },
  ACCESS_DENIED: {
    meaning: "The credentials are good but may not do this.",
    next: "Grant the permission; `ebb doctor` lists what is needed.",
  },
  NETWORK: {
    meaning: "The system could not be reached, or the connection broke.",
    next: "Check the address and try again; a stopped apply resumes with `ebb apply`.",
  },
  RATE_LIMITED: { meaning: "The system asks to slow down.", next: "Ebb waits by itself; nothing to do." },
  QUOTA_EXHAUSTED: {
    meaning: "The account's quota is used up.",
    next: "Run `ebb apply` again when the quota is renewed; the run resumes where it stopped.",
  },
  UNAVAILABLE: { meaning: "The system is down or overloaded.", next: "Try again later; a stopped apply resumes." },
  ANSWER_INVALID: {
    meaning: "The system answered something that is not its API.",
    next: "Check the address, and any proxy in between; what was sent is settled by reading back.",
  },
  RECORD_REJECTED: {
    meaning: "The destination refused a record.",
    next: "See the vendor's reason; the next plan tries it again.",
  },
  PLAN_INCOMPLETE: {
    meaning: "Something could not be read, so the plan does not know everything; its deletes are blocked.",
    next: "Mend what the message names and plan again.",
  },
  PLAN_UNREADABLE: {
    meaning: "The file is not a plan, or it is truncated.",
    next: "Take the file again from where it was saved, or plan again.",
  },
  PLAN_ALTERED: {
    meaning: "The plan's content does not match its digest.",
    next: "Do not use this file; plan again.",
  },
  PLAN_UNENCRYPTED: {
    meaning: "In CI a saved plan is encrypted, because it holds customers' data, and no recipient is named.",
    next: "Name who may read it with --encrypt-to or EBB_PLAN_RECIPIENTS (`ebb keygen` makes a key), or say --unencrypted.",
  },
  PLAN_RECIPIENT: {
    meaning: "A plan is to be encrypted to something that is not an age public key.",
    next: "Give the public key, age1…, as `ebb keygen` or `age-keygen` prints it.",
  },
  PLAN_IDENTITY: {
    meaning: "What is given as the key of an encrypted plan is not an age identity.",
    next: "Give the file that `ebb keygen --out FILE` or `age-keygen` made, or its text in EBB_PLAN_IDENTITY.",
  },
  PLAN_SEALED: {
    meaning: "The plan is encrypted, and there is no key to open it with.",
    next: "Give the key with --identity FILE or EBB_PLAN_IDENTITY.",
  },
  PLAN_KEY_WRONG: {
    meaning: "The plan is encrypted to other keys than those given, or its header was altered.",
    next: "Take the key of one of the recipients the plan was saved for.",
  },
  PLAN_DIGEST: {
    meaning: "The plan is not the one whose digest was given.",
    next: "Take the file of the plan that was approved, or have this one approved.",
  },
  PLAN_MOVED: {
    meaning: "Planned again, it would do something that the reviewed plan does not.",
    next: "Save a new plan with `ebb plan --out FILE`, and have that one reviewed.",
  },
  PLAN_EXPIRED: { meaning: "The plan is older than it may be.", next: "Plan again, and have that plan approved." },
  PLAN_STALE: {
    meaning: "Another run has changed the state since the plan was made.",
    next: "Plan again, and have that plan approved.",
  },
  PLAN_FOREIGN: {
    meaning: "The plan was made for another account or another configuration.",
    next: "Apply it where it was made, or plan again here.",
  },
  PLAN_VERSION: { meaning: "The plan was made by another major version.", next: "Plan again with this version." },
  GUARD_STOPPED: {
    meaning: "A guard stopped the plan.",
    next: "Look at the changes; if they are right, raise the guard's number in the sync.",
  },
  POLICY_DENIED: {
    meaning: "A policy of the project denies the declaration or the plan.",
    next: "Change what the policy names; if it is the policy that is wrong, change that and have it reviewed.",
  },
  POLICY_BROKEN: {
    meaning: "A file of policies cannot be loaded, or one of its policies failed, so nothing was judged.",
    next: "Mend the policy named in the message; nothing was saved and nothing was written.",
  },
  REJECTED_STOPPED: {
    meaning: "Records were rejected and the sync says failOnRejected.",
    next: "Mend the records named in the plan.",
  },
  STATE_LOCKED: {
    meaning: "Another run holds the state.",
    next: "Wait for it; a dead owner's lock expires by itself, `ebb state unlock` removes it at once.",
  },
  STATE_CORRUPT: {
    meaning: "The journal or the ledger fails its checksum.",
    next: "Restore the state folder from a backup; nothing was sent.",
  },
  STATE_UNWRITABLE: {
    meaning: "The journal cannot be written, so nothing may be sent.",
    next: "Free disk space, or make the state folder writable, and run `ebb apply` again.",
  },
  RECORD_UNKNOWN: {
    meaning: "Neither the source nor the destination nor the ledger has a record with this key.",
    next: "Give the key as the plan shows it; of several columns as a JSON array.",
  },
  RUN_UNKNOWN: { meaning: "No such run is recorded.", next: "Run `ebb runs` to list them." },
  RUN_UNFINISHED: {
    meaning: "An earlier run stopped before its end.",
    next: "Run `ebb apply` without a plan to finish it first.",
  },
  RUN_STOPPED: { meaning: "The run was stopped and can be resumed.", next: "Run `ebb apply` to resume it." },
  APPROVAL_NEEDED: {
    meaning: "Changes are to be applied that no person has approved, and nobody can be asked.",
    next: "Save a plan with `ebb plan --out FILE`, have it reviewed, and run `ebb apply FILE`.",
  },
  USAGE: { meaning: "The command line is not understood.", next: "Run `ebb --help`." },
  PATH_EXISTS: { meaning: "A file would be overwritten.", next: "Choose an empty folder." },
} as const satisfies Record<string, { readonly meaning: string; readonly next: string }>;

export type ErrorCode = keyof typeof errorCodes;
