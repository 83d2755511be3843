import { expect, test } from "vitest";
import type { Connections } from "../engine/connect/connections.ts";
import { createSession } from "./session.ts";

function countedConnections() {
  const counts = { opened: 0, beside: 0, open: 0 };
  const never = () => Promise.reject(new TypeError("not asked for"));
  const connect = async (): Promise<Connections> => {
    counts.opened += 1;
    counts.open += 1;
    const close = async () => {
      counts.open -= 1;
    };
    const beside = (): Connections => {
      counts.beside += 1;
      return { source: never, destination: never, beside, close };
    };
    return { source: never, destination: never, beside, close };
  };
  return { counts, connect };
}

test("plans share their connections with those behind them, and leave none open to an apply", async () => {
  const session = createSession(".");
  const { counts, connect } = countedConnections();
  const seen: string[] = [];
  const look = (name: string) =>
    session.looking(connect, async () => seen.push(`${name}: ${counts.open} open of ${counts.opened}`));
  const fail = () => session.looking(connect, () => Promise.reject(new TypeError("unread")));
  const apply = () => session.exclusive(async () => seen.push(`apply: ${counts.open} open`));
  const ended = await Promise.allSettled([look("a"), fail(), look("b"), apply(), look("c"), fail()]);
  expect(seen.slice(0, 2).sort()).toEqual(["a: 1 open of 1", "b: 1 open of 1"]);
  expect(seen.slice(2)).toEqual(["apply: 0 open", "c: 1 open of 2"]);
  expect(ended.map(({ status }) => status === "fulfilled")).toEqual([true, false, true, true, true, false]);
  expect(counts.open).toBe(0);
  await look("d");
  expect(counts).toMatchObject({ open: 0, opened: 3 });
});

test("plans go on beside each other, each with connections that no other uses meanwhile", async () => {
  const session = createSession(".");
  const { counts, connect } = countedConnections();
  const inUse = new Set<Connections>();
  let meet = () => {};
  const met = new Promise<void>((resolve) => {
    meet = resolve;
  });
  const look = () =>
    session.looking(connect, async (connections) => {
      expect(inUse).not.toContain(connections);
      inUse.add(connections);
      if (inUse.size === 2) meet();
      // Ends only when another has come to the same point.
      await met;
      inUse.delete(connections);
    });
  await Promise.all(Array.from({ length: 12 }, look));
  expect(counts).toMatchObject({ opened: 1, open: 0 });
  expect(counts.beside).toBeGreaterThan(0);
  expect(counts.beside).toBeLessThan(4);
});

test("where connections cannot be opened, every plan says so, and a later one tries again", async () => {
  const session = createSession(".");
  const { counts, connect } = countedConnections();
  const refused = () => Promise.reject(new TypeError("refused"));
  const work = async () => "planned";
  const looks = Array.from({ length: 6 }, () => session.looking(refused, work));
  const ended = await Promise.allSettled(looks);
  expect(ended.map(({ status }) => status)).toEqual(looks.map(() => "rejected"));
  expect(await session.looking(connect, work)).toBe("planned");
  expect(counts).toEqual({ opened: 1, beside: 0, open: 0 });
});
