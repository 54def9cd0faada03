import { describe, expect, it } from "vitest";
import { type Effect, type Random } from "../../ports.ts";
import { type Ip, parseIp } from "../../wire/ip.ts";
import { formatSeconds, type Micros, micros, millis, seconds } from "../../wire/time.ts";
import { LAN } from "./config.ts";
import { Members, type MembersInput, type MembersOutput } from "./members.ts";

const LATENCY = millis(1);

/** A generator of its own for each node: xorshift32. */
function randomOf(seed: number): Random {
  let state = seed * 2654435761 || 1;
  return {
    next: () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    },
  };
}

interface Station {
  readonly name: string;
  readonly ip: Ip;
  members: Members;
  alive: boolean;
  /** Its inputs wait while it is paused. */
  paused: boolean;
  readonly waiting: (() => void)[];
  readonly streams: Map<string, { to: Station; stream: string }>;
}

/** Speakers on a network that delivers after a millisecond, or not at all. */
class Network {
  now: Micros = micros(0);
  datagrams = 0;
  streams = 0;
  readonly trace: string[] = [];
  /** Whether a datagram or segment from a to b is lost. */
  cut: (from: string, to: string) => boolean = () => false;
  readonly #stations = new Map<Ip, Station>();
  readonly #queue: { at: Micros; order: number; run: () => void }[] = [];
  #order = 0;

  add(name: string): Station {
    const index = this.#stations.size + 1;
    const ip = parseIp(`192.0.2.${index}`);
    const station: Station = {
      name,
      ip,
      members: this.#create(name, ip, index),
      alive: true,
      paused: false,
      waiting: [],
      streams: new Map(),
    };
    this.#stations.set(ip, station);
    return station;
  }

  #create(name: string, ip: Ip, seed: number): Members {
    return new Members({ name, endpoint: { ip, port: 7946 }, config: LAN, random: randomOf(seed) }, this.now);
  }

  /** Another address of a station, under which it is no member. */
  alias(text: string, station: Station): Ip {
    const ip = parseIp(text);
    this.#stations.set(ip, station);
    return ip;
  }

  /** All speakers know the addresses of all. */
  start(...stations: readonly Station[]): void {
    for (const station of stations) {
      this.#carryOut(station, station.members.start());
      this.#carryOut(station, station.members.setPeers([...this.#stations.keys()], this.now));
    }
  }

  restart(station: Station): void {
    station.alive = true;
    station.members = this.#create(station.name, station.ip, 1000 + this.#order);
    this.start(station);
  }

  leave(station: Station): void {
    this.#carryOut(station, station.members.leave(this.now));
  }

  run(time: Micros): void {
    const until = micros(this.now + time);
    for (;;) {
      const next = this.#queue.toSorted((a, b) => a.at - b.at || a.order - b.order)[0];
      const waking = [...this.#stations.values()]
        .filter(({ alive, paused }) => alive && !paused)
        .map((station) => ({ station, at: station.members.deadline() ?? Number.POSITIVE_INFINITY }))
        .toSorted((a, b) => a.at - b.at)[0];
      const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, waking?.at ?? Number.POSITIVE_INFINITY);
      if (at > until) break;
      this.now = micros(Math.max(at, this.now));
      if (next !== undefined && next.at <= at) {
        this.#queue.splice(this.#queue.indexOf(next), 1);
        next.run();
      } else if (waking !== undefined) {
        this.#carryOut(waking.station, waking.station.members.wake(this.now));
      }
    }
    this.now = until;
  }

  resume(station: Station): void {
    station.paused = false;
    for (const run of station.waiting.splice(0)) run();
  }

  /** Who believes in whom. */
  views(): string {
    return [...this.#stations.values()]
      .filter(({ alive }) => alive)
      .map(({ name, members }) => `${name}:${[...members.live()].sort().join("")}`)
      .join(" ");
  }

  perform(station: Station, output: MembersOutput): void {
    this.#carryOut(station, output);
  }

  #later(run: () => void): void {
    this.#queue.push({ at: micros(this.now + LATENCY), order: this.#order++, run });
  }

  #deliver(station: Station, input: MembersInput): void {
    const handle = () => this.#carryOut(station, station.members.handle(input, this.now));
    if (!station.alive) return;
    if (station.paused) station.waiting.push(handle);
    else handle();
  }

  #carryOut(station: Station, { effects, events }: MembersOutput): void {
    for (const event of events) {
      const { kind, ...fields } = event;
      this.trace.push(`${formatSeconds(this.now)} ${station.name}: ${kind} ${Object.values(fields).join(" ")}`);
    }
    for (const effect of effects) this.#perform(station, effect);
  }

  #perform(from: Station, effect: Effect): void {
    if (effect.kind === "sendDatagram") {
      this.datagrams++;
      const to = this.#stations.get(effect.to.ip);
      if (to === undefined || this.cut(from.name, to.name)) return;
      const input = {
        kind: "datagram",
        socket: "members",
        from: { ip: from.ip, port: 7946 },
        bytes: effect.bytes,
      } as const;
      this.#later(() => this.#deliver(to, input));
    } else if (effect.kind === "connect") {
      this.#connect(from, effect.stream, effect.to.ip);
    } else if (effect.kind === "write" || effect.kind === "closeStream") {
      const other = from.streams.get(effect.stream);
      if (effect.kind === "closeStream") from.streams.delete(effect.stream);
      if (other === undefined || this.cut(from.name, other.to.name)) return;
      const input: MembersInput =
        effect.kind === "write"
          ? { kind: "streamData", stream: other.stream, bytes: effect.bytes }
          : { kind: "streamClosed", stream: other.stream, because: "end" };
      this.#later(() => this.#deliver(other.to, input));
    }
  }

  #connect(from: Station, stream: string, ip: Ip): void {
    const to = this.#stations.get(ip);
    if (to === undefined || this.cut(from.name, to.name) || this.cut(to.name, from.name)) return;
    if (!to.alive) {
      this.#later(() => this.#deliver(from, { kind: "streamClosed", stream, because: "ECONNREFUSED" }));
      return;
    }
    const theirs = `accepted-${this.streams++}`;
    from.streams.set(stream, { to, stream: theirs });
    to.streams.set(theirs, { to: from, stream });
    const local = { ip: from.ip, port: 40_000 };
    this.#later(() => {
      this.#deliver(to, { kind: "accepted", listener: "members", stream: theirs, from: local });
      this.#deliver(from, { kind: "streamOpened", stream, local, remote: { ip, port: 7946 } });
    });
  }
}

