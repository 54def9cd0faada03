import { describe, expect, it } from "vitest";
import { encodeArp } from "../../impl/wire/arp.ts";
import { decodeEthernet, ETHER_TYPES, encodeEthernet, type VlanTag } from "../../impl/wire/ethernet.ts";
import { encodeIcmp6 } from "../../impl/wire/icmp6.ts";
import { parseIpv4, parseIpv6, solicitedNodeGroup } from "../../impl/wire/ip.ts";
import { encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { BROADCAST, type Mac, multicastMac, parseMac, ZERO_MAC } from "../../impl/wire/mac.ts";
import { ALL_MLDV2_ROUTERS, type MldRecordType } from "../../impl/wire/mld.ts";
import { millis, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Cable, connect } from "./cable.ts";
import { Station } from "./station.ts";
import { Switch } from "./switch.ts";
import { type PortOptions } from "./switch-port.ts";
import { SWITCH_PROFILES, type SwitchProfile } from "./switch-profile.ts";

/** IEEE 802 local experimental EtherType 1. */
const EXPERIMENT = 0x88b5;
const MACS: Readonly<Record<string, Mac>> = {
  a: parseMac("02:00:00:00:00:0a"),
  b: parseMac("02:00:00:00:00:0b"),
  c: parseMac("02:00:00:00:00:0c"),
  d: parseMac("02:00:00:00:00:0d"),
  all: BROADCAST,
};
const macOf = (name: string): Mac => MACS[name] ?? parseMac(name);

/** A switch with a station on each port; what they hear is noted as `station<tag`. */
class Lan {
  readonly world: World;
  readonly sw: Switch;
  readonly cables = new Map<string, Cable>();
  readonly #stations = new Map<string, Station>();
  #heard: string[] = [];

  constructor(ports: Readonly<Record<string, PortOptions>>, profile?: SwitchProfile) {
    this.world = createWorld({ seed: "switch", capture: true });
    this.sw = new Switch(this.world, "sw", profile);
    for (const [name, options] of Object.entries(ports)) {
      const station = new Station(name, macOf(name), (frame) => this.#hear(name, frame));
      const cable = connect(
        this.world,
        { device: station, port: "eth0", name },
        { device: this.sw, port: `to-${name}`, name: "sw" },
      );
      station.plug(cable.a);
      this.sw.plug(`to-${name}`, cable.b, options);
      this.cables.set(name, cable);
      this.#stations.set(name, station);
    }
  }

  /** Sends one frame and says who heard it. */
  say(
    from: string,
    to: string,
    { as = from, length = 46, vlan }: { as?: string; length?: number; vlan?: VlanTag } = {},
  ): string {
    const payload = new Uint8Array(length);
    return this.send(from, { destination: macOf(to), source: macOf(as), etherType: EXPERIMENT, payload, vlan });
  }

  send(from: string, frame: Parameters<typeof encodeEthernet>[0]): string {
    this.#heard = [];
    this.#stations.get(from)?.send(encodeEthernet(frame));
    this.wait(0.001);
    return this.#heard.join(" ");
  }

  wait(duration: number): void {
    this.world.scheduler.advance(seconds(this.world.scheduler.now / 1e6 + duration));
  }

  until(time: number): void {
    this.world.scheduler.advance(seconds(time));
  }

  table(): string {
    return this.sw
      .table()
      .map(({ vlan, mac, port }) => `${vlan}/${mac.at(-1)}@${port}`)
      .join(" ");
  }

  events(): readonly string[] {
    return this.world.trace.lines().filter((line) => / sw (learned|moved|frozen|aged|flushed) /.test(line));
  }

  drops(): readonly string[] {
    return this.world.capture.frames().flatMap(({ comments }) => comments);
  }

  #hear(name: string, frame: Uint8Array): void {
    const { vlan, source } = decodeEthernet(frame);
    // Queries are of the switch itself and come whenever they come.
    if (Object.values(MACS).includes(source)) this.#heard.push(vlan === undefined ? name : `${name}<${vlan.id}`);
  }
}

const PLAIN = { a: {}, b: {}, c: {} };

describe("Switch", () => {
  it("floods what it does not know and learns from sources", () => {
    const lan = new Lan(PLAIN);
    expect([lan.say("a", "b"), lan.say("b", "a"), lan.say("a", "b"), lan.say("c", "all"), lan.say("a", "c")]).toEqual([
      "b c",
      "a",
      "b",
      "a b",
      "c",
    ]);
    expect(lan.table()).toBe("1/a@to-a 1/b@to-b 1/c@to-c");
  });

  it("keeps a frame from the port that it came from", () => {
    const lan = new Lan(PLAIN);
    lan.say("a", "all");
    lan.say("a", "all", { as: "d" });
    expect(lan.say("a", "d")).toBe("");
  });

  it.each(["01:80:c2:00:00:00", "01:80:c2:00:00:02", "01:80:c2:00:00:0e", "01:80:c2:00:00:0f"])(
    "never forwards to %s",
    (reserved) => {
      const lan = new Lan(PLAIN);
      expect([lan.say("a", reserved), lan.drops()]).toEqual(["", ["dropped at sw:to-a: reserved address"]]);
    },
  );

  it("forwards to the group addresses next to the reserved ones", () => {
    expect(new Lan(PLAIN).say("a", "01:80:c2:00:00:10")).toBe("b c");
  });

  it("drops a multicast source and does not learn it", () => {
    const lan = new Lan(PLAIN);
    expect([lan.say("a", "all", { as: "03:00:00:00:00:01" }), lan.table(), lan.drops()]).toEqual([
      "",
      "",
      ["dropped at sw:to-a: multicast source"],
    ]);
  });

  it("relearns a station that moved, at once", () => {
    const lan = new Lan(PLAIN);
    lan.say("a", "all");
    lan.say("c", "all", { as: "a" });
    expect([lan.say("b", "a"), lan.table()]).toEqual(["c", "1/a@to-c 1/b@to-b"]);
  });

  it("drops silently what is longer than a port's MTU, on the way in and on the way out", () => {
    const lan = new Lan({ a: { mtu: 9000 }, b: { mtu: 9000 }, c: {} });
    expect([
      lan.say("a", "all", { length: 1500 }),
      lan.say("a", "all", { length: 1501 }),
      lan.say("c", "all", { length: 1501 }),
      lan.say("a", "all", { length: 9001 }),
    ]).toEqual(["b c", "b", "", ""]);
    expect(lan.drops()).toEqual([
      "dropped at sw:to-c: longer than the MTU of 1500",
      "dropped at sw:to-c: longer than the MTU of 1500",
      "dropped at sw:to-a: longer than the MTU of 9000",
    ]);
  });

  it("lets isolated ports reach all ports but isolated ones", () => {
    const lan = new Lan({ a: { isolated: true }, b: { isolated: true }, c: {} });
    expect([lan.say("a", "all"), lan.say("c", "all"), lan.say("b", "a"), lan.say("c", "a")]).toEqual([
      "c",
      "a b",
      "",
      "a",
    ]);
  });

  it("drops a frame that is too short to have a header", () => {
    const lan = new Lan(PLAIN);
    lan.cables.get("a")?.a.transmit(Uint8Array.of(1, 2, 3));
    lan.wait(1);
    expect(lan.drops()).toEqual(["dropped at sw:to-a: runt"]);
  });
});

describe("Switch ageing", () => {
  it("forgets a silent station as Linux was measured to: 23.1 s where 20 s were set", () => {
    const lan = new Lan(PLAIN, { ...SWITCH_PROFILES["linux-bridge"], ageing: seconds(20) });
    lan.until(0.9);
    lan.say("a", "all");
    lan.until(30);
    expect(lan.events()).toEqual([
      "0.900010 sw learned vlan=1 mac=02:00:00:00:00:0a port=to-a",
      "24.000000 sw aged vlan=1 mac=02:00:00:00:00:0a port=to-a",
    ]);
  });

  it("refreshes a station when it is heard, not when it is spoken to", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["hardware-300s"]);
    lan.say("b", "all");
    const heard: string[] = [];
    for (const time of [100, 200, 299, 302]) {
      lan.until(time);
      heard.push(lan.say("a", "b"));
    }
    expect(heard).toEqual(["b", "b", "b", "b c"]);
    lan.say("b", "all");
    lan.until(601);
    expect(lan.table()).toBe("1/a@to-a 1/b@to-b");
  });

  it("forgets the stations of a port 0.51 s after its carrier went, as Linux was measured to", () => {
    const lan = new Lan(PLAIN);
    for (const name of ["a", "b"]) lan.say(name, "all");
    lan.until(1);
    lan.cables.get("a")?.setUp(false);
    lan.until(1.5);
    expect([lan.say("b", "a"), lan.drops().at(-1)]).toEqual(["", "dropped on the way to a:eth0: no carrier"]);
    lan.until(1.52);
    expect([lan.events().at(-1), lan.say("b", "a")]).toEqual([
      "1.510000 sw flushed vlan=1 mac=02:00:00:00:00:0a port=to-a",
      "c",
    ]);
  });

  it("forgets nothing when the carrier is back before the flush", () => {
    const lan = new Lan(PLAIN);
    lan.say("a", "all");
    lan.cables.get("a")?.setUp(false);
    lan.wait(0.3);
    lan.cables.get("a")?.setUp(true);
    lan.wait(1);
    expect(lan.table()).toBe("1/a@to-a");
  });

  it("forgets within 15 s while a topology change is in force, and takes its time again afterwards", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["hardware-300s"]);
    lan.say("a", "all");
    lan.until(100);
    lan.say("b", "all");
    lan.sw.topologyChange();
    lan.until(114);
    expect(lan.table()).toBe("1/b@to-b");
    lan.until(116);
    expect(lan.table()).toBe("");
    lan.until(130);
    lan.say("a", "all");
    lan.until(160);
    expect(lan.table()).toBe("1/a@to-a");
  });
});

