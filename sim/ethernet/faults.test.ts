import { describe, expect, it } from "vitest";
import { macFromBytes, parseMac } from "../../impl/wire/mac.ts";
import { micros, millis, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Cable, connect } from "./cable.ts";
import { corrupt, delay, dropNth, dropWhere, duplicate, during, jitter, loss, partition, reorder } from "./faults.ts";
import { type FrameRule } from "./rule.ts";
import { Station } from "./station.ts";
import { Switch } from "./switch.ts";

const A = parseMac("02:00:00:00:00:0a");
const B = parseMac("02:00:00:00:00:0b");

/** Two stations on one cable; numbered frames, and when they arrive in microseconds since they were sent. */
class Pair {
  readonly world: World;
  readonly cable: Cable;
  readonly arrivals: string[] = [];
  readonly #stations: readonly Station[];
  readonly #sentAt = new Map<number, number>();

  constructor(seed = "pair") {
    this.world = createWorld({ seed, capture: true });
    const station = (name: string): Station =>
      new Station(name, A, (frame) => {
        const number = (frame[14] ?? 0) * 256 + (frame[15] ?? 0);
        this.arrivals.push(`${number}+${this.world.scheduler.now - (this.#sentAt.get(number) ?? 0)}`);
      });
    const [a, b] = [station("a"), station("b")];
    this.#stations = [a, b];
    this.cable = connect(this.world, { device: a, port: "eth0", name: "a" }, { device: b, port: "eth0", name: "b" });
    a.plug(this.cable.a);
    b.plug(this.cable.b);
  }

  /** Sends frames numbered from `first` on, `every` microseconds, and returns what arrived since. */
  send(count: number, { from = "a", first = 1, every = 100 } = {}): readonly string[] {
    this.arrivals.length = 0;
    const start = this.world.scheduler.now;
    for (let index = 0; index < count; index++) {
      const number = first + index;
      this.world.scheduler.at(micros(start + index * every), () => {
        const frame = new Uint8Array(60);
        frame[14] = number >>> 8;
        frame[15] = number;
        this.#sentAt.set(number, this.world.scheduler.now);
        this.#stations[from === "a" ? 0 : 1]?.send(frame);
      });
    }
    this.world.scheduler.advance(micros(start + count * every + 10_000_000));
    return [...this.arrivals];
  }

  comments(): readonly string[] {
    return this.world.capture.frames().flatMap(({ comments }) => comments);
  }
}

function arrivals(rule: FrameRule, count: number, every?: number): readonly string[] {
  const pair = new Pair();
  pair.cable.rule(rule);
  return pair.send(count, every === undefined ? {} : { every });
}

describe("cable", () => {
  it("delivers after 10 microseconds, in order, and to the other end only", () => {
    const pair = new Pair();
    expect([pair.send(2), pair.send(1, { from: "b", first: 7 })]).toEqual([["1+10", "2+10"], ["7+10"]]);
  });

  it("loses what is sent without carrier, and what was under way", () => {
    const pair = new Pair();
    pair.world.scheduler.at(micros(205), () => pair.cable.setUp(false));
    pair.world.scheduler.at(micros(350), () => pair.cable.setUp(true));
    expect(pair.send(5)).toEqual(["1+10", "2+10", "5+10"]);
    expect(pair.comments()).toEqual([
      "dropped on the way to b:eth0: carrier lost under way",
      "dropped on the way to b:eth0: no carrier",
    ]);
  });
});

describe("cable carrier", () => {
  it("loses what was under way even if it is back in time", () => {
    const pair = new Pair();
    pair.cable.rule(delay(millis(5)));
    pair.world.scheduler.at(millis(1), () => pair.cable.setUp(false));
    pair.world.scheduler.at(millis(2), () => pair.cable.setUp(true));
    expect([pair.send(1), pair.comments()]).toEqual([[], ["dropped on the way to b:eth0: carrier lost under way"]]);
  });

  it("tells its devices of changes only", () => {
    const { cable, world } = new Pair();
    for (const up of [true, false, false, true]) cable.setUp(up);
    expect(world.trace.lines()).toEqual(["0.000000 a:eth0--b:eth0 carrier down", "0.000000 a:eth0--b:eth0 carrier up"]);
  });
});

