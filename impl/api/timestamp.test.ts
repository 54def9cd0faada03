import fc from "fast-check";
import { expect, it } from "vitest";
import { micros } from "../wire/time.ts";
import { formatMicroTime, formatTimestamp, readTimestamp } from "./timestamp.ts";

const anyTime = fc.integer({ min: 0, max: 4_102_444_800_000 });

it("writes and reads what ECMAScript's Date does", () => {
  fc.assert(
    fc.property(anyTime, (millis) => {
      const iso = new Date(millis).toISOString();
      expect(formatMicroTime(micros(millis * 1000))).toBe(iso.replace("Z", "000Z"));
      expect(formatTimestamp(micros(millis * 1000))).toBe(iso.replace(/\.\d+Z/, "Z"));
      expect(readTimestamp(iso)).toBe(Date.parse(iso) * 1000);
    }),
  );
});

it("refuses what is not RFC 3339 in UTC", () => {
  expect(["", "2026-07-01", "2026-07-01T12:00:00+02:00", "now"].map(readTimestamp)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
