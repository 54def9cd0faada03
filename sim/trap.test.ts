import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { trapRealTime } from "./trap.ts";

const TRAPPED: Readonly<Record<string, () => unknown>> = {
  "Date.now": () => Date.now(),
  "new Date()": () => new Date(),
  "Date()": () => Date(),
  "Math.random": () => Math.random(),
  "performance.now": () => performance.now(),
  "process.hrtime": () => process.hrtime(),
  "process.hrtime.bigint": () => process.hrtime.bigint(),
  setTimeout: () => setTimeout(() => undefined, 0),
  setInterval: () => setInterval(() => undefined, 1000).unref(),
  setImmediate: () => setImmediate(() => undefined),
  "crypto.getRandomValues": () => crypto.getRandomValues(new Uint8Array(1)),
  "crypto.randomUUID": () => crypto.randomUUID(),
};

describe("trapRealTime", () => {
  it.each(Object.entries(TRAPPED))("makes %s throw until it is disposed", (name, call) => {
    {
      using _trap = trapRealTime(globalThis);
      expect(call).toThrow(`${name} was called in a simulation`);
    }
    expect(call).not.toThrow();
  });

  it("leaves dates that are given alone", () => {
    using _trap = trapRealTime(globalThis);
    const date = new Date(0);
    expect([
      date instanceof Date,
      date.toISOString(),
      Date.UTC(1970, 0, 2),
      Date.parse("1970-01-02T00:00:00Z"),
    ]).toEqual([true, "1970-01-01T00:00:00.000Z", 86_400_000, 86_400_000]);
  });

  it("nests, and the outer trap holds until the end", () => {
    const outer = trapRealTime(globalThis);
    trapRealTime(globalThis)[Symbol.dispose]();
    expect(() => Math.random()).toThrow("Math.random was called");
    outer[Symbol.dispose]();
    outer[Symbol.dispose]();
    expect(Math.random()).toBeLessThan(1);
    expect(randomUUID()).toHaveLength(36);
  });
});
