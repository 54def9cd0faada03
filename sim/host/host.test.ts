import { describe, expect, it } from "vitest";
import {
  parseIp,
  parseIpv4,
  parseIpv6,
  solicitedNodeGroup,
  UNSPECIFIED_V4,
  UNSPECIFIED_V6,
} from "../../impl/wire/ip.ts";
import { ZERO_MAC } from "../../impl/wire/mac.ts";
import { seconds } from "../../impl/wire/time.ts";
import { ALL, HOST_IP, HOST_IP6, HOST_MAC, NEW, OLD, TestStation, VIP, VIP6 } from "./host-test-station.ts";

const STRANGER = parseIpv4("10.9.0.50");
const LINK_LOCAL = parseIpv6("fe80::ff:fe00:aa");
const PEER6 = parseIpv6("fe80::1");

function quiet(): TestStation {
  const station = new TestStation().run(3);
  station.take();
  return station;
}

describe("ARP input", () => {
  it("answers a request for its address, and learns who asked (RFC 826)", () => {
    const station = quiet();
    station.arp({ operation: "request", senderMac: NEW, senderIp: STRANGER, targetMac: ZERO_MAC, targetIp: HOST_IP });
    expect(station.run(0.1).take()).toEqual([`3.000002s ${NEW}: ${HOST_IP} is at us, ${STRANGER} (${NEW})`]);
    expect(station.neighbour(STRANGER)).toBe(`${NEW} STALE`);
  });

  it("answers a probe, and learns nothing (RFC 5227 section 2.1.1)", () => {
    const station = quiet();
    station.arp({
      operation: "request",
      senderMac: NEW,
      senderIp: UNSPECIFIED_V4,
      targetMac: ZERO_MAC,
      targetIp: HOST_IP,
    });
    expect(station.run(0.1).take()).toEqual([`3.000002s ${NEW}: ${HOST_IP} is at us, 0.0.0.0 (${NEW})`]);
    expect(station.neighbour(UNSPECIFIED_V4)).toBe("none");
  });

  it.each([
    ["0", "10.8.0.1", "answered"],
    ["1", "10.8.0.1", "silent"],
    ["1", "10.9.0.1", "answered"],
    ["2", "10.9.0.1", "silent"],
    ["8", "10.9.0.1", "silent"],
  ])("arp_ignore %s, asked for %s by 10.7.0.1: %s", (mode, target, result) => {
    const station = quiet();
    station.host.addAddress("lo", "10.8.0.1/32");
    station.host.sysctl("net.ipv4.conf.eth0.arp_ignore", mode);
    const senderIp = parseIpv4("10.7.0.1");
    station.arp({ operation: "request", senderMac: NEW, senderIp, targetMac: ZERO_MAC, targetIp: parseIpv4(target) });
    expect(station.run(0.1).take().length === 1 ? "answered" : "silent").toBe(result);
  });

  it("does not believe who claims its own address", () => {
    const station = quiet();
    station.arp({ operation: "request", senderMac: NEW, senderIp: HOST_IP, targetMac: ZERO_MAC, targetIp: HOST_IP });
    expect(station.run(0.1).neighbour(HOST_IP)).toBe("none");
  });

  it("says why it dropped what is no ARP packet", () => {
    const station = quiet();
    const frame = new Uint8Array(60).fill(0xff, 0, 6);
    frame.set([8, 6, 0, 1, 0x86, 0xdd], 12);
    frame.set([10, 9, 0, 1], 38);
    station.send(frame);
    station.run(0.1);
    expect(station.world.trace.lines().at(-1)).toBe("3.000001 a drop dev=eth0 arp.protocolType is 0x86dd");
  });
});

