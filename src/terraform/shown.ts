/**
 * What plans have shown, kept beside the state. Terraform plans again before it applies, in another process, and hands
 * that one nothing of a first plan of a new resource; with what is kept, apply can tell in one sentence that the
 * records have moved, instead of Terraform telling it of each attribute. No record values are kept.
 * @module
 */
import { join } from "node:path";
import { ConflictError } from "../core/errors.ts";
import type { Sync } from "../core/sync.ts";
import type { Settings } from "./check-provider.ts";
import { log } from "./log.ts";
import type { Marks } from "./look.ts";
import type { Preview } from "./planning.ts";
import type { Session } from "./session.ts";

interface Shown {
  readonly made: Omit<Preview, "images">;
  readonly marks: Marks | null;
}

/** Plans of one sync that are kept: several may be saved and wait for their approval. */
const KEPT = 10;

/**
 * Keeps a plan that is being shown, and answers what to show: of two plans that would do the same the second has the
 * numbers of the first, of which a quota may have moved. Where the state's folder cannot be written, a plan is shown all
 * the same.
 */
export async function keepShown(session: Session, settings: Settings, sync: Sync, made: Preview): Promise<Preview> {
  const { images, ...rest } = made;
  const before = await read(session, settings, sync);
  const isSame = ({ made: one }: Shown) => one.digest === made.digest && one.config === made.config;
  const same = before.find(isSame);
  const marks = session.marks.get(made.digest) ?? same?.marks ?? null;
  const shown = { made: same?.made ?? rest, marks };
  await write(session, settings, sync, [shown, ...before.filter((one) => !isSame(one))].slice(0, KEPT));
  return { ...shown.made, ...(images && { images }) };
}

/** A plan could show nothing of the sync: what earlier ones showed must not be held against its apply. */
export async function forgetShown(session: Session, settings: Settings, sync: Pick<Sync, "name">): Promise<void> {
  if ((await read(session, settings, sync)).length > 0) await write(session, settings, sync, []);
}

/** The plan that was last shown of a sync as it is declared now, without values of records. */
export async function lastShown(session: Session, settings: Settings, sync: Sync): Promise<Preview | undefined> {
  const { configOf } = await import("./planning.ts");
  const config = configOf(settings, sync);
  return (await read(session, settings, sync)).find(({ made }) => made.config === config)?.made;
}

/** The one error of a plan that does not hold any more. */
export async function stale(
  session: Session,
  settings: Settings,
  sync: Sync,
  shown: string | undefined,
  now: string,
): Promise<ConflictError> {
  const { movedBetween } = await import("./look.ts");
  const before = (await read(session, settings, sync)).find(({ made }) => made.digest === shown)?.marks;
  const moved = movedBetween(before, session.marks.get(now));
  const what =
    moved === undefined || moved === 0
      ? "what would change is not what the plan showed"
      : `${moved} ${moved === 1 ? "record" : "records"} moved since`;
  return new ConflictError("PLAN_STALE", `sync "${sync.name}": the plan is stale: ${what}; run plan again`, {
    next: "Nothing of it was written. Plan again, and have that plan approved.",
  });
}

async function place(session: Session, settings: Settings, { name }: Pick<Sync, "name">): Promise<string> {
  const { fileName, openState } = await import("../engine/state/state.ts");
  const { directory } = openState(await session.world(), settings.state.directory);
  return join(directory, "shown", `${fileName(name)}.json`);
}

async function read(session: Session, settings: Settings, sync: Pick<Sync, "name">): Promise<readonly Shown[]> {
  const { disk } = await session.world();
  const text = await disk.read(await place(session, settings, sync));
  try {
    return text === null ? [] : (JSON.parse(text) as readonly Shown[]);
  } catch {
    return [];
  }
}

async function write(
  session: Session,
  settings: Settings,
  sync: Pick<Sync, "name">,
  all: readonly Shown[],
): Promise<void> {
  const { disk } = await session.world();
  try {
    await disk.replace(await place(session, settings, sync), JSON.stringify(all));
  } catch (error) {
    log("warn", "what the plan shows cannot be kept beside the state", error);
  }
}
