import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Micros, micros } from "../impl/wire/time.ts";
import { firstDifference, RunTrace } from "./trace.ts";

const clock = (now: number): { now: Micros } => ({ now: micros(now) });

describe("RunTrace", () => {
  it("writes seconds, component, what and detail", () => {
    const time = clock(0);
    const trace = new RunTrace(time);
    trace.write("sw:p1", "learn", "02:00:00:00:00:01");
    time.now = micros(12_000_345);
    trace.write("node-1", "crash", "speaker");
    expect(trace.lines()).toEqual(["0.000000 sw:p1 learn 02:00:00:00:00:01", "12.000345 node-1 crash speaker"]);
  });

  it("hashes what it wrote, and asking does not change the answer", () => {
    const trace = new RunTrace(clock(1));
    trace.write("a", "b", "ü");
    expect(trace.hash()).toBe(createHash("sha256").update("0.000001 a b ü\n").digest("hex"));
    expect(trace.hash()).toBe(trace.hash());
  });

  it("folds its hash every 256 lines", () => {
    const trace = new RunTrace(clock(0));
    const text = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, index) => `0.000000 x y ${from + index}\n`).join("");
    for (let line = 0; line < 600; line++) trace.write("x", "y", `${line}`);
    const fold = (before: Buffer, lines: string): Buffer => createHash("sha256").update(before).update(lines).digest();
    const folded = fold(fold(Buffer.of(), text(0, 256)), text(256, 512));
    expect(trace.hash()).toBe(fold(folded, text(512, 600)).toString("hex"));
  });

  it("covers lines that it no longer keeps", () => {
    const run = (word: string): RunTrace => {
      const trace = new RunTrace(clock(0), 2);
      for (let line = 0; line < 1000; line++) trace.write("x", "y", line === 3 ? word : `${line}`);
      return trace;
    };
    const [one, other] = [run("3"), run("three")];
    expect(one.lines()).toEqual(["0.000000 x y 998", "0.000000 x y 999"]);
    expect(one.lines()).toEqual(other.lines());
    expect(one.hash()).toBe(run("3").hash());
    expect(one.hash()).not.toBe(other.hash());
  });
});

describe("firstDifference", () => {
  it.each([
    { one: ["a", "b"], other: ["a", "b"], difference: undefined },
    { one: ["a", "b", "c"], other: ["a", "x", "y"], difference: { line: 1, one: "b", other: "x" } },
    { one: ["a"], other: ["a", "b"], difference: { line: 1, one: undefined, other: "b" } },
  ])("of $one and $other is $difference", ({ one, other, difference }) => {
    expect(firstDifference(one, other)).toEqual(difference);
  });
});