describe("neighbour solicitations", () => {
  const ask = { kind: "neighborSolicitation", target: HOST_IP6, sourceLinkLayer: NEW } as const;
  const from = { mac: NEW, ip: PEER6 };

  it("to the group are answered with O and the address (RFC 4861 section 7.2.4)", () => {
    const station = quiet();
    station.icmp6(ask, from, solicitedNodeGroup(HOST_IP6));
    expect(station.run(0.1).take()).toEqual([
      `3.000002s ${NEW}: ${HOST_IP6}>${PEER6} NA ${HOST_IP6} SO at ${HOST_MAC}`,
    ]);
    // The answer goes through the entry, so the kernel verifies it five seconds later.
    expect(station.neighbour(PEER6)).toBe(`${NEW} DELAY`);
  });

  it("to the address alone are answered without O, as Linux does", () => {
    const station = quiet();
    station.icmp6(ask, from, HOST_IP6, 255, HOST_MAC);
    expect(station.run(0.1).take()).toEqual([`3.000002s ${NEW}: ${HOST_IP6}>${PEER6} NA ${HOST_IP6} S at -`]);
  });

  it("that probe for a duplicate are answered to everyone, without S", () => {
    const station = quiet();
    const probe = { kind: "neighborSolicitation", target: HOST_IP6 } as const;
    station.icmp6(probe, { mac: NEW, ip: UNSPECIFIED_V6 }, solicitedNodeGroup(HOST_IP6));
    expect(station.run(0.1).take()).toEqual([`3.000002s group: ${HOST_IP6}>${ALL} NA ${HOST_IP6} O at ${HOST_MAC}`]);
  });

  it("that came through a router are not answered (RFC 4861 section 7.1.1)", () => {
    const station = quiet();
    station.icmp6(ask, from, solicitedNodeGroup(HOST_IP6), 254);
    expect(station.run(0.1).take()).toEqual([]);
  });

  it("for an address of another interface are not answered", () => {
    const station = quiet();
    station.host.addAddress("lo", "fd01::1/128");
    station.icmp6({ ...ask, target: parseIpv6("fd01::1") }, from, HOST_IP6, 255, HOST_MAC);
    expect(station.run(0.1).take()).toEqual([]);
  });
});

describe("output", () => {
  it("asks for the next hop, then sends what waited, in order", () => {
    const station = quiet();
    station.answersWith = OLD;
    const echo = station.host.openEcho({ reply: () => undefined });
    echo.send(VIP, 1);
    echo.send(VIP, 2);
    expect(station.run(0.1).take()).toEqual([
      `3.000001s all: who has ${VIP} tell ${HOST_IP}`,
      `3.000003s ${OLD}: ${HOST_IP}>${VIP} protocol 1 ttl 64`,
      `3.000003s ${OLD}: ${HOST_IP}>${VIP} protocol 1 ttl 64`,
    ]);
  });

  it("asks a solicited-node group for IPv6, from the address that the packet has", () => {
    const station = quiet();
    station.answersWith = OLD;
    station.host.openEcho({ reply: () => undefined }).send(VIP6, 1);
    expect(station.run(0.1).take()).toEqual([
      `3.000001s group: ${HOST_IP6}>ff02::1:ff00:100 NS ${VIP6} from ${HOST_MAC}`,
      `3.000003s ${OLD}: ${HOST_IP6}>${VIP6} echoRequest`,
    ]);
  });

  it("tells the sender when the next hop does not answer", () => {
    const station = quiet();
    const heard: string[] = [];
    const echo = station.host.openEcho({
      reply: () => heard.push("reply"),
      unreachable: (to, because) => heard.push(`${to} ${because} at ${station.world.scheduler.now / 1e6}`),
    });
    echo.send(VIP, 1);
    echo.send(parseIp("192.0.2.1"), 2);
    station.run(5);
    expect(heard).toEqual(["192.0.2.1 network at 3", `${VIP} host at 6`]);
  });

  it("goes to the gateway of the longest prefix", () => {
    const station = quiet();
    const gateway = parseIp("10.9.0.254");
    station.host.addRoute("0.0.0.0/0", { via: gateway });
    station.host.addRoute("198.51.100.0/24", { via: VIP });
    const echo = station.host.openEcho({ reply: () => undefined });
    echo.send(parseIp("192.0.2.1"), 1);
    echo.send(parseIp("198.51.100.9"), 1);
    expect(station.run(0.1).take()).toEqual([
      `3.000001s all: who has ${gateway} tell ${HOST_IP}`,
      `3.000001s all: who has ${VIP} tell ${HOST_IP}`,
    ]);
  });
});

