/** The fault matrix of the design's facts (reliability, section 2.3): each row, how it is injected here, and what proves it. @module */

export interface Proof {
  /** Path below the project. */
  readonly file: string;
  /** Part of the tests' names; the whole file without it. */
  readonly name?: string;
}

export interface Row {
  readonly row: number;
  readonly fault: string;
  /** How it is made to happen. */
  readonly how: string;
  /** In this folder: run by `npm run faults`. */
  readonly here: readonly Proof[];
  /** Covered by other tests, which run with `npm test`. */
  readonly elsewhere?: readonly Proof[];
  /** Why a part, or the whole, cannot happen to Ebb or is not tested. */
  readonly not?: string;
}

const network = "test/faults/network.test.ts";
const signals = "test/faults/signals.test.ts";
const limits = "test/faults/limits.test.ts";
const damage = "test/faults/damage.test.ts";
const disk = "test/faults/disk.test.ts";
const story = (name: string): Proof => ({ file: `test/scenarios/${name}.txt` });

export const rows: readonly Row[] = [
  {
    row: 1,
    fault: "SIGKILL at each named failpoint, before, within and after",
    how: "the command line with failpoints (`ebb.ts`); each point the run itself tells of, in four create classes",
    here: [{ file: "test/faults/kill.test.ts", name: "row 1" }],
    elsewhere: [{ file: "test/engine/crash.test.ts" }, story("kill-bulk"), story("kill-answer-lost")],
  },
  {
    row: 2,
    fault: "SIGKILL at random",
    how: "the proxy kills the process some writes after its start, by a seed; 2 % of the connections break beside it",
    here: [{ file: "test/faults/random-kills.test.ts", name: "row 2" }],
    elsewhere: [story("kill")],
  },
  {
    row: 3,
    fault: "SIGTERM, SIGINT, a second signal",
    how: "signals to the process when the proxy sees its fifth write",
    here: [{ file: signals, name: "row 3" }],
    elsewhere: [story("ctrl-c"), { file: "test/cli/interrupted.test.ts" }],
  },
  {
    row: 4,
    fault: "Power loss",
    how: "appends that were not synced are kept back and lost with the process",
    here: [{ file: disk, name: "row 4" }],
    not: "that a disk keeps what it says it has synced, and a renamed file its new name, is the disk's word",
  },
  {
    row: 5,
    fault: "Reset before the request, within the body, after the commit",
    how: "proxy: every second write",
    here: [{ file: network, name: "row 5" }],
    elsewhere: [{ file: "test/conformance/http-checks.ts" }],
  },
  {
    row: 6,
    fault: "Answer later than the timeout; the commit later still",
    how: "proxy holds the answer, or the call, for longer than the (shortened) timeout",
    here: [{ file: network, name: "row 6" }],
  },
  {
    row: 7,
    fault: "Duplicate delivery, replayed answer, wrong correlation",
    how: "proxy sends each write twice, or gives a call the answer of the one before",
    here: [{ file: network, name: "row 7" }],
    not: "a create that a network doubles is there twice where the vendor has no unique field; Salesforce's results carry nothing but their position, so a replayed answer to a create cannot be told there",
  },
  {
    row: 8,
    fault: "429 storm, Retry-After in seconds, as a date, missing",
    how: "proxy refuses seven calls",
    here: [{ file: limits, name: "row 8" }],
    elsewhere: [{ file: "test/engine/limiter.test.ts" }, { file: "test/engine/pace.test.ts" }],
  },
  {
    row: 9,
    fault: "The limit halves in the middle of a run",
    how: "sandbox's rolling window, from 40 calls a second to 20 at the thirtieth write",
    here: [{ file: limits, name: "row 9" }],
  },
  {
    row: 10,
    fault: "500, 502, 503; outage",
    how: "proxy answers every call 503 from the third write on, time runs twenty times faster",
    here: [{ file: limits, name: "row 10" }],
    elsewhere: [{ file: "test/engine/write.test.ts", name: "stays away" }, story("destination-away")],
  },
  {
    row: 11,
    fault: "Slow answers, one byte at a time",
    how: "proxy gives the body in pieces",
    here: [{ file: network, name: "row 11" }],
  },
  {
    row: 12,
    fault: "Partial success, errors of single records, results in another order",
    how: "sandboxes' own faults",
    here: [],
    elsewhere: [
      { file: "providers/hubspot/hubspot.test.ts", name: "leaves in doubt whatever has no answer of its own" },
      { file: "test/engine/write.test.ts", name: "outcomes that are missing" },
      { file: "test/conformance/write-checks.ts" },
      story("rejected-at-apply"),
    ],
  },
  {
    row: 13,
    fault: "A poisoned record in a batch of 100",
    how: "a destination that refuses the whole batch",
    here: [],
    elsewhere: [{ file: "test/engine/write.test.ts", name: "one poisoned record" }],
  },
  {
    row: 14,
    fault: "200 with an error in it, half a JSON, HTML",
    how: "proxy replaces the answer, with and without the work done",
    here: [
      { file: network, name: "row 14" },
      { file: network, name: "while it plans" },
    ],
    elsewhere: [{ file: "test/conformance/http-checks.ts" }],
  },
  {
    row: 15,
    fault: "Token expiry in the middle of a run",
    how: "the sandbox ends every session when four calls are under way",
    here: [{ file: limits, name: "row 15" }],
    elsewhere: [{ file: "providers/hubspot/hubspot.test.ts", name: "mints one new token" }],
  },
  {
    row: 16,
    fault: "The clock jumps by an hour, either way",
    how: "the process's clock, 2.5 s after its start",
    here: [{ file: limits, name: "row 16" }],
    not: "daylight saving: Ebb keeps time as milliseconds since the epoch, which know none",
  },
  {
    row: 17,
    fault: "Disk full, broken, read-only",
    how: "Node's file functions fail from a failpoint on (ENOSPC, EIO, EROFS)",
    here: [{ file: disk, name: "row 17" }],
    elsewhere: [story("disk-full")],
  },
  {
    row: 18,
    fault: "PostgreSQL restarts, fails over, has no connections left",
    how: "",
    here: [],
    not: "it is the state's backend that is meant, and there is none on PostgreSQL yet; as a destination it is transactional and idempotent by key (test/conformance/postgres.test.ts)",
  },
  {
    row: 19,
    fault: "The lease expires while its owner lives",
    how: "SIGSTOP at a failpoint, a second apply takes over, SIGCONT; time runs fifteen times faster",
    here: [{ file: signals, name: "row 19" }],
    elsewhere: [
      { file: "test/engine/asleep.test.ts" },
      { file: "test/conformance/lock.ts", name: "whoever sleeps at any moment" },
    ],
    not: "stopped between two instructions, the last look at the clock and the write to the connection, a call still leaves: only a vendor could refuse it",
  },
  {
    row: 20,
    fault: "Two applies of one plan; a plan during an apply; a plan after the configuration changed",
    how: "processes beside each other",
    here: [
      { file: signals, name: "row 20" },
      { file: limits, name: "row 20" },
    ],
    elsewhere: [story("two-at-once"), story("foreign-plan"), { file: "test/engine/refusals.test.ts" }],
  },
  {
    row: 21,
    fault: "The destination drifts between plan and apply",
    how: "a person edits, deletes and creates in the sandbox",
    here: [],
    elsewhere: [
      story("edited-meanwhile"),
      { file: "test/engine/behaviour.test.ts", name: "moved between plan and apply" },
    ],
  },
  {
    row: 22,
    fault: "The source changes during the plan",
    how: "the source's file is replaced while the destination is read",
    here: [{ file: network, name: "row 22" }],
    not: "within a warehouse the source is one statement, which each answers from one snapshot",
  },
  {
    row: 23,
    fault: "Torn or altered journal, ledger, state, plan",
    how: "bytes are appended, turned over or left out",
    here: [{ file: damage, name: "row 23" }],
    elsewhere: [{ file: "test/engine/refusals.test.ts", name: "altered" }, story("bad-plan-files")],
  },
  {
    row: 24,
    fault: "Another version in the middle of a run",
    how: "a journal and a state with another number",
    here: [{ file: damage, name: "row 24" }],
  },
  {
    row: 25,
    fault: "Little memory",
    how: "a plan of 10 million rows in a process of its own; here the peak of an apply is measured",
    here: [],
    elsewhere: [{ file: "bench/plan.ts" }],
  },
];
