/** The model destination as a server: what a process's calls reach, with all that can befall them. @module */
import type { Dispatcher } from "undici";
import type { Batch, Outcome, ReadRequest } from "../../src/connector/index.ts";
import { checkArrival, commit } from "./effects.ts";
import { readFault, type WriteFault, writeFault } from "./faults.ts";
import { landDue, type Model, nth, peopleAct } from "./model.ts";
import type { Process } from "./process.ts";
import { draw } from "./random.ts";
import { checkRate } from "./rates.ts";
import { show } from "./reads.ts";

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly text?: string;
}

/** As the HTTP client hands it over: it leaves when its connection stands. */
interface Request {
  readonly path: string;
  readonly body: string | null;
  leave(): void;
}

type Sent = Pick<Batch, "id" | "action" | "changes">;

/** A connection that broke, as undici reports it. */
class Broken extends Error {
  readonly code: string;
  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export function dispatcherOf(model: Model, who: Process): () => Promise<Dispatcher> {
  const { clock, config, witness } = model;
  const never = new AbortController().signal;
  const request = async ({ path, body, leave }: Request) => {
    await who.pass(`connection for ${path}`);
    leave();
    who.leave(`before ${path}`);
    checkRate(model, who);
    const n = nth(model, `calls of ${who.name}`);
    if (!model.calm && draw(config.seed, "people", who.name, n) < 0.12) peopleAct(model, who.name, n);
    landDue(model);
    const answer = await answerTo(model, who, path, body);
    await clock.sleep(who, config.latencyMs * (0.5 + draw(config.seed, "latency", who.name, n)), never);
    await who.pass(`answer of ${path}`);
    if (answer instanceof Broken) throw answer;
    const { status, headers = {}, body: json = {}, text } = answer;
    const told = text ?? JSON.stringify(json);
    return { statusCode: status, headers, body: { text: async () => told } };
  };
  witness.tell(`${who.name} begins`);
  return async () => ({ request }) as unknown as Dispatcher;
}

async function answerTo(model: Model, who: Process, path: string, body: string | null): Promise<Answer | Broken> {
  const { clock, config, witness } = model;
  if (path === "/write") return write(model, who, JSON.parse(body ?? "") as Sent);
  const fault = model.calm ? undefined : readFault(config, `${who.name} ${path}`, nth(model, `${who.name} ${path}`));
  if (fault) witness.tell(`${who.name} ${path}: ${fault}`);
  if (fault) return failure(fault);
  if (path === "/account") return { status: 200, body: { account: "model:1" } };
  if (path === "/now") return { status: 200, body: { now: new Date(clock.now()).toISOString() } };
  if (path.startsWith("/job/")) return job(model, path.slice(5));
  const asked = JSON.parse(body ?? "") as ReadRequest;
  const found = show(model, who, asked);
  const about = asked.by === "keys" ? asked.keys : asked.by === "ids" ? asked.ids : [];
  witness.tell(`${who.name} read ${asked.by} ${about.join(" ")} -> ${found.map(({ id }) => id).join(" ")}`);
  return { status: 200, body: found };
}

function failure(fault: WriteFault | "before"): Answer | Broken {
  switch (fault) {
    case "refused":
      return new Broken("ECONNREFUSED");
    case "busy":
      return { status: 429 };
    case "busy-pause":
      return { status: 429, headers: { "retry-after": "7" } };
    case "quota":
      return { status: 402 };
    case "unauthorised":
      return { status: 401 };
    case "unavailable":
    case "unavailable-after":
      return { status: 503 };
    case "garbage":
      return { status: 200, text: "<html>sign in</html>" };
    default:
      return new Broken("ECONNRESET");
  }
}

const without: readonly WriteFault[] = [
  "before",
  "refused",
  "busy",
  "busy-pause",
  "quota",
  "unauthorised",
  "unavailable",
];
const unanswered: readonly WriteFault[] = ["after", "half", "late", "unavailable-after", "garbage", "silence"];

async function write(model: Model, who: Process, sent: Sent): Promise<Answer | Broken> {
  const { config, witness, clock } = model;
  const name = witness.applying.get(who)?.name ?? "";
  const attempt = nth(model, `write ${name} ${sent.id}`);
  const fault = model.calm ? undefined : writeFault(config, `${name} ${sent.id}`, attempt);
  const keys = sent.changes.map(({ key }) => key).join(" ");
  witness.tell(`${who.name} ${sent.action} ${sent.id.slice(0, 6)} ${keys}${fault ? `: ${fault}` : ""}`);
  for (const change of sent.changes) checkArrival(model, who, change);
  if (fault && without.includes(fault)) return failure(fault);

  const doomed = sent.changes.some(
    (change) => change.action !== "delete" && Object.values(change.after).some((value) => value?.startsWith("poison")),
  );
  if (doomed) return { status: 400 };
  const replay = replayOf(model, sent);
  if (replay === "mismatch") return { status: 409 };
  const doing = (changes: Sent["changes"]): Outcome[] =>
    changes.map((change) => {
      const known = replay?.outcomes.get(change.key) as Outcome | undefined;
      const outcome = known ?? commit(model, who, sent, change);
      if (outcome.status !== "rejected") replay?.outcomes.set(change.key, outcome);
      return outcome;
    });
  const half = Math.ceil(sent.changes.length / 2);
  const [first, rest] = [sent.changes.slice(0, half), sent.changes.slice(half)];
  // The process may die while the call is under way: the server does then what it likes.
  const fate = draw(config.seed, "under way", name, sent.id, attempt);
  try {
    who.leave("write under way");
  } catch (error) {
    if (fate < 0.6) doing(fate < 0.3 ? first : sent.changes);
    if (fate < 0.6) lose(model, who, sent);
    throw error;
  }
  if (config.tickets) return beginJob(model, who, sent, fault, doing, [first, rest], fate);
  if (fault === "half") doing(first);
  else if (fault === "late") {
    witness.stats.late += 1;
    model.pending.push({ at: clock.now() + fate * config.lagSeconds * 450, land: () => doing(sent.changes) });
  } else {
    const outcomes = doing(sent.changes);
    if (!fault || !unanswered.includes(fault))
      return { status: 200, body: { outcomes: garbled(outcomes, fault, fate) } };
  }
  lose(model, who, sent);
  return fault === "silence" ? { status: 200, body: {} } : failure(fault ?? "after");
}

function lose({ witness }: Model, who: Process, { changes }: Sent): void {
  witness.stats.lost += 1;
  for (const { n } of changes) witness.applying.get(who)?.unanswered.add(n);
}

function beginJob(
  model: Model,
  who: Process,
  sent: Sent,
  fault: WriteFault | undefined,
  doing: (changes: Sent["changes"]) => Outcome[],
  [first, rest]: readonly [Sent["changes"], Sent["changes"]],
  fate: number,
): Answer | Broken {
  const { clock, config, jobs, pending } = model;
  const lagMs = config.lagSeconds * 1_000;
  const at = clock.now();
  const outcomes: Outcome[] = [];
  const vanishes = !model.calm && fate > 0.9;
  const fails = !model.calm && fate > 0.8 && !vanishes;
  pending.push({ at: at + 0.2 * lagMs * fate, land: () => outcomes.push(...doing(first)) });
  if (!fails && fault !== "half")
    pending.push({ at: at + 0.4 * lagMs * fate, land: () => outcomes.push(...doing(rest)) });
  const ticket = `job${jobs.size + 1}`;
  jobs.set(ticket, { doneAt: at + 0.4 * lagMs * fate, gone: vanishes, failed: fails, outcomes });
  if (!fault || !unanswered.includes(fault)) return { status: 200, body: { ticket } };
  lose(model, who, sent);
  return fault === "silence" ? { status: 200, body: {} } : failure(fault);
}

function job(model: Model, ticket: string): Answer {
  const found = model.jobs.get(ticket);
  if (!found || found.gone) return { status: 200, body: { state: "gone", outcomes: [] } };
  if (model.clock.now() < found.doneAt) return { status: 200, body: { state: "running", outcomes: [] } };
  return { status: 200, body: { state: found.failed ? "failed" : "done", outcomes: found.outcomes } };
}

function replayOf(model: Model, sent: Sent) {
  if (model.config.createClass !== "header" || sent.action !== "create") return undefined;
  const body = JSON.stringify(sent.changes);
  const known = model.replays.get(sent.id);
  if (known && known.body !== body) return "mismatch" as const;
  const replay = known ?? { body, outcomes: new Map<string, unknown>() };
  model.replays.set(sent.id, replay);
  return replay;
}

function garbled(outcomes: readonly Outcome[], fault: WriteFault | undefined, fate: number): readonly unknown[] {
  const [first] = outcomes;
  switch (fault) {
    case "missing":
      return outcomes.filter((_, i) => i !== Math.floor(fate * outcomes.length));
    case "reordered":
      return [...outcomes].reverse();
    case "twice":
      return first ? [...outcomes, { ...first, status: "applied", id: "another" }] : outcomes;
    case "strangers":
      return [{ key: "stranger", status: "applied", id: "r999" }, ...outcomes];
    default:
      return outcomes;
  }
}