describe("what waits for a neighbour", () => {
  it("is sent from the address that is nearest to the next hop", () => {
    const station = quiet();
    station.host.addAddress("eth0", "10.77.0.1/24");
    station.host.openEcho({ reply: () => undefined }).send(parseIp("10.77.0.9"), 1);
    expect(station.run(0.1).take()).toEqual(["3.000001s all: who has 10.77.0.9 tell 10.77.0.1"]);
  });

  it.each([
    ["0", VIP, "10.77.0.1"],
    ["1", VIP, "10.9.0.1"],
    ["1", parseIp("10.77.0.9"), "10.77.0.1"],
    ["2", VIP, "10.9.0.1"],
  ])("with arp_announce %s, for a packet from 10.77.0.1 to %s, is asked for from %s", (mode, to, result) => {
    const station = quiet();
    station.host.addAddress("eth0", "10.77.0.1/24");
    station.host.sysctl("net.ipv4.conf.all.arp_announce", mode);
    station.host.sendIp({ source: parseIp("10.77.0.1"), destination: to, protocol: 253, payload: new Uint8Array(8) });
    expect(station.run(0.1).take()).toEqual([`3.000001s all: who has ${to} tell ${result}`]);
  });

  it("is at most 212992 bytes, the kernel's own included: the oldest packets go first", () => {
    const station = quiet();
    const echo = station.host.openEcho({ reply: () => undefined });
    // Each costs 28 + 704 of headers and bookkeeping.
    for (let sequence = 1; sequence <= 300; sequence++) echo.send(VIP, sequence);
    station.answersWith = OLD;
    station.run(2);
    expect(station.take().filter((line) => line.includes("protocol 1"))).toHaveLength(Math.floor(212_992 / (28 + 704)));
  });
});

describe("the carrier", () => {
  it("takes the neighbours with it, unless the settings say otherwise", () => {
    const station = quiet();
    const known = (): readonly string[] => [station.neighbour(VIP), station.neighbour(VIP6)];
    const lose = (): void => {
      for (const vip of [VIP, VIP6]) station.resolve(vip, OLD);
      station.cable.setUp(false);
    };
    lose();
    expect(known()).toEqual(["none", "none"]);
    station.cable.setUp(true);
    station.host.sysctl("net.ipv4.conf.eth0.arp_evict_nocarrier", 0);
    station.host.sysctl("net.ipv6.conf.eth0.ndisc_evict_nocarrier", 0);
    lose();
    expect(known()).toEqual([`${OLD} REACHABLE`, `${OLD} REACHABLE`]);
  });

  it("that comes back makes the host report its groups anew, and announce itself only where it is told to", () => {
    const station = quiet();
    const flap = (): readonly string[] => {
      station.cable.setUp(false);
      station.cable.setUp(true);
      return station
        .run(3)
        .take()
        .map((line) => line.replace(/^\S+ (.*(?= changeTo)|)/, "$1").replace(/ changeTo.*/, ""));
    };
    const reports = Array.from({ length: 2 }, () => `group: ${LINK_LOCAL}>ff02::16 MLD`);
    expect(flap()).toEqual(reports);
    station.host.sysctl("net.ipv4.conf.eth0.arp_notify", 1);
    station.host.sysctl("net.ipv6.conf.eth0.ndisc_notify", 1);
    expect(flap()).toEqual([
      `all: who has ${HOST_IP} tell ${HOST_IP}`,
      `group: ${LINK_LOCAL}>${ALL} NA ${LINK_LOCAL} O at ${HOST_MAC}`,
      `group: ${HOST_IP6}>${ALL} NA ${HOST_IP6} O at ${HOST_MAC}`,
      ...reports,
    ]);
  });
});

