import { describe, expect, it } from "vitest";
import { ConfigError } from "./errors.ts";
import {
  earliest,
  formatSeconds,
  inMillis,
  inSeconds,
  micros,
  millis,
  minus,
  minutes,
  parseDuration,
  plus,
  seconds,
  times,
} from "./time.ts";

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Go, src/time/time_test.go, parseDurationTests; nanoseconds are rounded to the microsecond here. */
const DURATIONS: readonly (readonly [text: string, micros: number])[] = [
  ["0", 0],
  ["5s", 5 * SECOND],
  ["30s", 30 * SECOND],
  ["1478s", 1478 * SECOND],
  ["-5s", -5 * SECOND],
  ["+5s", 5 * SECOND],
  ["-0", 0],
  ["+0", 0],
  ["5.0s", 5 * SECOND],
  ["5.6s", 5_600_000],
  ["5.s", 5 * SECOND],
  [".5s", 500_000],
  ["1.0s", SECOND],
  ["1.00s", SECOND],
  ["1.004s", 1_004_000],
  ["1.0040s", 1_004_000],
  ["100.00100s", 100_001_000],
  ["10ns", 0],
  ["-10ns", 0],
  ["11us", 11],
  ["12µs", 12],
  ["12μs", 12],
  ["13ms", 13_000],
  ["14s", 14 * SECOND],
  ["15m", 15 * MINUTE],
  ["16h", 16 * HOUR],
  ["3h30m", 3.5 * HOUR],
  ["10.5s4m", 4 * MINUTE + 10_500_000],
  ["-2m3.4s", -(2 * MINUTE + 3_400_000)],
  ["1h2m3s4ms5us6ns", HOUR + 2 * MINUTE + 3 * SECOND + 4_005],
  ["39h9m14.425s", 39 * HOUR + 9 * MINUTE + 14_425_000],
  ["52763797000ns", 52_763_797],
  ["0.3333333333333333333h", 20 * MINUTE],
  ["9007199254740993ns", 9_007_199_254_741],
  ["0.100000000000000000000h", 6 * MINUTE],
  ["0.830103483285477580700h", 49 * MINUTE + 48 * SECOND + 372_540],
];

/** The same file, parseDurationErrorTests; of those beyond an int64 of nanoseconds only those that a double can tell. */
const NO_DURATION = [
  "",
  "3",
  "-",
  "s",
  ".",
  "-.",
  ".s",
  "+.s",
  "1d",
  "\uFFFD",
  "\uFFFD hello \uFFFD world",
  "3000000h",
];

describe("Time", () => {
  it.each(DURATIONS)("reads '%s' as Go does", (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each([...NO_DURATION, "1s ", " 1s", "1 s", "--1s", "1S", "1e3s", "1s\n", `${"9".repeat(1000)}s`])(
    "does not read '%s'",
    (text) => {
      expect(() => parseDuration(text, "spec.holdTime")).toThrow(
        new ConfigError("spec.holdTime", `"${text}" is not a duration such as 90s, 1m30s or 500ms`),
      );
    },
  );

  it("counts in whole microseconds", () => {
    expect([micros(1.5), millis(0.0014), millis(1.5), seconds(1.5), minutes(1.5), times(seconds(3), 0.5)]).toEqual([
      2, 1, 1500, 1_500_000, 90_000_000, 1_500_000,
    ]);
    expect(Object.is(micros(-0.2), 0)).toBe(true);
    expect([plus(millis(2), millis(3)), minus(millis(2), millis(3))]).toEqual([5000, -1000]);
    expect([inMillis(micros(1500)), inSeconds(micros(1_500_000))]).toEqual([1.5, 1.5]);
  });

  it("finds the earliest deadline that is set", () => {
    expect([
      earliest(),
      earliest(undefined, undefined),
      earliest(seconds(2), undefined, seconds(1), seconds(3)),
      earliest(micros(0), seconds(1)),
    ]).toEqual([undefined, undefined, 1_000_000, 0]);
  });

  it("prints seconds", () => {
    const printed = [0, 1, 1_500_000, 60_000_000, 1_234_567, 1_000_010, -1_500_000, -500_000].map((count) =>
      formatSeconds(micros(count)),
    );
    expect(printed).toEqual(["0s", "0.000001s", "1.5s", "60s", "1.234567s", "1.00001s", "-1.5s", "-0.5s"]);
  });
});