describe("faults", () => {
  it("delay adds to the latency, and delays add up", () => {
    const pair = new Pair();
    pair.cable.rule(delay(millis(5)));
    pair.cable.rule(delay(millis(2)));
    expect(pair.send(1)).toEqual(["1+7010"]);
  });

  it("the first rule that drops wins", () => {
    const pair = new Pair();
    pair.cable.rule(dropNth([1]));
    pair.cable.rule(dropWhere("all", () => true));
    expect([pair.send(2), pair.comments()]).toEqual([
      [],
      ["dropped on the way to b:eth0: frame 1", "dropped on the way to b:eth0: all"],
    ]);
  });

  it("loss takes the share it says", () => {
    const lost = 10_000 - arrivals(loss(0.3), 10_000).length;
    // Four standard deviations of a binomial distribution: sqrt(10000 * 0.3 * 0.7) = 45.8.
    expect(Math.abs(lost - 3000)).toBeLessThan(184);
  });

  it("jitter spreads delays and keeps the order", () => {
    const list = arrivals(jitter(millis(1)), 200);
    const numbers = list.map((arrival) => Number(arrival.split("+")[0]));
    const delays = list.map((arrival) => Number(arrival.split("+")[1]));
    expect(numbers).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
    expect([Math.min(...delays) >= 10, Math.max(...delays) < 1010, new Set(delays).size > 50]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it("reorder lets later frames overtake", () => {
    const list = arrivals(reorder(1, micros(150)), 1);
    expect(list).toEqual(["1+160"]);
    const mixed = arrivals(reorder(0.5, micros(150)), 20).map((arrival) => Number(arrival.split("+")[0]));
    expect(mixed).not.toEqual([...mixed].sort((one, other) => one - other));
    expect(mixed.length).toBe(20);
  });

  it("duplicate lets a second copy arrive, which the capture names", () => {
    const pair = new Pair();
    pair.cable.rule(duplicate(1, micros(30)));
    expect([pair.send(1), pair.comments()]).toEqual([["1+10", "1+40"], ["duplicate"]]);
  });

  it("corrupt flips exactly one bit, which the capture names, and leaves the sender's bytes alone", () => {
    const pair = new Pair();
    pair.cable.rule(corrupt(1));
    const sent = new Uint8Array(60);
    pair.cable.a.transmit(sent);
    pair.world.scheduler.advance(seconds(1));
    const [frame] = pair.world.capture.frames();
    const bits = [...(frame?.bytes ?? [])].flatMap((byte, at) =>
      [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (0x80 >>> bit)) !== 0).map((bit) => at * 8 + bit),
    );
    expect(frame?.comments).toEqual([`bit ${bits[0]} flipped`]);
    expect([bits.length, sent.every((byte) => byte === 0)]).toEqual([1, true]);
  });

  it.each([
    { direction: "both", fromA: [], fromB: [] },
    { direction: "aToB", fromA: [], fromB: ["2+10"] },
    { direction: "bToA", fromA: ["1+10"], fromB: [] },
  ] as const)("acts in direction $direction", ({ direction, fromA, fromB }) => {
    const pair = new Pair();
    pair.cable.rule(loss(1, direction));
    expect([pair.send(1), pair.send(1, { from: "b", first: 2 })]).toEqual([fromA, fromB]);
  });

  it("draws for each direction from a stream of its own", () => {
    const run = (chatter: number): readonly string[] => {
      const pair = new Pair();
      pair.cable.rule(loss(0.5));
      pair.send(chatter, { from: "b" });
      return pair.send(50);
    };
    expect(run(100)).toEqual(run(0));
  });

  it("lives as long as its handle", () => {
    const pair = new Pair();
    {
      using _loss = pair.cable.rule(loss(1));
      expect(pair.send(1)).toEqual([]);
    }
    const twice = pair.cable.rule(loss(0));
    for (let time = 0; time < 2; time++) twice[Symbol.dispose]();
    expect(pair.send(1)).toEqual(["1+10"]);
    expect(pair.world.trace.lines().filter((line) => line.includes(" fault "))).toEqual([
      "0.000000 a:eth0--b:eth0 fault loss both on",
      "10.000100 a:eth0--b:eth0 fault loss both off",
      "10.000100 a:eth0--b:eth0 fault loss both on",
      "10.000100 a:eth0--b:eth0 fault loss both off",
    ]);
  });

  it("acts during its time only, and not at all when disposed before", () => {
    const pair = new Pair();
    during(pair.world, micros(150), micros(350), () => pair.cable.rule(loss(1)));
    during(pair.world, micros(50), micros(950), () => pair.cable.rule(loss(1)))[Symbol.dispose]();
    expect(pair.send(5)).toEqual(["1+10", "2+10", "5+10"]);
  });
});

describe("partition", () => {
  it("cuts two groups from each other and from nobody else", () => {
    const world = createWorld({ seed: "partition" });
    const sw = new Switch(world, "sw");
    const heard: string[] = [];
    const hosts = [A, B, parseMac("02:00:00:00:00:0c")].map((mac, index) => {
      const name = "abc"[index] ?? "";
      const station = new Station(name, mac, (frame) => heard.push(`${macFromBytes(frame, 6).at(-1)}>${name}`));
      const socket = { device: station, port: "eth0", name };
      const cable = connect(world, socket, { device: sw, port: name, name: "sw" });
      station.plug(cable.a);
      sw.plug(name, cable.b);
      return { station, attachment: { cable, end: "a", macs: [mac] } as const };
    });
    const everyoneSpeaks = (): string => {
      heard.length = 0;
      for (const { station } of hosts) {
        const frame = new Uint8Array(60).fill(0xff, 0, 6);
        frame.set(Uint8Array.of(2, 0, 0, 0, 0, Number.parseInt(station.mac.slice(-2), 16)), 6);
        station.send(frame);
        world.scheduler.advance(micros(world.scheduler.now + 100));
      }
      return heard.join(" ");
    };
    const [a, b] = hosts;
    if (a === undefined || b === undefined) throw new Error("two hosts are there");
    {
      using _cut = partition([a.attachment], [b.attachment]);
      expect(everyoneSpeaks()).toBe("a>c b>c c>a c>b");
    }
    expect(everyoneSpeaks()).toBe("a>b a>c b>a b>c c>a c>b");
  });
});
