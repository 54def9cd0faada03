import { describe, expect, it } from "vitest";
import { millis } from "../../impl/wire/time.ts";
import { longest, served } from "./outages.ts";

type Milliseconds = readonly [from: number, to: number, missed: number];

const gap = ([from, to, missed]: Milliseconds) => ({ from: millis(from), to: millis(to), missed });

function play(gaps: readonly Milliseconds[], answered = true): readonly string[] {
  const { since, outages } = served(gaps.map(gap), millis(100), answered);
  const lines = outages.map(
    ({ from, to, missed, total }) => `${from / 1e3}-${to / 1e3} ${missed} ${total ? "silent" : "flaky"}`,
  );
  return [since === undefined ? "never" : `since ${since / 1e3}`, ...lines, `longest ${longest(outages) / 1e3}`];
}

describe("what a client lived through", () => {
  it.each<readonly [string, readonly Milliseconds[], boolean, readonly string[]]>([
    ["nothing", [], true, ["since 100", "longest 0"]],
    ["no answer ever", [[100, 9000, 890]], false, ["never", "longest 0"]],
    ["the wait for the first answer is no outage", [[100, 1100, 100]], true, ["since 1100", "longest 0"]],
    [
      "one long gap",
      [
        [100, 1100, 100],
        [5000, 11_000, 600],
      ],
      true,
      ["since 1100", "5000-11000 600 silent", "longest 6000"],
    ],
    ["a short gap stands alone", [[5000, 5010, 1]], true, ["since 100", "5000-5010 1 silent", "longest 10"]],
    [
      "short gaps near to each other are one time of bad service",
      [
        [5000, 5010, 1],
        [5500, 5530, 3],
        [6500, 6510, 1],
        [9000, 9010, 1],
      ],
      true,
      ["since 100", "5000-6510 5 flaky", "9000-9010 1 silent", "longest 10"],
    ],
    [
      "a long gap does not hide among short ones",
      [
        [5000, 5010, 1],
        [5100, 8100, 300],
        [8200, 8210, 1],
        [8300, 8310, 1],
      ],
      true,
      ["since 100", "5000-5010 1 silent", "5100-8100 300 silent", "8200-8310 2 flaky", "longest 3000"],
    ],
  ])("%s", (_what, gaps, answered, expected) => {
    expect(play(gaps, answered)).toEqual(expected);
  });
});
