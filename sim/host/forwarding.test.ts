// Three hosts in a row: client -- router -- server, and what the router does with packets that are not for it.
import { describe, expect, it } from "vitest";
import { type Ip, parseIp } from "../../impl/wire/ip.ts";
import { parseMac } from "../../impl/wire/mac.ts";
import { decodeUtf8, encodeUtf8 } from "../../impl/wire/text.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { createWorld } from "../create-world.ts";
import { connect } from "../ethernet/cable.ts";
import { type IpPacket, type OutgoingPacket } from "./hooks.ts";
import { Host } from "./host.ts";

const CLIENT = parseIp("10.1.0.2");
const SERVER = parseIp("10.2.0.2");
const SERVER6 = parseIp("fd02::2");
const POD = parseIp("10.244.0.5");
const VIP = parseIp("198.51.100.1");

function row() {
  const world = createWorld({ seed: "row", lines: Number.POSITIVE_INFINITY });
  const [client, router, server] = ["client", "router", "server"].map((name) => new Host(world, { name }));
  if (client === undefined || router === undefined || server === undefined) throw new Error("no hosts");
  const wire = (left: Host, leftPort: string, right: Host, rightPort: string, last: string): void => {
    const a = left.addInterface({ name: leftPort, mac: parseMac(`02:00:00:00:01:${last}`) });
    const b = right.addInterface({ name: rightPort, mac: parseMac(`02:00:00:00:02:${last}`) });
    const cable = connect(
      world,
      { device: a, port: leftPort, name: left.name },
      { device: b, port: rightPort, name: right.name },
    );
    left.plug(leftPort, cable.a);
    right.plug(rightPort, cable.b);
  };
  wire(client, "eth0", router, "eth0", "01");
  wire(router, "eth1", server, "eth0", "02");
  client.addAddress("eth0", `${CLIENT}/24`);
  client.addAddress("eth0", "fd01::2/64");
  router.addAddress("eth0", "10.1.0.1/24");
  router.addAddress("eth0", "fd01::1/64");
  router.addAddress("eth1", "10.2.0.1/24");
  router.addAddress("eth1", "fd02::1/64");
  server.addAddress("eth0", `${SERVER}/24`);
  server.addAddress("eth0", `${SERVER6}/64`);
  client.addRoute("0.0.0.0/0", { via: parseIp("10.1.0.1") });
  client.addRoute("::/0", { via: parseIp("fd01::1") });
  server.addRoute("0.0.0.0/0", { via: parseIp("10.2.0.1") });
  server.addRoute("::/0", { via: parseIp("fd02::1") });
  router.sysctl("net.ipv4.ip_forward", 1);
  router.sysctl("net.ipv6.conf.all.forwarding", 1);
  const run = (duration = 0.1): void => world.scheduler.advance(plus(world.scheduler.now, seconds(duration)));
  const drops = (): readonly string[] =>
    world.trace
      .lines()
      .filter((line) => line.includes(" drop "))
      .map((line) => line.replace(/^\S+ /, ""));
  return { world, client, router, server, run, drops };
}

/** Pings from the client and says what came back. */
function ping(net: ReturnType<typeof row>, to: Ip, duration = 0.1): readonly string[] {
  const heard: string[] = [];
  const echo = net.client.openEcho({
    reply: (from) => heard.push(`reply from ${from}`),
    unreachable: (from, because) => heard.push(`${from}: ${because} unreachable`),
  });
  echo.send(to, 1);
  net.run(duration);
  return heard;
}

const udp = (payload: string) => Uint8Array.of(0x10, 0, 0, 53, 0, 8 + payload.length, 0, 0, ...encodeUtf8(payload));
const send = (host: Host, packet: Partial<OutgoingPacket>): void =>
  host.sendIp({ source: CLIENT, destination: SERVER, protocol: 17, payload: udp("x"), ...packet });

