// Random trees of switches with stations on them: what must hold in every Ethernet.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeEthernet } from "../../impl/wire/ethernet.ts";
import { BROADCAST, type Mac, macFromBytes } from "../../impl/wire/mac.ts";
import { micros, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { firstDifference, type RunTrace } from "../trace.ts";
import { type Cable, connect } from "./cable.ts";
import { corrupt, duplicate, jitter, loss } from "./faults.ts";
import { Station } from "./station.ts";
import { Switch } from "./switch.ts";

/** IEEE 802 local experimental EtherType 1. */
const EXPERIMENT = 0x88b5;

/** Switch n > 0 hangs on the switch `parents[n - 1]`; station n on the switch `homes[n]`. */
interface Plan {
  readonly parents: readonly number[];
  readonly homes: readonly number[];
}

const PLAN: fc.Arbitrary<Plan> = fc.integer({ min: 1, max: 3 }).chain((switches) =>
  fc.record({
    parents: fc.tuple(...Array.from({ length: switches - 1 }, (_, index) => fc.integer({ min: 0, max: index }))),
    homes: fc.array(fc.integer({ min: 0, max: switches - 1 }), { minLength: 2, maxLength: 6 }),
  }),
);

interface Utterance {
  readonly from: number;
  readonly to: number | null;
  readonly at: number;
}

const TALK: fc.Arbitrary<Utterance[]> = fc.array(
  fc.record({ from: fc.nat(5), to: fc.option(fc.nat(5)), at: fc.nat(3000) }),
  { maxLength: 30 },
);

const macOf = (index: number): Mac => macFromBytes(Uint8Array.of(2, 0, 0, 0, 0, index));

interface NetworkOptions {
  readonly seed?: string;
  /** The order in which cables are laid: it must not matter. */
  readonly order?: (jobs: (() => void)[]) => (() => void)[];
}

class Network {
  readonly world: World;
  readonly heard: string[] = [];
  readonly #stations = new Map<number, Station>();
  readonly #cables = new Map<number, Cable>();

  constructor(plan: Plan, { seed = "network", order = (jobs) => jobs }: NetworkOptions = {}) {
    const world = createWorld({ seed, lines: Number.POSITIVE_INFINITY });
    this.world = world;
    const switches = [0, ...plan.parents].map((_, index) => new Switch(world, `sw${index}`));
    const switchAt = (index: number): Switch => switches[index] ?? expect.unreachable();
    const uplinks = plan.parents.map((parent, index) => () => {
      link(world, switchAt(parent), `down${index + 1}`, switchAt(index + 1), "up");
    });
    const access = plan.homes.map((home, index) => () => {
      const name = `h${index}`;
      const station = new Station(name, macOf(index), (frame) => this.heard.push(`${name}:${String(frame[14])}`));
      const sw = switchAt(home);
      const cable = connect(world, { device: station, port: "eth0", name }, { device: sw, port: name, name: sw.name });
      station.plug(cable.a);
      sw.plug(name, cable.b);
      this.#stations.set(index, station);
      this.#cables.set(index, cable);
    });
    for (const lay of order([...uplinks, ...access])) lay();
  }

  disturb(): void {
    const rules = [loss(0.2), jitter(micros(500)), duplicate(0.2), corrupt(0.1)];
    for (const [, cable] of [...this.#cables].sort(([one], [other]) => one - other)) {
      for (const rule of rules) cable.rule(rule);
    }
  }

  send(from: number, to: number | "all", number: number): void {
    const destination = to === "all" ? BROADCAST : macOf(to);
    const payload = new Uint8Array(46).fill(number);
    const frame = encodeEthernet({ destination, source: macOf(from), etherType: EXPERIMENT, payload });
    this.#stations.get(from)?.send(frame);
  }

  settle(): readonly string[] {
    this.heard.length = 0;
    this.world.scheduler.advance(micros(this.world.scheduler.now + 10_000));
    return [...this.heard].sort();
  }
}

function link(world: World, one: Switch, onePort: string, other: Switch, otherPort: string): void {
  const a = { device: one, port: onePort, name: one.name };
  const b = { device: other, port: otherPort, name: other.name };
  const cable = connect(world, a, b);
  one.plug(onePort, cable.a);
  other.plug(otherPort, cable.b);
}

describe("a tree of switches", () => {
  it("brings a broadcast to every other station exactly once", () => {
    const property = fc.property(PLAN, (plan) => {
      const network = new Network(plan);
      const everyone = plan.homes.map((_, index) => index);
      for (const sender of everyone) {
        network.send(sender, "all", 7);
        expect(network.settle()).toEqual(everyone.filter((index) => index !== sender).map((index) => `h${index}:7`));
      }
    });
    fc.assert(property, { numRuns: 50 });
  });

  it("brings a unicast to its station alone once everyone was heard", () => {
    const property = fc.property(PLAN, (plan) => {
      const network = new Network(plan);
      const everyone = plan.homes.map((_, index) => index);
      for (const sender of everyone) network.send(sender, "all", 1);
      network.settle();
      for (const from of everyone) {
        for (const to of everyone.filter((index) => index !== from)) {
          network.send(from, to, 9);
          expect(network.settle()).toEqual([`h${to}:9`]);
        }
      }
    });
    fc.assert(property, { numRuns: 50 });
  });

  function play(plan: Plan, talk: readonly Utterance[], options: NetworkOptions = {}): RunTrace {
    const network = new Network(plan, options);
    network.disturb();
    talk.forEach(({ from, to, at }, number) => {
      network.world.scheduler.at(micros(at), () => network.send(from, to ?? "all", number));
    });
    network.settle();
    return network.world.trace;
  }

  it("gives the same trace for the same seed, in whatever order its cables were laid", () => {
    const property = fc.property(PLAN, TALK, (plan, talk) => {
      const trace = play(plan, talk);
      const again = play(plan, talk);
      const reversed = play(plan, talk, { order: (jobs) => jobs.reverse() });
      expect(again.hash()).toBe(trace.hash());
      expect(firstDifference(trace.lines(), reversed.lines())).toBeUndefined();
      expect(reversed.hash()).toBe(trace.hash());
    });
    fc.assert(property, { numRuns: 50 });
  });

  it("gives another trace for another seed", () => {
    const plan: Plan = { parents: [0], homes: [0, 1, 1] };
    const talk = Array.from({ length: 30 }, (_, index) => ({ from: index % 3, to: null, at: index * 10 }));
    expect(play(plan, talk, { seed: "one" }).hash()).not.toBe(play(plan, talk, { seed: "two" }).hash());
  });
});

describe("two switches with two cables between them", () => {
  it("end the run with the name of the frame that runs in circles", () => {
    const world = createWorld({ seed: "storm" });
    const [x, y] = [new Switch(world, "x"), new Switch(world, "y")];
    for (const port of ["p1", "p2"]) link(world, x, port, y, port);
    const station = new Station("h", macOf(9), () => undefined);
    const cable = connect(world, { device: station, port: "eth0", name: "h" }, { device: x, port: "h", name: "x" });
    x.plug("h", cable.b);
    const payload = new Uint8Array(46);
    cable.a.transmit(encodeEthernet({ destination: BROADCAST, source: macOf(9), etherType: EXPERIMENT, payload }));
    expect(() => world.scheduler.advance(seconds(10))).toThrow(
      /^broadcast storm: 02:00:00:00:00:09>ff:ff:ff:ff:ff:ff .* which came in at x:h, runs in a loop of switches$/,
    );
  });
});
