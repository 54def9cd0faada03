import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { micros, type Micros, minutes, seconds } from "../impl/wire/time.ts";
import { NodeClock } from "./clock.ts";
import { EventQueue } from "./scheduler.ts";

describe("NodeClock", () => {
  it("shows the world's time and the first of January 2026", () => {
    const queue = new EventQueue();
    const clock = new NodeClock(queue);
    queue.advance(seconds(5));
    expect(clock.now().monotonic).toBe(5_000_000);
    expect(new Date(clock.now().wall / 1000).toISOString()).toBe("2026-01-01T00:00:05.000Z");
  });

  it("steps only the wall clock", () => {
    const queue = new EventQueue();
    const clock = new NodeClock(queue, seconds(100));
    const before = clock.now();
    clock.step(minutes(60));
    expect([clock.now().monotonic - before.monotonic, clock.now().wall - before.wall]).toEqual([0, 3_600_000_000]);
  });

  it("drifts from the moment on that it is told to", () => {
    const queue = new EventQueue();
    const clock = new NodeClock(queue);
    queue.advance(seconds(10));
    clock.setRate(2);
    queue.advance(seconds(11));
    clock.setRate(0.5);
    queue.advance(seconds(15));
    expect(clock.now()).toEqual({ monotonic: 14_000_000, wall: 1_767_225_614_000_000 });
  });

  it.each([0, -1, Number.NaN])("refuses the rate %d", (rate) => {
    expect(() => new NodeClock(new EventQueue()).setRate(rate)).toThrow("cannot run at rate");
  });

  it("wakes at the first microsecond at which the deadline has come", () => {
    const rate = fc.double({ min: 0.25, max: 4, noNaN: true });
    const property = fc.property(rate, fc.nat(1e9), fc.nat(1e9), fc.nat(1e9), (speed, offset, start, ahead) => {
      const queue = new EventQueue(micros(start));
      const clock = new NodeClock(queue, micros(offset));
      clock.setRate(speed);
      const deadline = (clock.now().monotonic + ahead) as Micros;
      const due = clock.worldTimeOf(deadline);
      if (due > start) {
        queue.advance((due - 1) as Micros);
        expect(clock.now().monotonic).toBeLessThan(deadline);
      }
      queue.advance(due);
      expect(clock.now().monotonic).toBeGreaterThanOrEqual(deadline);
    });
    fc.assert(property, { numRuns: 300 });
  });
});