describe("forwarding", () => {
  it("carries both families to the other side and back", () => {
    const net = row();
    expect([...ping(net, SERVER), ...ping(net, SERVER6)]).toEqual([`reply from ${SERVER}`, `reply from ${SERVER6}`]);
  });

  it("finds an IPv6 neighbour for IPv4 packets, asking as itself (RFC 8950)", () => {
    const net = row();
    const near = parseIp("198.51.100.9");
    net.server.addAddress("eth0", `${near}/32`);
    net.router.addRoute(`${near}/32`, { via: SERVER6, device: "eth1" });
    expect(ping(net, near)).toEqual(["reply from 198.51.100.9"]);
    net.router.addRoute("198.51.100.10/32", { via: parseIp("fd02::77"), device: "eth1" });
    expect(ping(net, parseIp("198.51.100.10"), 4)).toEqual(["198.51.100.10: host unreachable"]);
  });

  it("does not happen where it is off", () => {
    const net = row();
    net.router.sysctl("net.ipv4.ip_forward", 0);
    expect(ping(net, SERVER)).toEqual([]);
    expect(net.drops()).toEqual([`router drop ${CLIENT}>${SERVER} not for this host`]);
  });

  it.each([
    ["10.3.0.1", 0.1, "10.3.0.1: network unreachable"],
    ["10.2.0.77", 4, "10.2.0.77: host unreachable"],
    ["fd02::77", 4, "fd02::77: host unreachable"],
  ])("says so when it cannot go on to %s (RFC 792, RFC 4443)", (to, duration, result) => {
    expect(ping(row(), parseIp(to), duration)).toEqual([result]);
  });

  it("ends when the time to live is over", () => {
    const net = row();
    send(net.client, { ttl: 2 });
    send(net.client, { ttl: 1 });
    net.run();
    expect(net.drops()).toEqual([`router drop ${CLIENT}>${SERVER} time to live exceeded`]);
  });

  it("of a packet to a closed port is answered with port unreachable", () => {
    const net = row();
    const heard: string[] = [];
    const socket = net.client.udp.open({ ip: CLIENT, port: 0 }, () => undefined);
    socket.send({ ip: SERVER, port: 9 }, encodeUtf8("anyone?"));
    const hook = net.client.addPrerouting((packet) => {
      heard.push(`${packet.source} protocol ${packet.protocol} type ${packet.payload[0]} code ${packet.payload[1]}`);
      return packet;
    });
    net.run();
    hook[Symbol.dispose]();
    expect(heard).toEqual([`${SERVER} protocol 1 type 3 code 3`]);
  });

  it("does not believe a source that is its own", () => {
    const net = row();
    send(net.client, { source: parseIp("10.2.0.1") });
    net.run();
    expect(net.drops()).toEqual(["router drop 10.2.0.1>10.2.0.2 martian source"]);
  });
});

describe("hooks", () => {
  it("see packets at their places in Netfilter's order", () => {
    const net = row();
    const seen: string[] = [];
    const watch = (host: Host): void => {
      const note = (place: string) => (packet: IpPacket, link: string) => {
        seen.push(`${host.name} ${place} ${packet.source}>${packet.destination} ttl ${packet.ttl} ${link}`.trim());
        return packet;
      };
      host.addPrerouting(note("prerouting"));
      host.addOutput(note("output"));
      host.addPostrouting(note("postrouting"));
    };
    for (const host of [net.client, net.router, net.server]) watch(host);
    net.server.udp.open({ ip: SERVER, port: 53 }, () => undefined);
    net.client.udp.open({ ip: CLIENT, port: 1000 }, () => undefined).send({ ip: SERVER, port: 53 }, encodeUtf8("x"));
    net.run();
    net.server.udp.open({ ip: SERVER, port: 1000 }, () => undefined).send({ ip: SERVER, port: 53 }, encodeUtf8("x"));
    net.run();
    const way = `${CLIENT}>${SERVER}`;
    expect(seen).toEqual([
      `client output ${way} ttl 64`,
      `client postrouting ${way} ttl 64 eth0`,
      `router prerouting ${way} ttl 64 eth0`,
      `router postrouting ${way} ttl 63 eth1`,
      `server prerouting ${way} ttl 63 eth0`,
      `server output ${SERVER}>${SERVER} ttl 64`,
      `server postrouting ${SERVER}>${SERVER} ttl 64 lo`,
      `server prerouting ${SERVER}>${SERVER} ttl 64 lo`,
    ]);
  });

  it("rewrite where a packet goes, and back, and drop with a reason", () => {
    const net = row();
    const to = (packet: IpPacket, from: Ip, ip: Ip): IpPacket =>
      packet.destination === from ? { ...packet, destination: ip } : packet;
    net.router.addPrerouting((packet) => to(packet, VIP, POD));
    net.router.addPostrouting((packet) => (packet.source === POD ? { ...packet, source: VIP } : packet));
    const inside: string[] = [];
    const pod = net.router.addContainer("veth5", POD, ({ source, ttl, payload }) => {
      inside.push(`${source} ttl ${ttl} ${decodeUtf8(payload)}`);
      pod.send({ source: POD, destination: source, protocol: 253, payload: encodeUtf8("pong") });
    });
    const outside: string[] = [];
    net.client.registerProtocol(253, {
      receive: ({ source, ttl, payload }) => outside.push(`${source} ttl ${ttl} ${decodeUtf8(payload)}`),
    });
    const ask = (): void => send(net.client, { destination: VIP, protocol: 253, payload: encodeUtf8("ping") });
    ask();
    net.run();
    expect([inside, outside]).toEqual([[`${CLIENT} ttl 63 ping`], [`${VIP} ttl 63 pong`]]);
    const closed = net.router.addPrerouting(() => ({ drop: "closed today" }));
    ask();
    net.run();
    closed[Symbol.dispose]();
    expect(net.drops()).toEqual([`router drop ${CLIENT}>${POD} closed today`]);
    pod.remove();
    ask();
    net.run();
    expect(net.drops().at(-1)).toBe(`router drop ${CLIENT}>${POD} no route`);
  });
});

it("chooses the source by the way out (RFC 6724), and none without one", () => {
  const { router, client } = row();
  const sources = [SERVER, CLIENT, SERVER6, parseIp("10.1.0.1"), parseIp("10.9.9.9")].map((ip) => router.sourceFor(ip));
  expect(sources).toEqual(["10.2.0.1", "10.1.0.1", "fd02::1", "10.1.0.1", undefined]);
  expect(client.sourceFor(parseIp("192.0.2.1"))).toBe(CLIENT);
});
