// The faults of a cable, as netem(8) knows them. Each direction draws from a random stream of its own.
import { type Mac, macFromBytes } from "../../impl/wire/mac.ts";
import { type Micros, micros, minus, plus } from "../../impl/wire/time.ts";
import { durationBetween } from "../random.ts";
import { type SimWorld } from "../world.ts";
import { type Cable } from "./cable.ts";
import { type FrameRule, type Verdict } from "./rule.ts";

export type Direction = NonNullable<FrameRule["direction"]>;

const PASS: Verdict = { kind: "pass" };

/** Loses each frame with `probability`. */
export function loss(probability: number, direction: Direction = "both"): FrameRule {
  const name = "loss";
  const drop: Verdict = { kind: "drop", because: name };
  return { name, direction, start: (random) => () => (random.next() < probability ? drop : PASS) };
}

/** Delays every frame by the same time. */
export function delay(by: Micros, direction: Direction = "both"): FrameRule {
  const verdict: Verdict = { kind: "delay", by };
  return { name: "delay", direction, start: () => () => verdict };
}

/** Delays each frame by up to `most` and keeps their order, as a queue does. */
export function jitter(most: Micros, direction: Direction = "both"): FrameRule {
  return {
    name: "jitter",
    direction,
    start(random) {
      let last = micros(0);
      return (_frame, now) => {
        const drawn = plus(now, durationBetween(random, micros(0), most));
        last = drawn > last ? drawn : last;
        return { kind: "delay", by: minus(last, now) };
      };
    },
  };
}

/** Holds back each frame with `probability` for a while, so that later ones overtake it. */
export function reorder(probability: number, by: Micros, direction: Direction = "both"): FrameRule {
  const verdict: Verdict = { kind: "delay", by };
  return { name: "reorder", direction, start: (random) => () => (random.next() < probability ? verdict : PASS) };
}

/** Lets a second copy of each frame arrive with `probability`. */
export function duplicate(probability: number, after = micros(1), direction: Direction = "both"): FrameRule {
  const verdict: Verdict = { kind: "duplicate", after };
  return { name: "duplicate", direction, start: (random) => () => (random.next() < probability ? verdict : PASS) };
}

/** Flips one bit of each frame with `probability`. A network card would see it; a broken one does not. */
export function corrupt(probability: number, direction: Direction = "both"): FrameRule {
  return {
    name: "corrupt",
    direction,
    start: (random) => (frame) => {
      if (random.next() >= probability) return PASS;
      const bit = Math.floor(random.next() * frame.length * 8);
      const bytes = frame.slice();
      bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) ^ (0x80 >>> (bit & 7));
      return { kind: "replace", bytes, because: `bit ${bit} flipped` };
    },
  };
}

/** Drops the frames that `matches` says. */
export function dropWhere(
  because: string,
  matches: (frame: Uint8Array) => boolean,
  direction: Direction = "both",
): FrameRule {
  const drop: Verdict = { kind: "drop", because };
  return { name: because, direction, start: () => (frame) => (matches(frame) ? drop : PASS) };
}

/** Drops the frames that come as number `first`, `second` … counted from 1 in each direction: loss as a script. */
export function dropNth(numbers: readonly number[], direction: Direction = "both"): FrameRule {
  return {
    name: "drop",
    direction,
    start() {
      let count = 0;
      return () => (numbers.includes(++count) ? { kind: "drop", because: `frame ${count}` } : PASS);
    },
  };
}

/** Where a host hangs: end `a` or `b` of its cable, with its addresses. */
export interface Attachment {
  readonly cable: Cable;
  readonly end: "a" | "b";
  readonly macs: readonly Mac[];
}

/** Lets nothing that `from` sends reach `to`; the other way stays open. Whoever else is on the segment sees all. */
export function oneWayPartition(from: readonly Attachment[], to: readonly Attachment[]): Disposable {
  const silent = new Set(from.flatMap(({ macs }) => macs));
  const handles = to.map(({ cable, end }) => {
    const direction = end === "a" ? "bToA" : "aToB";
    return cable.rule(dropWhere("partition", (frame) => silent.has(macFromBytes(frame, 6)), direction));
  });
  return together(handles);
}

/** Cuts `one` from `other` in both directions. */
export function partition(one: readonly Attachment[], other: readonly Attachment[]): Disposable {
  return together([oneWayPartition(one, other), oneWayPartition(other, one)]);
}

/** Starts a fault at `from` and ends it at `until`; disposing ends it early, or keeps it from starting. */
export function during(world: SimWorld, from: Micros, until: Micros, start: () => Disposable): Disposable {
  let active: Disposable | undefined;
  const begin = world.scheduler.at(from, () => {
    active = start();
  });
  const dispose = (): void => {
    begin.cancel();
    end.cancel();
    active?.[Symbol.dispose]();
    active = undefined;
  };
  const end = world.scheduler.at(until, dispose);
  return { [Symbol.dispose]: dispose };
}

function together(handles: readonly Disposable[]): Disposable {
  return {
    [Symbol.dispose]() {
      for (const handle of handles) handle[Symbol.dispose]();
    },
  };
}
