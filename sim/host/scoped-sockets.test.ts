// Sockets bound to interfaces and VRFs. A node stands between two peers that look the same: one MAC address, so one
// link-local address, and one IPv4 address.
import { describe, expect, it } from "vitest";
import { type Arrival, type StreamOptions } from "../../impl/ports.ts";
import { type Ip, parseIp } from "../../impl/wire/ip.ts";
import { parseMac } from "../../impl/wire/mac.ts";
import { encodeUtf8 } from "../../impl/wire/text.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { createWorld } from "../create-world.ts";
import { connect } from "../ethernet/cable.ts";
import { Host } from "./host.ts";
import { linkLocalOf } from "./interface.ts";

const PEER_MAC = parseMac("02:00:00:00:00:99");
const PEER_LINK_LOCAL = linkLocalOf(PEER_MAC);
const PEER = parseIp("192.0.2.1");
const NODE = parseIp("192.0.2.11");
const CLIENT = parseIp("198.51.100.10");

/** With `vrfs` eth0 is in VRF red and eth1 in VRF blue, and the node has the same address in both. */
function between(vrfs = false) {
  const world = createWorld({ seed: "between", lines: Number.POSITIVE_INFINITY });
  const [node, left, right] = ["node", "left", "right"].map((name) => new Host(world, { name }));
  if (node === undefined || left === undefined || right === undefined) throw new Error("no hosts");
  for (const [index, vrf] of vrfs ? (["red", "blue"] as const).entries() : []) {
    node.addInterface({
      name: vrf,
      mac: parseMac(`02:00:00:00:01:0${index}`),
      kind: { kind: "vrf", table: 10 + index },
    });
  }
  for (const [index, peer] of [left, right].entries()) {
    const name = `eth${index}`;
    const nic = node.addInterface({ name, mac: parseMac(`02:00:00:00:00:0${index}`) });
    if (vrfs) node.setMaster(name, index === 0 ? "red" : "blue");
    const other = peer.addInterface({ name: "eth0", mac: PEER_MAC });
    const cable = connect(
      world,
      { device: nic, port: name, name: "node" },
      { device: other, port: "eth0", name: peer.name },
    );
    node.plug(name, cable.a);
    peer.plug("eth0", cable.b);
    peer.addAddress("eth0", `${PEER}/24`);
    if (vrfs || index === 0) node.addAddress(name, `${NODE}/24`);
  }
  const run = (duration = 3): void => world.scheduler.advance(plus(world.scheduler.now, seconds(duration)));
  run();
  return { world, node, left, right, run };
}

/** Who answers a connection to port 179, and from where the peer sees it. */
function reach(net: ReturnType<typeof between>, to: Ip, options: StreamOptions): readonly string[] {
  const heard: string[] = [];
  const listeners = [net.left, net.right].map((peer) =>
    peer.tcp.listen(179, (socket) => (heard.push(`${peer.name} from ${socket.remote.ip}`), {})),
  );
  const closed = (because: string): number => heard.push(because);
  const socket = net.node.tcp.connect({ ip: to, port: 179 }, { opened: () => heard.push("opened"), closed }, options);
  net.run(5);
  socket.abort();
  for (const listener of listeners) listener[Symbol.dispose]();
  return heard.toSorted();
}

describe("a socket that is bound to an interface", () => {
  it("reaches a link-local address there, and its answers come back", () => {
    const net = between();
    const from = (index: number): string => linkLocalOf(parseMac(`02:00:00:00:00:0${index}`));
    expect(reach(net, PEER_LINK_LOCAL, { device: "eth0" })).toEqual([`left from ${from(0)}`, "opened"]);
    expect(reach(net, PEER_LINK_LOCAL, { device: "eth1" })).toEqual(["opened", `right from ${from(1)}`]);
    expect(reach(net, PEER_LINK_LOCAL, {})).toEqual(["EINVAL"]);
  });

  it("does not use routes through others", () => {
    const net = between();
    expect(reach(net, PEER, { device: "eth0" })).toEqual([`left from ${NODE}`, "opened"]);
    expect(reach(net, PEER, { device: "eth1" })).toEqual(["ENETUNREACH"]);
  });

  it("hears nothing that arrives on others", () => {
    const net = between();
    const heard: string[] = [];
    net.node.tcp.listen({ port: 179 }, (socket) => (heard.push(`${socket.device}`), {}), { device: "eth0" });
    const toNode = (peer: Host, index: number): void => {
      const to = linkLocalOf(parseMac(`02:00:00:00:00:0${index}`));
      peer.tcp.connect(
        { ip: to, port: 179 },
        { closed: (because) => heard.push(`${peer.name} ${because}`) },
        { device: "eth0" },
      );
    };
    toNode(net.left, 0);
    toNode(net.right, 1);
    net.run(5);
    expect(heard.toSorted()).toEqual(["eth0", "right ECONNREFUSED"]);
  });

  it("is what a connection of link-local addresses is accepted on", () => {
    const net = between();
    const heard: string[] = [];
    net.node.tcp.listen(179, (socket) => {
      socket.write(encodeUtf8("hello"));
      return { opened: () => heard.push(`accepted on ${socket.device}`) };
    });
    for (const [index, peer] of [net.left, net.right].entries()) {
      const to = { ip: linkLocalOf(parseMac(`02:00:00:00:00:0${index}`)), port: 179 };
      const data = (bytes: Uint8Array): number => heard.push(`${peer.name} reads ${bytes.length}`);
      peer.tcp.connect(to, { data }, { device: "eth0", sourcePort: 4000 });
    }
    net.run(5);
    expect(heard.toSorted()).toEqual(["accepted on eth0", "accepted on eth1", "left reads 5", "right reads 5"]);
  });

  it("two connections between the same addresses and ports are two connections", () => {
    const net = between(true);
    const heard: string[] = [];
    for (const peer of [net.left, net.right]) {
      peer.tcp.listen(179, (socket) => (socket.write(encodeUtf8(peer.name)), {}));
    }
    for (const device of ["red", "blue"]) {
      const data = (bytes: Uint8Array): number => heard.push(`${device} reads ${bytes.length}`);
      net.node.tcp.connect({ ip: PEER, port: 179 }, { data }, { device, sourcePort: 4000 });
    }
    net.run(5);
    expect(heard.toSorted()).toEqual(["blue reads 5", "red reads 4"]);
  });
});

