import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Micros, micros, seconds } from "../impl/wire/time.ts";
import { EventQueue } from "./scheduler.ts";
import { type Scheduled } from "./world.ts";

describe("EventQueue", () => {
  it("runs events by time, then phase, then in the order they were queued", () => {
    const queue = new EventQueue();
    const trace: string[] = [];
    const note = (word: string) => () => trace.push(`${queue.now} ${word}`);
    queue.at(micros(20), note("late"));
    queue.at(micros(10), note("second"), 1);
    queue.at(micros(10), note("first"));
    queue.at(micros(10), note("third"), 1);
    queue.advance(micros(30));
    expect(trace).toEqual(["10 first", "10 second", "10 third", "20 late"]);
    expect(queue.now).toBe(30);
  });

  it("runs what is due at the very end of an advance, and what that queues for the same instant", () => {
    const queue = new EventQueue();
    const trace: string[] = [];
    queue.at(micros(5), () => queue.after(micros(0), () => trace.push("same instant")));
    queue.at(micros(6), () => trace.push("next"));
    queue.advance(micros(5));
    expect(trace).toEqual(["same instant"]);
    expect(queue.nextDeadline()).toBe(6);
  });

  it("takes a time in the past for now", () => {
    const queue = new EventQueue(seconds(3));
    const seen: Micros[] = [];
    queue.at(seconds(1), () => seen.push(queue.now));
    expect([queue.step(), queue.step(), seen]).toEqual([true, false, [3_000_000]]);
  });

  it("never names a cancelled event as the next deadline", () => {
    const queue = new EventQueue();
    const first = queue.at(micros(1), () => expect.unreachable());
    queue.at(micros(2), () => undefined);
    first.cancel();
    expect(queue.nextDeadline()).toBe(2);
    expect([queue.step(), queue.now, queue.nextDeadline()]).toEqual([true, 2, undefined]);
  });

  it("refuses a time that is not an integer", () => {
    const queue = new EventQueue();
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY, 0.5]) {
      expect(() => queue.at(time as Micros, () => undefined)).toThrow(`cannot be due at ${time}`);
    }
  });

  it("refuses a task that advances the clock", () => {
    const queue = new EventQueue();
    queue.at(micros(1), () => queue.advance(micros(9)));
    queue.at(micros(2), () => undefined);
    expect(() => queue.step()).toThrow("a task cannot advance the clock that runs it");
  });

  it("ends a run in which time does not pass any more", () => {
    const queue = new EventQueue(seconds(2), 100);
    const again = (): void => void queue.after(micros(0), again);
    again();
    expect(() => queue.advance(seconds(3))).toThrow("100 events at 2 s: time does not pass any more");
  });

  it("goes on after a task that threw", () => {
    const queue = new EventQueue();
    queue.at(micros(1), () => {
      throw new Error("boom");
    });
    queue.at(micros(2), () => undefined);
    expect(() => queue.advance(micros(5))).toThrow("boom");
    queue.advance(micros(5));
    expect([queue.now, queue.nextDeadline()]).toEqual([5, undefined]);
  });

  it("keeps its order when it clears cancelled events away, the earliest among them", () => {
    const queue = new EventQueue();
    const ran: number[] = [];
    const first = queue.at(micros(0), () => ran.push(0));
    const others = [10, 5, ...Array.from({ length: 1022 }, (_, index) => 100 + index)];
    for (const [index, time] of others.entries()) {
      // The heap is cleared when it would grow beyond 1024.
      if (index === 1023) first.cancel();
      queue.at(micros(time), () => ran.push(time));
    }
    queue.advance(micros(2000));
    expect(ran).toEqual([5, 10, ...others.slice(2)]);
  });

  it("agrees with a sorted list, whatever is queued and cancelled", () => {
    const operation = fc.record({ time: fc.nat(50), phase: fc.nat(2), cancels: fc.option(fc.nat(5000), { freq: 2 }) });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 4000, size: "max" }), (operations) => {
        const queue = new EventQueue();
        const ran: number[] = [];
        const handles: Scheduled[] = [];
        const cancelled = new Set<number>();
        operations.forEach(({ time, phase, cancels }, index) => {
          handles.push(queue.at(micros(time), () => ran.push(index), phase));
          if (cancels === null || handles[cancels] === undefined) return;
          handles[cancels].cancel();
          cancelled.add(cancels);
        });
        const model = operations
          .map(({ time, phase }, index) => ({ time, phase, index }))
          .filter(({ index }) => !cancelled.has(index))
          .sort((one, other) => one.time - other.time || one.phase - other.phase || one.index - other.index);
        queue.advance(micros(50));
        expect(ran).toEqual(model.map(({ index }) => index));
      }),
      { numRuns: 20 },
    );
  });
});
