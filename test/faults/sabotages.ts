/** Single lines of the engine that, done wrong, must make a named test fail. @module */

export interface Sabotage {
  readonly what: string;
  /** Path below the project. */
  readonly file: string;
  /** Occurs exactly once there. */
  readonly from: string;
  readonly to: string;
  /** The test that must fail; the name is part of the title as the file has it. */
  readonly test: { readonly path: string; readonly name: string };
}

const kill = (name: string) => ({ path: "test/faults/kill.test.ts", name });
const write = (name: string) => ({ path: "test/engine/write.test.ts", name });
const batch = "src/engine/run/write-batch.ts";

export const sabotages: readonly Sabotage[] = [
  {
    what: "no intent is written",
    file: batch,
    from: "await desk.recorder.intent(batch);",
    to: "",
    test: { path: "test/faults/disk.test.ts", name: "when a write arrives at the vendor, its intent is on disk" },
  },
  {
    what: "an intent is not synced",
    file: "src/engine/run/record.ts",
    from: "n: ranges(changes), at: now() }, true)",
    to: "n: ranges(changes), at: now() }, false)",
    test: { path: "test/faults/disk.test.ts", name: "when a write arrives at the vendor, its intent is on disk" },
  },
  {
    what: "a batch is acknowledged before it is sent",
    file: "src/engine/run/progress.ts",
    from: "set(entry.n, Status.sent);",
    to: "set(entry.n, Status.applied);",
    test: kill("journal.intent:after:2"),
  },
  {
    what: "what is in doubt is sent again without a look",
    file: batch,
    from: "await settle(desk, changes, at, signal);",
    to: "{ outcomes: [], resend: changes, doubt: [] };",
    test: kill("http.POST.write:after:2"),
  },
  {
    what: "records without an answer are forgotten",
    file: batch,
    from: "else if (unanswered.length > 0) await settleAndResend(",
    to: "else if (unanswered.length < 0) await settleAndResend(",
    test: write("outcomes that are missing are settled by reading back"),
  },
  {
    what: "a poisoned batch is not halved",
    file: batch,
    from: "if (only && changes.length === 1) {",
    to: "if (only) {",
    test: write("one poisoned record of"),
  },
  {
    what: "a job's ticket is not written",
    file: "src/engine/run/receive.ts",
    from: "await desk.recorder.ticket(batch, ticket);",
    to: "",
    test: kill("a job that goes on after its owner was killed"),
  },
  {
    what: "a drifted record is overwritten",
    file: "src/engine/run/moved.ts",
    from: "else if (found && !holds(found, change.before)) {",
    to: "else if (found && !holds(found, change.before) && found.deleted) {",
    test: { path: "test/engine/behaviour.test.ts", name: "a record that moved between plan and apply" },
  },
  {
    what: "Retry-After is not read",
    file: "src/connector/retry-after.ts",
    from: "if (!header) return undefined;",
    to: "if (header !== null) return undefined;",
    test: { path: "test/faults/limits.test.ts", name: "Retry-After in seconds" },
  },
  {
    what: "the journal's checksum is not looked at",
    file: "src/engine/run/journal.ts",
    from: "if (!isWhole(each)) throw",
    to: "if (each.length < 9) throw",
    test: { path: "test/faults/damage.test.ts", name: "a bit that is turned over" },
  },
  {
    what: "half a line at the journal's end is taken for an entry",
    file: "src/engine/run/journal.ts",
    from: 'if (tail !== "" && isWhole(tail))',
    to: 'if (tail !== "")',
    test: kill("journal.outcomes:half:2"),
  },
  {
    what: "a stale plan is applied",
    file: "src/engine/apply.ts",
    from: "if (state.serial !== manifest.state.serial)",
    to: "if (state.serial < manifest.state.serial)",
    test: { path: "test/engine/refusals.test.ts", name: "stale, at serial" },
  },
  {
    what: "every call that is refused asks for a token of its own",
    file: "providers/salesforce/auth.ts",
    from: "if (live === grant) live = minting = undefined;",
    to: "live = minting = undefined;",
    test: { path: "test/faults/limits.test.ts", name: "row 15" },
  },
  {
    what: "a call leaves whatever time has passed since it was let through",
    file: "src/engine/connect/prepare.ts",
    from: "mayLeave: () => fence.isFresh(),",
    to: "mayLeave: () => true,",
    test: { path: "test/engine/asleep.test.ts", name: "a call that waited for its connection" },
  },
  {
    what: "nobody looks whether the lock is still theirs",
    file: "src/engine/state/lock.ts",
    from: "if (!(await isOwn(world, path, owner)))",
    to: "if (owner.id === path)",
    test: { path: "test/faults/signals.test.ts", name: "asleep at" },
  },
];
