/**
 * The staging engine in thousands of stories: statements run one after another, so that their order is the story's and not
 * the machine's.
 * @module
 */
import { DuckDBConnection, DuckDBInstance, DuckDBResult } from "@duckdb/node-api";
import type { Busy } from "./clock.ts";
import { questionOf, remembered } from "./engine-memo.ts";

type Work = <T>(work: () => Promise<T>) => Promise<T>;

interface Queue extends Busy {
  readonly inTurn: Work;
}

function queue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  let under = 0;
  let waiting: (() => void)[] = [];
  return {
    inTurn(work) {
      under += 1;
      const next = last.then(work).finally(() => {
        under -= 1;
        if (under > 0) return;
        for (const resume of waiting) resume();
        waiting = [];
      });
      last = next.catch(() => undefined);
      return next;
    },
    idle: () => (under === 0 ? Promise.resolve() : new Promise((resume) => waiting.push(resume))),
  };
}

let installed: Queue | undefined;

/** Puts the pool in place of the package's own way to open; for the rest of this process. */
export function poolEngines(): Busy {
  if (installed) return installed;
  const turns = queue();
  installed = turns;
  const { create } = DuckDBInstance;
  const connect = DuckDBInstance.prototype.connect;
  const { run, stream, createAppender } = DuckDBConnection.prototype;
  const fetchChunk = DuckDBResult.prototype.fetchChunk;

  // More threads than one only wait for each other over a few rows.
  DuckDBInstance.create = (path, options) =>
    turns.inTurn(() => create.call(DuckDBInstance, path, { ...options, threads: "1" }));
  DuckDBInstance.prototype.connect = function () {
    return turns.inTurn(() => connect.call(this));
  };
  const fetch = (result: DuckDBResult) => fetchChunk.call(result);
  DuckDBConnection.prototype.run = function (...given) {
    return turns.inTurn(() => {
      const question = questionOf(given[0]);
      const ask = () => run.apply(this, given);
      return question === undefined ? ask() : remembered(`run ${question}`, ask, fetch);
    });
  };
  DuckDBConnection.prototype.stream = function (...given) {
    return turns.inTurn(() => {
      const question = questionOf(given[0]);
      const ask = () => stream.apply(this, given);
      return question === undefined ? ask() : remembered(`stream ${question}`, ask, fetch);
    });
  };
  DuckDBConnection.prototype.createAppender = function (...given) {
    return turns.inTurn(() => createAppender.apply(this, given));
  };
  DuckDBResult.prototype.fetchChunk = function () {
    return turns.inTurn(() => fetchChunk.call(this));
  };
  return installed;
}