describe("datagrams", () => {
  const ANY = parseIp("0.0.0.0");
  const ANY6 = parseIp("::");
  const line = ({ link, destination, ttl }: Arrival): string => `${link} ${destination} ${ttl}`;

  it("say how they came", () => {
    const net = between();
    const heard: string[] = [];
    net.node.udp.open({ ip: ANY, port: 3784 }, (from, _, arrival) => heard.push(`${from.port} ${line(arrival)}`));
    const to = { ip: NODE, port: 3784 };
    net.left.udp.open({ ip: ANY, port: 1 }, () => undefined, { ttl: 255 }).send(to, encodeUtf8("near"));
    net.left.udp.open({ ip: ANY, port: 2 }, () => undefined).send(to, encodeUtf8("far"));
    net.run();
    expect(heard).toEqual([`1 eth0 ${NODE} 255`, `2 eth0 ${NODE} 64`]);
  });

  it("go to a link-local address by the interface of the socket, and come back to it", () => {
    const net = between();
    const heard: string[] = [];
    for (const peer of [net.left, net.right]) {
      const socket = peer.udp.open({ ip: ANY6, port: 3784 }, (from) => socket.send(from, encodeUtf8(peer.name)), {
        device: "eth0",
      });
    }
    for (const device of ["eth0", "eth1"]) {
      const receive = (_: unknown, __: Uint8Array, { link }: Arrival): number =>
        heard.push(`${device} hears on ${link}`);
      net.node.udp
        .open({ ip: ANY6, port: 3784 }, receive, { device })
        .send({ ip: PEER_LINK_LOCAL, port: 3784 }, encodeUtf8("x"));
    }
    net.run();
    expect(heard.toSorted()).toEqual(["eth0 hears on eth0", "eth1 hears on eth1"]);
  });

  it.each([
    { name: "an address that the host does not have", ip: PEER, options: {}, because: "EADDRNOTAVAIL" },
    { name: "a device that is not there", ip: ANY, options: { device: "eth9" }, because: "ENODEV" },
    {
      name: "a link-local address without its link",
      ip: linkLocalOf(parseMac("02:00:00:00:00:00")),
      options: {},
      because: "EINVAL",
    },
    { name: "an address that is taken", ip: NODE, options: {}, because: "EADDRINUSE" },
    {
      name: "an address of a device whose port is taken everywhere",
      ip: NODE,
      options: { device: "eth0" },
      because: "EADDRINUSE",
    },
  ])("are refused: $name", ({ ip, options, because }) => {
    const { node } = between();
    node.udp.open({ ip: ANY, port: 3784 }, () => undefined);
    expect(node.udp.tryOpen({ ip, port: 3784 }, () => undefined, options)).toBe(because);
  });

  it("of two sockets on one port belong to the one on their interface", () => {
    const net = between();
    const heard: string[] = [];
    for (const device of ["eth0", "eth1"]) {
      net.node.udp.open({ ip: ANY, port: 3784 }, () => heard.push(device), { device });
    }
    net.left.udp.open({ ip: ANY, port: 0 }, () => undefined).send({ ip: NODE, port: 3784 }, encodeUtf8("x"));
    net.run();
    expect(heard).toEqual(["eth0"]);
  });
});

