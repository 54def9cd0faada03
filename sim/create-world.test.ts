import { describe, expect, it } from "vitest";
import { micros } from "../impl/wire/time.ts";
import { type CapturedFrame } from "./capture.ts";
import { createWorld } from "./create-world.ts";

const frame = (last: number): Uint8Array => Uint8Array.of(...new Uint8Array(13).fill(0xff), last);

describe("world", () => {
  it("goes on with a stream when its name is asked for again", () => {
    const [one, other] = [createWorld({ seed: "s" }), createWorld({ seed: "s" })];
    const first = one.random("a");
    const draws = [first.next(), one.random("a").next(), first.next()];
    const stream = other.random("a");
    other.random("b").next();
    expect(draws).toEqual([stream.next(), stream.next(), stream.next()]);
    expect(new Set(draws).size).toBe(3);
  });

  it("keeps frames only when it captures, and traces them anyway", () => {
    const [kept, without] = [true, false].map((capture) => {
      const world = createWorld({ seed: "s", capture });
      world.capture.frame("sw:p1", frame(1), "dropped");
      return world;
    });
    expect([kept?.capture.frames().length, without?.capture.frames().length]).toEqual([1, 0]);
    expect(kept?.trace.hash()).toBe(without?.trace.hash());
    expect(without?.trace.lines()).toEqual([
      // FNV-1a of 13 bytes ff and 01, as http://www.isthe.com/chongo/tech/comp/fnv/ defines it.
      `0.000000 sw:p1 frame ff:ff:ff:ff:ff:ff>ff:ff:ff:ff:ff:ff type=ff01 length=14 sum=d3d2c4b9 dropped`,
    ]);
  });

  it("records a frame that is sent twice twice, and a copy under way not at all", () => {
    const world = createWorld({ seed: "s", capture: true });
    const original = frame(1);
    world.capture.frame("sw:p1", original);
    const copy = original.slice();
    world.capture.same(original, copy);
    world.scheduler.advance(micros(10));
    world.capture.frame("sw2:p1", copy);
    world.capture.frame("node:eth0", copy, "dropped: loss");
    world.capture.frame("sw:p1", original);
    expect(world.capture.frames().map(({ time, point, comments }) => ({ time, point, comments }))).toEqual([
      { time: 0, point: "sw:p1", comments: ["dropped: loss"] },
      { time: 10, point: "sw:p1", comments: [] },
    ]);
  });

  it("tells listeners of each frame as it enters, until they leave", () => {
    const world = createWorld({ seed: "s" });
    const heard: CapturedFrame[] = [];
    const listener = world.onFrame((captured) => heard.push(captured));
    world.capture.frame("sw:p1", frame(1), "corrupt");
    listener[Symbol.dispose]();
    world.capture.frame("sw:p1", frame(2));
    expect(heard).toEqual([{ time: 0, point: "sw:p1", bytes: frame(1), comments: ["corrupt"] }]);
  });
});
