import { describe, expect, it } from "vitest";
import { millis } from "../../impl/wire/time.ts";
import { type ProbeResult } from "./probe.ts";
import { gapsOf } from "./probe-gaps.ts";

/** One probe each 100 ms: `.` was answered, another letter was not. */
function results(picture: string): readonly ProbeResult[] {
  return [...picture].map((mark, index) => ({
    at: millis(index * 100),
    took: millis(1),
    outcome: mark === "." ? { kind: "ok", answer: "" } : { kind: "failed", because: "timeout" },
  }));
}

describe("gaps", () => {
  it.each([
    ["", []],
    ["...", []],
    [".x.", [{ from: 100, to: 200, missed: 1, outage: 100 }]],
    ["xx.", [{ from: 0, to: 200, missed: 2, outage: 200 }]],
    [
      ".xx.x.",
      [
        { from: 100, to: 300, missed: 2, outage: 200 },
        { from: 400, to: 500, missed: 1, outage: 100 },
      ],
    ],
    [".xxx", [{ from: 100, to: undefined, missed: 3, outage: 200 }]],
  ])("of %j", (picture, expected) => {
    expect(gapsOf(results(picture))).toEqual(
      expected.map(({ from, to, missed, outage }) => ({
        from: millis(from),
        to: to === undefined ? undefined : millis(to),
        missed,
        outage: millis(outage),
      })),
    );
  });
});