describe("a VRF", () => {
  it("has routes of its own", () => {
    const { node } = between(true);
    const devices = (vrf?: string): readonly string[] =>
      node.routes(vrf).map(({ prefix, nextHops }) => `${prefix} ${nextHops.map(({ device }) => device).join()}`);
    expect(devices()).toEqual([]);
    expect(devices("red")).toEqual(["fe80::/64 eth0", "192.0.2.0/24 eth0"]);
    expect(devices("blue")).toEqual(["fe80::/64 eth1", "192.0.2.0/24 eth1"]);
    expect([node.vrfOfTable(11), node.vrfOfTable(12)]).toEqual(["blue", undefined]);
  });

  it("takes connected routes along, both ways, and loses the others", () => {
    const { node } = between();
    node.addInterface({ name: "red", mac: parseMac("02:00:00:00:01:00"), kind: { kind: "vrf", table: 10 } });
    node.addRoute("198.51.100.0/24", { via: PEER });
    const prefixes = (vrf?: string): readonly string[] =>
      node
        .routes(vrf)
        .filter(({ nextHops }) => nextHops[0]?.device === "eth0")
        .map(({ prefix }) => prefix);
    node.setMaster("eth0", "red");
    expect([prefixes(), prefixes("red")]).toEqual([[], ["fe80::/64", "192.0.2.0/24"]]);
    expect([node.isLocal(NODE), node.isLocal(NODE, "eth0"), node.isLocal(NODE, "eth1")]).toEqual([false, true, false]);
    node.removeInterface("red");
    expect(prefixes()).toEqual(["fe80::/64", "192.0.2.0/24"]);
    expect(node.isLocal(NODE)).toBe(true);
  });

  it("is reached by sockets that are bound to it", () => {
    const net = between(true);
    expect(reach(net, PEER, { device: "red" })).toEqual([`left from ${NODE}`, "opened"]);
    expect(reach(net, PEER, { device: "blue" })).toEqual(["opened", `right from ${NODE}`]);
    expect(reach(net, PEER, {})).toEqual(["ENETUNREACH"]);
  });

  it("hides what arrives from sockets that are bound to nothing", () => {
    const net = between(true);
    const heard: string[] = [];
    net.node.tcp.listen(179, () => (heard.push("unbound"), {}));
    net.node.tcp.listen({ port: 180 }, ({ device }) => (heard.push(`${device}`), {}), { device: "red" });
    for (const port of [179, 180]) {
      const closed = (because: string): number => heard.push(`${port} ${because}`);
      net.left.tcp.connect({ ip: NODE, port }, { closed });
      net.right.tcp.connect({ ip: NODE, port }, { closed });
    }
    net.run(5);
    expect(heard.toSorted()).toEqual(["179 ECONNREFUSED", "179 ECONNREFUSED", "180 ECONNREFUSED", "red"]);
  });

  it("hides datagrams too", () => {
    const net = between(true);
    const heard: string[] = [];
    const any = parseIp("0.0.0.0");
    net.node.udp.open({ ip: any, port: 1 }, () => heard.push("unbound"));
    net.node.udp.open({ ip: any, port: 2 }, (_, __, { link }) => heard.push(`red on ${link}`), { device: "red" });
    for (const peer of [net.left, net.right]) {
      const socket = peer.udp.open({ ip: any, port: 0 }, () => undefined);
      for (const port of [1, 2]) socket.send({ ip: NODE, port }, encodeUtf8("x"));
    }
    net.run();
    expect(heard).toEqual(["red on eth0"]);
  });

  it("answers pings out of it", () => {
    const net = between(true);
    const heard: string[] = [];
    net.left.openEcho({ reply: (from) => heard.push(`left ${from}`) }).send(NODE, 1);
    net.right.openEcho({ reply: (from) => heard.push(`right ${from}`) }).send(NODE, 1);
    net.run();
    expect(heard.toSorted()).toEqual([`left ${NODE}`, `right ${NODE}`]);
  });

  it("forwards by the table of where a packet came in, and tells there that there is none", () => {
    const net = between(true);
    net.node.sysctl("net.ipv4.ip_forward", 1);
    net.node.addRoute("198.51.100.0/24", { via: parseIp("192.0.2.7"), vrf: "red" });
    const heard: string[] = [];
    for (const peer of [net.left, net.right]) {
      peer.addRoute("198.51.100.0/24", { via: NODE });
      const unreachable = (_: Ip, because: string): number => heard.push(`${peer.name} ${because}`);
      peer.openEcho({ reply: () => undefined, unreachable }).send(CLIENT, 1);
    }
    net.run(5);
    expect(heard).toEqual(["right network", "left host"]);
  });

  it("is an interface without ARP, and the master of its ports", () => {
    const { node } = between(true);
    const lines = node
      .links()
      .map(({ name, noArp, master, addresses }) => `${name} ${noArp} ${master} ${addresses.length}`);
    expect(lines).toEqual([
      "lo false undefined 2",
      "red true undefined 0",
      "blue true undefined 0",
      "eth0 false red 2",
      "eth1 false blue 2",
    ]);
  });
});