describe("a table that is full", () => {
  const resolveAll = (station: TestStation, count: number): void => {
    const echo = station.host.openEcho({ reply: () => undefined });
    for (let index = 1; index <= count; index++) echo.send(parseIp(`10.9.${(index >> 8) + 1}.${index & 255}`), 1);
    station.run(0.1);
  };

  it("refuses more than gc_thresh3 entries while all are fresh, and collects those that failed later", () => {
    const station = quiet();
    station.host.addRoute("10.9.0.0/16", { device: "eth0" });
    const { table } = station.host.interface("eth0").arp;
    resolveAll(station, 1100);
    expect(table.entries()).toHaveLength(1024);
    station.run(10);
    resolveAll(station, 1);
    station.host.openEcho({ reply: () => undefined }).send(parseIp("10.9.200.1"), 1);
    expect(table.entries().map(([ip]) => ip)).toEqual(["10.9.1.1", "10.9.200.1"]);
  });
});

describe("UDP", () => {
  it("has one socket for an address and port, and one for all others", () => {
    const { host } = quiet();
    const open = (ip: string, port = 53) => host.udp.open({ ip: parseIp(ip), port }, () => undefined);
    const first = open("0.0.0.0");
    expect(() => open(HOST_IP)).toThrow("EADDRINUSE");
    expect(open("::").local.port).toBe(53);
    first.close();
    open(HOST_IP);
    open("127.0.0.1");
    expect([open(HOST_IP, 0).local.port, open(HOST_IP, 0).local.port]).toEqual([32_768, 32_769]);
  });
});

describe("multicast listener reports (RFC 3810)", () => {
  it("are sent twice for the host's own groups, in one report", () => {
    const station = new TestStation().run(3);
    const records = "changeToExclude ff02::1:ff00:aa, changeToExclude ff02::1:ff00:1";
    const lines = station.take().map((line) => line.replace(/^\S+ /, ""));
    expect(lines).toEqual([
      `group: ${LINK_LOCAL}>ff02::16 MLD ${records}`,
      `group: ${LINK_LOCAL}>ff02::16 MLD ${records}`,
    ]);
  });

  it("follow a join and a leave, and let the frames of the group in", () => {
    const station = quiet();
    const group = solicitedNodeGroup(VIP6);
    const { groups } = station.host.interface("eth0");
    groups.join(group);
    groups.join(group);
    station.run(3);
    groups.leave(group);
    station.run(3);
    groups.leave(group);
    station.run(3);
    expect(station.take().map((line) => line.replace(/^\S+ .*MLD/, ""))).toEqual([
      " changeToExclude ff02::1:ff00:100",
      " changeToExclude ff02::1:ff00:100",
      " changeToInclude ff02::1:ff00:100",
      " changeToInclude ff02::1:ff00:100",
    ]);
  });

  it("answer a query for one group, if it is theirs", () => {
    const station = quiet();
    for (const group of [solicitedNodeGroup(HOST_IP6), solicitedNodeGroup(VIP6)]) {
      const query = { kind: "mldQuery", maximumResponse: seconds(1), group } as const;
      station.icmp6(query, { mac: NEW, ip: PEER6 }, ALL, 1);
    }
    const lines = station.run(1).take();
    expect(lines.map((line) => line.replace(/^\S+ .*MLD/, ""))).toEqual([" modeIsExclude ff02::1:ff00:1"]);
  });

  it("answer two queries that overlap once", () => {
    const station = quiet();
    const query = { kind: "mldQuery", maximumResponse: seconds(1), group: UNSPECIFIED_V6 } as const;
    for (let count = 0; count < 8; count++) station.icmp6(query, { mac: NEW, ip: PEER6 }, ALL, 1);
    expect(station.run(2).take()).toHaveLength(1);
  });

  it("answer a general query within the time that it gives", () => {
    const station = quiet();
    const query = { kind: "mldQuery", maximumResponse: seconds(1), group: UNSPECIFIED_V6 } as const;
    station.icmp6(query, { mac: NEW, ip: PEER6 }, ALL, 1);
    const lines = station.run(1).take();
    expect(lines.map((line) => line.replace(/^\S+ .*MLD/, ""))).toEqual([
      " modeIsExclude ff02::1:ff00:aa, modeIsExclude ff02::1:ff00:1",
    ]);
  });
});