describe("Switch VLANs", () => {
  const PORTS = {
    a: { vlans: { kind: "access", vlan: 10 } },
    b: { vlans: { kind: "access", vlan: 20 } },
    c: { vlans: { kind: "trunk", native: 20, allowed: [10, 20] } },
    d: { vlans: { kind: "trunk" } },
  } as const;
  const tag = (id: number): { vlan: VlanTag } => ({ vlan: { priority: 0, id } });

  it.each([
    { what: "untagged on access", from: "a", options: {}, heard: "c<10 d<10" },
    { what: "to the native VLAN untagged", from: "b", options: {}, heard: "c d<20" },
    { what: "tagged on a trunk", from: "c", options: tag(10), heard: "a d<10" },
    { what: "untagged on a trunk is native", from: "c", options: {}, heard: "b d<20" },
    { what: "priority tag is no tag", from: "a", options: tag(0), heard: "c<10 d<10" },
    { what: "not allowed on the trunk", from: "c", options: tag(30), heard: "" },
    { what: "unknown elsewhere", from: "d", options: tag(30), heard: "" },
    { what: "untagged without a native VLAN", from: "d", options: {}, heard: "" },
    { what: "foreign tag on access", from: "a", options: tag(20), heard: "" },
  ])("$what: heard by '$heard'", ({ from, options, heard }) => {
    expect(new Lan(PORTS).say(from, "all", options)).toBe(heard);
  });

  it("learns per VLAN", () => {
    const lan = new Lan(PORTS);
    lan.say("d", "all", tag(10));
    expect([lan.say("a", "d"), lan.say("b", "d")]).toEqual(["d<10", "c d<20"]);
  });

  it("keeps the priority of a frame that stays tagged", () => {
    const lan = new Lan(PORTS);
    lan.say("c", "all", { vlan: { priority: 5, id: 10 } });
    expect(lan.say("c", "all", { vlan: { priority: 5, id: 10 } })).toBe("a d<10");
  });
});

