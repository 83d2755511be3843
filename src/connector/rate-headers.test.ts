import { describe, expect, test } from "vitest";
import { rateHeaders } from "./rate-headers.ts";

const now = Date.UTC(2026, 0, 5);

describe("limits told in headers", () => {
  test.each([
    ["the draft's items", { ratelimit: '"default";r=50;t=30' }, [[50, 30_000]]],
    [
      "several of them",
      { ratelimit: '"burst";r=3;t=2, "daily";r=900;t=8000' },
      [
        [3, 2_000],
        [900, 8_000_000],
      ],
    ],
    ["the earlier one header", { ratelimit: "limit=100, remaining=7, reset=2" }, [[7, 2_000]]],
    [
      "the three headers",
      { "ratelimit-limit": "100", "ratelimit-remaining": "0", "ratelimit-reset": "12" },
      [[0, 12_000]],
    ],
    ["the vendors' X- headers", { "x-ratelimit-remaining": "5", "x-ratelimit-reset": "9" }, [[5, 9_000]]],
    [
      "a reset that is a moment",
      { "x-ratelimit-remaining": "5", "x-ratelimit-reset": String(now / 1000 + 60) },
      [[5, 60_000]],
    ],
    [
      "a moment that has passed",
      { "x-ratelimit-remaining": "5", "x-ratelimit-reset": String(now / 1000 - 60) },
      [[5, 0]],
    ],
    ["a limit without a reset", { "x-ratelimit-remaining": "5" }, []],
    ["words instead of numbers", { "ratelimit-remaining": "many", "ratelimit-reset": "soon" }, []],
    ["nothing", {}, []],
  ] as const)("%s", (_, headers, windows) => {
    expect(rateHeaders("calls", headers, now)).toEqual(
      windows.map(([left, resetMs]) => ({ bucket: "calls", window: { left, resetMs } })),
    );
  });
});
