/** A process of a story: it can be killed or frozen at any moment it touches disk or network. @module */

/** What a killed process leaves: from one moment on nothing it does has any effect. Not an error Ebb knows. */
export class Killed extends Error {}

export interface Doom {
  /** Number of the moment it dies at, counted from 1; 0 never. */
  readonly killAt: number;
  /** The machine loses power with it: what was not flushed is gone. */
  readonly power: boolean;
  /** Number of the moment from which on it freezes where it may, as by SIGSTOP; 0 never. */
  readonly freezeAt: number;
  /** Whether it may freeze at a moment, given the kinds of moments it has been at. */
  readonly mayFreeze: (where: string, been: ReadonlySet<string>) => boolean;
}

export const spared: Doom = { killAt: 0, power: false, freezeAt: 0, mayFreeze: () => false };

export interface Process {
  readonly name: string;
  readonly dead: boolean;
  readonly frozen: boolean;
  /** Moments passed so far. */
  readonly moments: number;
  /** Where it died or froze. */
  readonly where: string;
  /** A moment: throws when it dies here, waits while it is frozen. */
  pass(where: string): Promise<void>;
  /** A moment in which something leaves the process: it may die here, but if it is frozen only now, this has left. */
  leave(where: string): void;
  /** Throws when it is dead, waits while it is frozen; no moment of its own. */
  still(): Promise<void>;
  thaw(): void;
  /** Resolves when it freezes. */
  readonly froze: Promise<void>;
}

export function startProcess(name: string, doom: Doom, onDeath: (doom: Doom) => void, onThaw: () => void): Process {
  let moments = 0;
  let dead = false;
  let frozen = false;
  let place = "";
  const been = new Set<string>();
  let release: () => void = () => undefined;
  let thawed: Promise<void> = Promise.resolve();
  let tell: () => void = () => undefined;
  const froze = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const still = async () => {
    while (frozen) await thawed;
    if (dead) throw new Killed("killed");
  };
  const come = (where: string) => {
    moments += 1;
    been.add(where);
    if (moments === doom.killAt) {
      dead = true;
      place = where;
      onDeath(doom);
    }
    if (dead) throw new Killed("killed");
  };
  return {
    name,
    froze,
    still,
    get dead() {
      return dead;
    },
    get frozen() {
      return frozen;
    },
    get moments() {
      return moments;
    },
    get where() {
      return place;
    },
    leave: come,
    async pass(where) {
      await still();
      come(where);
      if (doom.freezeAt > 0 && moments >= doom.freezeAt && place === "" && doom.mayFreeze(where, been)) {
        frozen = true;
        place = where;
        thawed = new Promise((resolve) => {
          release = resolve;
        });
        tell();
      }
      await still();
    },
    thaw() {
      frozen = false;
      release();
      onThaw();
    },
  };
}
