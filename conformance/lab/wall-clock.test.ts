import { describe, expect, it } from "vitest";
import { millis } from "../../impl/wire/time.ts";
import { EventQueue } from "../../sim/scheduler.ts";
import { WallClock } from "./wall-clock.ts";

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("a scheduler on the wall clock", () => {
  it("stands still until it is started, then runs what is due, no sooner", async () => {
    const queue = new EventQueue();
    using clock = new WallClock(queue);
    const ran: string[] = [];
    clock.run(() => queue.after(millis(30), () => ran.push("after 30 ms")));
    await sleep(50);
    expect([clock.now(), ran]).toEqual([0, []]);
    clock.start();
    expect(ran).toEqual([]);
    await sleep(60);
    expect([ran, queue.now >= millis(30)]).toEqual([["after 30 ms"], true]);
  });

  it("brings the scheduler up to date before a task, and joins tasks within tasks", async () => {
    const queue = new EventQueue();
    using clock = new WallClock(queue);
    clock.start();
    await sleep(20);
    const [outer, inner] = clock.run(() => [queue.now, clock.run(() => queue.now)]);
    expect([outer >= millis(20), inner]).toEqual([true, outer]);
  });

  it("leaves what is queued when it is closed", async () => {
    const queue = new EventQueue();
    const ran: string[] = [];
    {
      using clock = new WallClock(queue);
      clock.start();
      clock.run(() => queue.after(millis(5), () => ran.push("late")));
    }
    await sleep(20);
    expect(ran).toEqual([]);
  });
});
