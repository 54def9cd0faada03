import { expect, it } from "vitest";
import { seconds } from "../../impl/wire/time.ts";
import { EventQueue } from "../scheduler.ts";
import { KernelTimers } from "./kernel-timers.ts";

function timers() {
  const queue = new EventQueue();
  const kernel = new KernelTimers(queue);
  const rang: string[] = [];
  const set = (delay: number, name: string) =>
    kernel.after(seconds(delay), () => rang.push(`${queue.now / 1e6} ${name}`));
  return { queue, kernel, rang, set };
}

it("are gone after a loss of power, also those that fell due while the kernel hung", () => {
  const { queue, kernel, rang, set } = timers();
  set(1, "due in the hang");
  set(5, "due after the restart");
  kernel.freeze();
  queue.advance(seconds(2));
  kernel.forgetAll();
  set(1, "new");
  queue.advance(seconds(9));
  expect(rang).toEqual(["3 new"]);
});

it("stand still while the kernel hangs, and can be taken back all the while", () => {
  const { queue, kernel, rang, set } = timers();
  const cancelled = [set(1, "cancelled in the hang"), set(4, "cancelled before")];
  set(2, "late");
  set(6, "in time");
  cancelled[1]?.cancel();
  kernel.freeze();
  queue.advance(seconds(5));
  cancelled[0]?.cancel();
  kernel.thaw();
  queue.advance(seconds(9));
  expect(rang).toEqual(["5 late", "6 in time"]);
});
