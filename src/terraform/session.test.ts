import { expect, test } from "vitest";
import type { Connections } from "../engine/connect/connections.ts";
import { createSession } from "./session.ts";

test("plans share their connections with those behind them, and leave none open to an apply", async () => {
  const session = createSession(".");
  let open = 0;
  let opened = 0;
  const connect = async (): Promise<Connections> => {
    opened += 1;
    open += 1;
    const never = () => Promise.reject(new TypeError("not asked for"));
    const close = async () => {
      open -= 1;
    };
    return { source: never, destination: never, close };
  };
  const seen: string[] = [];
  const look = (name: string) => session.looking(connect, async () => seen.push(`${name}: ${open} open of ${opened}`));
  const fail = () => session.looking(connect, () => Promise.reject(new TypeError("unread")));
  const apply = () => session.exclusive(async () => seen.push(`apply: ${open} open`));
  const ended = await Promise.allSettled([look("a"), fail(), look("b"), apply(), look("c"), fail()]);
  expect(seen).toEqual(["a: 1 open of 1", "b: 1 open of 1", "apply: 0 open", "c: 1 open of 2"]);
  expect(ended.map(({ status }) => status === "fulfilled")).toEqual([true, false, true, true, true, false]);
  expect(open).toBe(0);
  await look("d");
  expect({ open, opened }).toEqual({ open: 0, opened: 3 });
});
