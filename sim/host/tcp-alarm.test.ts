import { describe, expect, it } from "vitest";
import { micros } from "../../impl/wire/time.ts";
import { EventQueue } from "../scheduler.ts";
import { Alarm } from "./tcp-alarm.ts";

/** Sets the alarm at each time for each delay, and says when it rang. `undefined` clears it. */
function rings(...settings: readonly (readonly [at: number, delay: number | undefined])[]): readonly number[] {
  const queue = new EventQueue();
  const rang: number[] = [];
  const alarm = new Alarm(queue, () => rang.push(queue.now));
  for (const [at, delay] of settings) {
    queue.at(micros(at), () => (delay === undefined ? alarm.clear() : alarm.set(micros(delay))));
  }
  queue.advance(micros(1000));
  return rang;
}

describe("an alarm", () => {
  it("rings once, at the time that was set last", () => {
    expect(rings([0, 10])).toEqual([10]);
    expect(rings([0, 10], [5, 10], [9, 20])).toEqual([29]);
    expect(rings([0, 100], [5, 10])).toEqual([15]);
    expect(rings([0, 10], [20, 10])).toEqual([10, 30]);
  });

  it("does not ring once cleared, and may be set again", () => {
    expect(rings([0, 10], [5, undefined])).toEqual([]);
    expect(rings([0, 10], [5, undefined], [6, 3])).toEqual([9]);
  });
});