function cluster(count: number): { network: Network; nodes: Station[] } {
  const network = new Network();
  const nodes = Array.from({ length: count }, (_, index) => network.add(String.fromCharCode(97 + index)));
  network.start(...nodes);
  return { network, nodes };
}

const at = (nodes: readonly Station[], index: number): Station => {
  const node = nodes[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  return node;
};

/** The first entry of the trace that contains `what`, as seconds since `since`. */
function when(network: Network, what: string, since: Micros): number {
  const entry = network.trace.find((one) => one.includes(what) && Number.parseFloat(one) * 1e6 >= since);
  return entry === undefined ? Number.NaN : Number.parseFloat(entry) - since / 1e6;
}

describe("membership", () => {
  it("finds everybody within a few milliseconds, and knows that it did", () => {
    const { network, nodes } = cluster(5);
    network.run(millis(500));
    expect(network.views()).toBe("a:abcde b:abcde c:abcde d:abcde e:abcde");
    expect(nodes.every(({ members }) => members.ready)).toBe(true);
  });

  it("is ready at once where nobody else is expected, and after two probe intervals where nobody answers", () => {
    const network = new Network();
    const a = network.add("a");
    network.start(a);
    expect(a.members.ready).toBe(true);
    const b = network.add("b");
    network.cut = () => true;
    network.start(b);
    network.run(millis(1999));
    expect(b.members.ready).toBe(false);
    network.run(millis(1));
    expect(b.members.ready).toBe(true);
  });

  it("waits for an answer however late it learned whom to ask", () => {
    const { network } = cluster(2);
    network.run(seconds(20));
    const c = network.add("c");
    network.perform(c, c.members.start());
    network.run(seconds(10));
    expect(c.members.ready).toBe(false);
    network.perform(c, c.members.setPeers([parseIp("192.0.2.1"), parseIp("192.0.2.2")], network.now));
    network.run(millis(1));
    expect(c.members.ready).toBe(false);
    network.run(millis(9));
    expect(`${c.members.ready} ${[...c.members.live()].sort().join("")}`).toBe("true abc");
  });

  it("exchanges no state and still sleeps where the push/pull is switched off", () => {
    const config = { ...LAN, pushPullInterval: micros(0) };
    const endpoint = { ip: parseIp("192.0.2.1"), port: 7946 };
    const alone = new Members({ name: "a", endpoint, config, random: randomOf(1) }, micros(0));
    alone.start();
    const wakes: Micros[] = [];
    for (let at = alone.deadline(); at !== undefined && at < seconds(10) && wakes.length < 100; at = alone.deadline()) {
      wakes.push(at);
      alone.wake(at);
    }
    expect(wakes.length).toBeLessThan(20);
  });

  it("asks one that answers at an address which is not the one it is a member by once, not every second", () => {
    const { network, nodes } = cluster(2);
    network.run(seconds(20));
    const a = at(nodes, 0);
    const peers = [a.ip, network.alias("192.0.2.99", at(nodes, 1))];
    network.streams = 0;
    network.perform(a, a.members.setPeers(peers, network.now));
    network.run(seconds(60));
    // The push/pull of each node every half a minute, and the one question.
    expect(network.streams).toBeLessThanOrEqual(6);
    network.perform(a, a.members.setPeers(peers, network.now));
    network.streams = 0;
    network.run(seconds(60));
    expect(network.streams).toBeLessThanOrEqual(5);
  });

  it("serves 128 streams at a time, as memberlist does, and again when some have ended", () => {
    const { nodes } = cluster(1);
    const { members } = at(nodes, 0);
    const from = { ip: parseIp("192.0.2.9"), port: 40_000 };
    const accept = (index: number) =>
      members.handle({ kind: "accepted", listener: "members", stream: `s${index}`, from }, micros(0)).effects;
    const refused = Array.from({ length: 130 }, (_, index) => accept(index)).flat();
    expect(refused).toEqual([128, 129].map((index) => ({ kind: "closeStream", stream: `s${index}`, abort: true })));
    members.handle({ kind: "streamClosed", stream: "s5", because: "ECONNRESET" }, micros(0));
    expect(accept(130)).toEqual([]);
  });

  it("costs a ping and an ack for each node and second, and no stream but the push/pull", () => {
    const { network } = cluster(5);
    network.run(seconds(60));
    network.datagrams = 0;
    network.run(seconds(100));
    expect(network.datagrams).toBeGreaterThanOrEqual(5 * 2 * 99);
    expect(network.datagrams).toBeLessThanOrEqual(5 * 2 * 101);
  });

  it.each([0, 1, 2])("declares a node that crashed dead everywhere: node %i of three", (index) => {
    const { network, nodes } = cluster(3);
    network.run(seconds(20));
    const crashed = network.now;
    at(nodes, index).alive = false;
    network.run(seconds(20));
    const survivors = ["a", "b", "c"].filter((_, other) => other !== index);
    expect(network.views()).toBe(survivors.map((name) => `${name}:${survivors.join("")}`).join(" "));
    for (const name of survivors) {
      // At most two probe rounds of a second until it is its turn, a second for the probe, four of suspicion, and gossip.
      const after = when(network, `${name}: left ${at(nodes, index).name} declaredDead`, crashed);
      expect(after).toBeGreaterThanOrEqual(4);
      expect(after).toBeLessThanOrEqual(8);
    }
  });

  it("sees a node that restarts within a second leave nobody's list", () => {
    const { network, nodes } = cluster(3);
    network.run(seconds(20));
    const since = network.trace.length;
    at(nodes, 1).alive = false;
    network.run(seconds(1));
    network.restart(at(nodes, 1));
    network.run(seconds(30));
    expect(network.views()).toBe("a:abc b:abc c:abc");
    expect(network.trace.slice(since).filter((entry) => entry.includes("left"))).toEqual([]);
  });

  it("hears a goodbye at once", () => {
    const { network, nodes } = cluster(4);
    network.run(seconds(20));
    const since = network.now;
    network.leave(at(nodes, 0));
    network.run(millis(5));
    expect(["b", "c", "d"].map((name) => when(network, `${name}: left a left`, since) < 0.005)).toEqual([
      true,
      true,
      true,
    ]);
    expect(at(nodes, 0).members.departed).toBe(false);
    network.run(millis(400));
    expect(at(nodes, 0).members.departed).toBe(true);
  });

  it("heals a partition of any length within two seconds", () => {
    for (const length of [seconds(15), seconds(50), seconds(600)]) {
      const { network } = cluster(3);
      network.run(seconds(20));
      network.cut = (from, to) => (from === "a") !== (to === "a");
      network.run(length);
      expect(network.views()).toBe("a:a b:bc c:bc");
      network.cut = () => false;
      network.run(seconds(2));
      expect(network.views()).toBe("a:abc b:abc c:abc");
    }
  });

  it("does not give up a node that only one other cannot reach", () => {
    const { network } = cluster(4);
    network.run(seconds(20));
    const since = network.trace.length;
    network.cut = (from, to) => (from === "a" && to === "b") || (from === "b" && to === "a");
    network.run(seconds(120));
    expect(network.trace.slice(since)).toEqual([]);
  });

  it("refutes what is said of it in a one-way loss, with at most one change of owner a minute", () => {
    const { network } = cluster(3);
    network.run(seconds(20));
    const since = network.trace.length;
    network.cut = (from, to) => from === "b" && to === "a";
    network.run(seconds(300));
    expect(network.trace.slice(since).filter((entry) => entry.includes("left")).length).toBeLessThanOrEqual(5);
    network.cut = () => false;
    network.run(seconds(5));
    expect(network.views()).toBe("a:abc b:abc c:abc");
  });

  it("does not blame the others for its own sleep, and is in sync again when one of them answered", () => {
    const { network, nodes } = cluster(3);
    network.run(seconds(20));
    const since = network.trace.length;
    const a = at(nodes, 0);
    a.paused = true;
    network.run(seconds(15));
    expect(network.views()).toBe("a:abc b:bc c:bc");
    a.members.slept(seconds(15), network.now);
    network.resume(a);
    network.perform(a, a.members.resync(network.now));
    expect(a.members.inSync).toBe(false);
    network.run(seconds(2));
    expect(a.members.inSync).toBe(true);
    expect(network.views()).toBe("a:abc b:abc c:abc");
    const blamed = network.trace.slice(since).filter((entry) => / a: (suspected|left)/.test(entry));
    expect(blamed.filter((entry) => entry.includes("left"))).toEqual([]);
  });

  it.each([15, 50, 600])("doubts its view when its link comes back after %i s, until everybody is back", (length) => {
    const { network, nodes } = cluster(3);
    network.run(seconds(20));
    const a = at(nodes, 0);
    network.cut = (from, to) => (from === "a") !== (to === "a");
    network.run(seconds(length));
    network.cut = () => false;
    network.perform(a, a.members.reconnect(network.now));
    const before = { inSync: a.members.inSync, views: network.views() };
    network.run(millis(900));
    expect([before, { inSync: a.members.inSync, views: network.views() }]).toEqual([
      { inSync: false, views: "a:a b:bc c:bc" },
      { inSync: true, views: "a:abc b:abc c:abc" },
    ]);
  });

  it("stops doubting when those that are missing do not come", () => {
    const { network, nodes } = cluster(2);
    network.run(seconds(20));
    at(nodes, 1).alive = false;
    network.run(seconds(20));
    const a = at(nodes, 0);
    network.perform(a, a.members.reconnect(network.now));
    network.run(millis(1999));
    expect(a.members.inSync).toBe(false);
    network.run(millis(1));
    expect(a.members.inSync).toBe(true);
  });

  it("survives 30 % loss: false suspicions are refuted, and all is well when it ends", () => {
    const { network } = cluster(5);
    const random = randomOf(7);
    network.run(seconds(20));
    network.cut = () => random.next() < 0.3;
    network.run(seconds(600));
    network.cut = () => false;
    network.run(seconds(10));
    expect(network.views()).toBe("a:abcde b:abcde c:abcde d:abcde e:abcde");
  });

  it("ignores what is no packet of memberlist", () => {
    const { network, nodes } = cluster(2);
    network.run(seconds(5));
    const from = { ip: parseIp("192.0.2.99"), port: 1 };
    for (const bytes of [[], [7, 255], [99, 1, 2], [0, 0xc1], [9, 0x80], [12, 0, 0, 0, 0, 0]]) {
      const input = { kind: "datagram", socket: "members", from, bytes: Uint8Array.from(bytes) } as const;
      at(nodes, 0).members.handle(input, network.now);
    }
    network.run(seconds(5));
    expect(network.views()).toBe("a:ab b:ab");
  });
});