const VIP = parseIpv4("192.0.2.10");

function gratuitousArp(name: string): Parameters<typeof encodeEthernet>[0] {
  const arp = {
    operation: "request",
    senderMac: macOf(name),
    senderIp: VIP,
    targetMac: ZERO_MAC,
    targetIp: VIP,
  } as const;
  return { destination: BROADCAST, source: macOf(name), etherType: ETHER_TYPES.arp, payload: encodeArp(arp) };
}

describe("Switch profiles", () => {
  it("garp-rate-limited: drops the eleventh announcement of a port within a second", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["garp-rate-limited"]);
    const heard = Array.from({ length: 11 }, () => lan.send("a", gratuitousArp("a")));
    expect(heard).toEqual([...Array<string>(10).fill("b c"), ""]);
    expect(lan.send("b", gratuitousArp("b"))).toBe("a c");
    expect(lan.drops()).toEqual(["dropped at sw:to-a: more than 10 gratuitous ARP packets per second"]);
    lan.wait(1);
    expect(lan.send("a", gratuitousArp("a"))).toBe("b c");
  });

  it("move-dampening: the fifth move in 180 s is not followed, for 180 s", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["move-dampening"]);
    const ports: string[] = [];
    for (const port of ["a", "b", "a", "b", "a", "b", "b"]) {
      lan.say(port, "all", { as: "d" });
      ports.push(lan.table());
    }
    expect(ports).toEqual(["a", "b", "a", "b", "a", "a", "a"].map((port) => `1/d@to-${port}`));
    lan.wait(180);
    lan.say("b", "all", { as: "d" });
    expect(lan.table()).toBe("1/d@to-b");
  });

  it("dai: drops ARP whose binding it was not told, but for trusted ports", () => {
    const lan = new Lan({ a: {}, b: {}, c: { trusted: true } }, SWITCH_PROFILES.dai);
    expect([lan.send("a", gratuitousArp("a")), lan.send("c", gratuitousArp("c")), lan.say("a", "all")]).toEqual([
      "",
      "a b",
      "b c",
    ]);
    lan.sw.bind(VIP, macOf("a"));
    expect([lan.send("a", gratuitousArp("a")), lan.send("b", gratuitousArp("b"))]).toEqual(["b c", ""]);
    expect(lan.drops()).toEqual([
      "dropped at sw:to-a: ARP inspection: 192.0.2.10 is not bound to 02:00:00:00:00:0a",
      "dropped at sw:to-b: ARP inspection: 192.0.2.10 is not bound to 02:00:00:00:00:0b",
    ]);
  });
});

