import { describe, expect, it } from "vitest";
import { decodeEthernet, encodeEthernet, ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { encodeArp } from "../../impl/wire/arp.ts";
import { type Ipv4, parseIpv4 } from "../../impl/wire/ip.ts";
import { BROADCAST, type Mac, parseMac, ZERO_MAC } from "../../impl/wire/mac.ts";
import { formatSeconds, plus, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Cable, connect } from "../ethernet/cable.ts";
import { Host } from "./host.ts";

const MASTER = parseMac("02:00:00:00:00:b0");
const PEER = parseMac("02:00:00:00:00:01");
const OTHER = parseMac("02:00:00:00:00:02");
const PEER_IP = parseIpv4("10.0.0.1");
const HOST_IP = parseIpv4("10.0.0.9");

/** A host with two cables, whose far ends write down what arrives: ARP only, the host's own chatter aside. */
class TwoPorts {
  readonly world: World = createWorld({ seed: "two ports" });
  readonly host = new Host(this.world, { name: "h" });
  readonly cables = new Map<string, Cable>();
  readonly #arrived: string[] = [];

  constructor() {
    for (const [index, name] of ["eth0", "eth1"].entries()) {
      const device = this.host.addInterface({ name, mac: parseMac(`02:00:00:00:00:e${index}`) });
      const far = { receive: (port: string, frame: Uint8Array) => this.#note(port, frame), carrier: () => undefined };
      const cable = connect(this.world, { device, port: name, name: "h" }, { device: far, port: name, name: "far" });
      this.host.plug(name, cable.a);
      this.cables.set(name, cable);
    }
  }

  #note(port: string, frame: Uint8Array): void {
    const { destination, source, vlan, etherType, payload } = decodeEthernet(frame);
    if (etherType !== ETHER_TYPES.arp) return;
    const tag = vlan === undefined ? "" : ` vlan ${vlan.id}`;
    const kind = payload[7] === 1 ? "request" : "reply";
    this.#arrived.push(`${formatSeconds(this.world.scheduler.now)} ${port}${tag} ${source}>${destination} ${kind}`);
  }

  take(): readonly string[] {
    return this.#arrived.splice(0);
  }

  run(duration: number): this {
    this.world.scheduler.advance(plus(this.world.scheduler.now, seconds(duration)));
    return this;
  }

  /** `who has target, tell 10.0.0.1`, on one of the cables. */
  ask(port: string, target: Ipv4, options: { from?: Mac; to?: Mac; vlan?: number } = {}): this {
    const { from = PEER, to = BROADCAST, vlan } = options;
    const arp = {
      operation: "request",
      senderMac: from,
      senderIp: PEER_IP,
      targetMac: ZERO_MAC,
      targetIp: target,
    } as const;
    const tag = vlan === undefined ? undefined : { priority: 0, id: vlan };
    const frame = { destination: to, source: from, vlan: tag, etherType: ETHER_TYPES.arp, payload: encodeArp(arp) };
    this.cables.get(port)?.b.transmit(encodeEthernet(frame));
    return this.run(0.1);
  }
}

describe("a plain interface", () => {
  it("takes what is for it, for everyone, or for its groups, and nothing else", () => {
    const ports = new TwoPorts();
    ports.host.addAddress("eth0", "10.0.0.9/24");
    ports.ask("eth0", HOST_IP).ask("eth0", HOST_IP, { to: parseMac("02:00:00:00:00:e0") });
    expect(ports.take()).toHaveLength(2);
    ports.ask("eth0", HOST_IP, { to: parseMac("02:00:00:00:00:e1") });
    ports.ask("eth0", HOST_IP, { to: parseMac("33:33:00:00:00:77") });
    expect(ports.take()).toEqual([]);
  });

  it("is deaf and dumb while the administrator has it down", () => {
    const ports = new TwoPorts();
    ports.host.addAddress("eth0", "10.0.0.9/24");
    ports.host.setUp("eth0", false);
    expect(ports.ask("eth0", HOST_IP).take()).toEqual([]);
    expect(ports.host.sourceFor(PEER_IP)).toBeUndefined();
    ports.host.setUp("eth0", true);
    expect(ports.ask("eth0", HOST_IP).take()).toHaveLength(1);
  });

  it("hears no ARP while it is switched off there, and says so", () => {
    const ports = new TwoPorts();
    ports.host.addAddress("eth0", "10.0.0.9/24");
    const told: boolean[] = [];
    ports.host.onLinkChange(() => told.push(ports.host.interface("eth0").toLink().noArp));
    ports.host.setNoArp("eth0", true);
    expect(ports.ask("eth0", HOST_IP).take()).toEqual([]);
    ports.host.setNoArp("eth0", false);
    expect(ports.ask("eth0", HOST_IP).take()).toHaveLength(1);
    expect(told).toEqual([true, false]);
  });

  it("can be renamed, given another address, and removed", () => {
    const ports = new TwoPorts();
    ports.host.addAddress("eth0", "10.0.0.9/24");
    ports.host.renameInterface("eth0", "lan0");
    ports.host.setMac("lan0", MASTER);
    expect(ports.ask("eth0", HOST_IP).take()).toEqual([`0.00002s eth0 ${MASTER}>${PEER} reply`]);
    expect(ports.host.routes().map(({ prefix, nextHops }) => `${prefix} ${nextHops[0]?.device}`)).toContain(
      "10.0.0.0/24 lan0",
    );
    ports.host.removeInterface("lan0");
    expect(ports.ask("eth0", HOST_IP).take()).toEqual([]);
    expect(ports.host.links().map(({ name }) => name)).toEqual(["lo", "eth1"]);
    expect(ports.host.isLocal(HOST_IP)).toBe(false);
  });
});

describe("a VLAN interface (IEEE 802.1Q)", () => {
  it("takes and sends frames with its tag only", () => {
    const ports = new TwoPorts();
    const vlan = { kind: "vlan", parent: "eth0", id: 7 } as const;
    ports.host.addInterface({ name: "eth0.7", mac: parseMac("02:00:00:00:00:e0"), kind: vlan });
    ports.host.addAddress("eth0.7", "10.0.0.9/24");
    ports.host.sysctl("net.ipv4.conf.all.arp_ignore", 1);
    ports.ask("eth0", HOST_IP).ask("eth0", HOST_IP, { vlan: 8 });
    expect(ports.take()).toEqual([]);
    ports.ask("eth0", HOST_IP, { vlan: 7 });
    expect(ports.take()).toEqual([`0.20002s eth0 vlan 7 02:00:00:00:00:e0>${PEER} reply`]);
  });

  it("loses its carrier with its parent", () => {
    const ports = new TwoPorts();
    const vlan = { kind: "vlan", parent: "eth0", id: 7 } as const;
    ports.host.addInterface({ name: "eth0.7", mac: PEER, kind: vlan });
    ports.cables.get("eth0")?.setUp(false);
    const running = ports.host.links().map(({ name, running }) => `${name} ${running}`);
    expect(running).toEqual(["lo true", "eth0 false", "eth1 true", "eth0.7 false"]);
  });
});

describe("a bridge", () => {
  function bridged(): TwoPorts {
    const ports = new TwoPorts();
    ports.host.addInterface({ name: "br0", mac: MASTER, kind: { kind: "bridge" } });
    for (const port of ["eth0", "eth1"]) ports.host.setMaster(port, "br0");
    ports.host.addAddress("br0", "10.0.0.9/24");
    return ports;
  }

  it("is a station itself, and a switch between its ports", () => {
    const ports = bridged();
    ports.ask("eth0", HOST_IP);
    expect(ports.take()).toEqual([
      `0.00002s eth1 ${PEER}>${BROADCAST} request`,
      `0.00002s eth0 ${MASTER}>${PEER} reply`,
    ]);
    // It has learned where the peer is: what is for that does not come out elsewhere.
    ports.ask("eth1", PEER_IP, { from: OTHER, to: PEER });
    expect(ports.take()).toEqual([`0.10002s eth0 ${OTHER}>${PEER} request`]);
    ports.ask("eth0", PEER_IP, { from: PEER, to: OTHER });
    expect(ports.take()).toEqual([`0.20002s eth1 ${PEER}>${OTHER} request`]);
  });

  it("forgets after five minutes, and at once with the carrier", () => {
    const ports = bridged();
    ports.ask("eth1", HOST_IP, { from: OTHER }).take();
    ports.ask("eth1", PEER_IP, { to: OTHER });
    expect(ports.take()).toEqual([]);
    ports.run(301).ask("eth1", PEER_IP, { to: OTHER });
    expect(ports.take()).toHaveLength(1);
    ports.ask("eth0", PEER_IP, { from: OTHER, to: PEER }).take();
    ports.cables.get("eth0")?.setUp(false);
    ports.cables.get("eth0")?.setUp(true);
    ports.ask("eth1", PEER_IP, { from: PEER, to: OTHER });
    expect(ports.take()).toHaveLength(1);
  });

  it("names itself as the master of its ports, and lets them go", () => {
    const ports = bridged();
    const masters = (): readonly string[] => ports.host.links().map(({ name, master }) => `${name} ${master ?? "-"}`);
    expect(masters()).toEqual(["lo -", "eth0 br0", "eth1 br0", "br0 -"]);
    ports.host.setMaster("eth1", undefined);
    expect(masters()).toEqual(["lo -", "eth0 br0", "eth1 -", "br0 -"]);
  });
});

describe("a bond (active-backup)", () => {
  function bonded(): TwoPorts {
    const ports = new TwoPorts();
    ports.host.addInterface({ name: "bond0", mac: MASTER, kind: { kind: "bond" } });
    for (const port of ["eth0", "eth1"]) ports.host.setMaster(port, "bond0");
    ports.host.addAddress("bond0", "10.0.0.9/24");
    return ports;
  }

  it("speaks and listens through the active port only, with one address", () => {
    const ports = bonded();
    ports.ask("eth0", HOST_IP).ask("eth1", HOST_IP);
    expect(ports.take()).toEqual([`0.00002s eth0 ${MASTER}>${PEER} reply`]);
    expect(ports.host.links().map(({ mac }) => mac)).toEqual([ZERO_MAC, MASTER, MASTER, MASTER]);
  });

  it("moves to the other port at the next look at the carriers, and says so", () => {
    const ports = bonded().run(1.03);
    ports.cables.get("eth0")?.setUp(false);
    ports.run(0.5);
    expect(ports.take()).toEqual([`1.10001s eth1 ${MASTER}>${BROADCAST} request`]);
    expect(ports.ask("eth1", HOST_IP).take()).toHaveLength(1);
    ports.cables.get("eth0")?.setUp(true);
    expect(ports.run(1).ask("eth1", HOST_IP).take()).toHaveLength(1);
  });

  it("also says where the addresses of its VLANs are when it moves", () => {
    const ports = bonded();
    ports.host.addInterface({ name: "bond0.7", mac: MASTER, kind: { kind: "vlan", parent: "bond0", id: 7 } });
    ports.host.addAddress("bond0.7", "10.0.7.9/24");
    ports.run(1.03).cables.get("eth0")?.setUp(false);
    expect(ports.run(0.5).take()).toEqual([
      `1.10001s eth1 ${MASTER}>${BROADCAST} request`,
      `1.10001s eth1 vlan 7 ${MASTER}>${BROADCAST} request`,
    ]);
  });

  it("is down when no port has carrier", () => {
    const ports = bonded();
    for (const cable of ports.cables.values()) cable.setUp(false);
    ports.run(1);
    expect(ports.host.interface("bond0").device.running).toBe(false);
  });
});

it("refuses what does not fit together", () => {
  const { host } = new TwoPorts();
  expect(() => host.addInterface({ name: "eth0", mac: PEER })).toThrow("h.eth0: is there already");
  expect(() => host.setMaster("eth0", "eth1")).toThrow("h.eth1: is no bridge, bond or VRF");
  expect(() => host.addAddress("eth9", "10.0.0.1/24")).toThrow("h.eth9: is no interface");
  expect(() => host.addRoute("10.9.0.0/24", { via: PEER_IP })).toThrow("h: no interface leads to 10.0.0.1");
  expect(() => host.sysctl("net.ipv4.tcp_sack", 1)).toThrow("is not a setting that the simulated kernel knows");
});