const GROUP = solicitedNodeGroup(parseIpv6("2001:db8::10"));
const SOURCE = parseIpv6("fe80::a");

function ipv6Frame(name: string, to: typeof GROUP, message: Parameters<typeof encodeIcmp6>[0]) {
  const mld = message.kind === "mldReport" || message.kind === "mldQuery";
  const payload = encodeIpv6({
    source: SOURCE,
    destination: to,
    nextHeader: 58,
    hopLimit: mld ? 1 : 255,
    trafficClass: 0,
    flowLabel: 0,
    ...(mld ? { routerAlert: 0 } : {}),
    payload: encodeIcmp6(message, SOURCE, to),
  });
  return { destination: multicastMac(to), source: macOf(name), etherType: ETHER_TYPES.ipv6, payload };
}

const report = (name: string, type: MldRecordType) =>
  ipv6Frame(name, ALL_MLDV2_ROUTERS, { kind: "mldReport", records: [{ type, group: GROUP, sources: [] }] });
const solicit = (name: string, to = GROUP) =>
  ipv6Frame(name, to, { kind: "neighborSolicitation", target: parseIpv6("2001:db8::10") });

describe("Switch with MLD snooping", () => {
  const snooping = (): Lan => new Lan({ a: {}, b: {}, c: {} }, SWITCH_PROFILES["mld-snooping"]);

  it("brings a solicitation only to the ports that reported the group", () => {
    const lan = snooping();
    lan.until(11);
    expect([
      lan.send("a", solicit("a")),
      lan.send("c", report("c", "changeToExclude")),
      lan.send("a", solicit("a")),
    ]).toEqual(["", "", "c"]);
  });

  it("floods to all nodes, and floods all before the first answers are due", () => {
    const lan = snooping();
    expect(lan.send("a", solicit("a"))).toBe("b c");
    lan.until(11);
    expect(lan.send("a", solicit("a", parseIpv6("ff02::1")))).toBe("b c");
  });

  it("forgets a listener that does not report for 260 s", () => {
    const lan = snooping();
    lan.until(11);
    lan.send("c", report("c", "modeIsExclude"));
    lan.until(270);
    expect(lan.send("a", solicit("a"))).toBe("c");
    lan.until(272);
    expect(lan.send("a", solicit("a"))).toBe("");
  });

  it("asks again when a listener left, and forgets it after 2 s", () => {
    const lan = snooping();
    lan.until(11);
    lan.send("c", report("c", "changeToExclude"));
    lan.send("c", report("c", "changeToInclude"));
    expect(lan.send("a", solicit("a"))).toBe("c");
    lan.wait(2);
    expect(lan.send("a", solicit("a"))).toBe("");
    const queries = lan.world.capture.frames().filter(({ point }) => point === "sw:querier");
    expect(queries.map(({ time, bytes }) => `${(time / 1e6).toFixed(0)} ${decodeEthernet(bytes).destination}`)).toEqual(
      ["0 33:33:00:00:00:01", "11 33:33:ff:00:00:10"],
    );
  });

  it("queries at once, after 31.25 s, and every 125 s from then on; and a port that comes up", () => {
    const lan = snooping();
    lan.until(160);
    lan.cables.get("b")?.setUp(false);
    lan.cables.get("b")?.setUp(true);
    lan.until(290);
    const queries = lan.world.capture.frames().filter(({ point }) => point === "sw:querier");
    expect(queries.map(({ time }) => time / 1e6)).toEqual([0, 31.25, 156.25, 160, 281.25]);
  });

  it("brings reports and groups to the port of another querier", () => {
    const lan = snooping();
    lan.until(11);
    const query = { kind: "mldQuery", maximumResponse: millis(10_000), group: parseIpv6("::") } as const;
    lan.send("b", ipv6Frame("b", parseIpv6("ff02::1"), query));
    expect([lan.send("a", solicit("a")), lan.send("c", report("c", "changeToExclude"))]).toEqual(["b", "b"]);
    lan.wait(256);
    expect(lan.send("a", solicit("a"))).toBe("c");
  });
});
