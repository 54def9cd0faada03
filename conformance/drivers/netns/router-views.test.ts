import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Ip, parseIp } from "../../../impl/wire/ip.ts";
import { inMillis, inSeconds } from "../../../impl/wire/time.ts";
import { type BfdPeer, type BgpNeighbor, type BgpPath } from "../../world.ts";
import { bfdSessionsIn, BirdLog, routesIn, sessionsIn } from "./bird-show.ts";
import { forwardingIn } from "./forwarding.ts";
import { bfdPeersIn, neighborsIn, NotificationLog, pathsIn, prefixesIn } from "./frr-show.ts";

const golden = (name: string): string => readFileSync(new URL(`golden/${name}`, import.meta.url), "utf8");
const lines = (name: string): readonly string[] => golden(name).split("\n");

const NODES: ReadonlyMap<Ip, string> = new Map([
  [parseIp("192.0.2.11"), "a"],
  [parseIp("2001:db8:0:2::11"), "a"],
  [parseIp("fe80::a8c1:abff:fe00:102"), "a"],
  [parseIp("fe80::a8c1:abff:fe00:202"), "b"],
  [parseIp("fe80::a8c1:abff:fe00:302"), "c"],
]);
const nodeOf = (ip: Ip): string | undefined => NODES.get(ip);

function neighborLine(each: BgpNeighbor): string {
  const { address, link, node, state, remoteAs, localAs, routerId, holdTime, keepalive, established, prefixes } = each;
  const timers =
    holdTime === undefined || keepalive === undefined ? "" : `${inSeconds(holdTime)}/${inSeconds(keepalive)}`;
  const where = `${address}${link === undefined ? "" : `%${link}`}`;
  return [
    where,
    node,
    state,
    `${remoteAs}>${localAs}`,
    routerId,
    timers,
    `${established}x`,
    `${prefixes} prefixes`,
    ...each.capabilities,
  ]
    .filter((word) => word !== undefined && word !== "")
    .join(" "); // prettier-ignore
}

function pathLine(path: BgpPath): string {
  const { prefix, peer, node, nextHop, linkLocal, origin, asPath, localPref, med, communities, largeCommunities } =
    path;
  const marks = [path.best && "best", path.multipath && "multipath", path.stale && "stale"].filter(
    (mark) => mark !== false,
  );
  const attributes = [
    localPref !== undefined && `pref ${localPref}`,
    med !== undefined && `med ${med}`,
    ...communities,
    ...largeCommunities,
  ].filter((text) => text !== false);
  return [
    prefix,
    `${peer}=${node}`,
    `${nextHop}/${linkLocal ?? "-"}`,
    origin,
    asPath.join(","),
    ...attributes,
    ...marks,
  ].join(" ");
}

const bfdLine = ({ peer, node, multihop, state, remote, downs, ...own }: BfdPeer): string => {
  const [tx, rx] = [inMillis(own.transmitInterval), inMillis(own.receiveInterval)];
  const theirs = `${inMillis(remote.transmitInterval)}/${inMillis(remote.receiveInterval)}x${remote.detectMultiplier}`;
  const hops = multihop ? "far" : "near";
  return `${peer}=${node} ${hops} ${state} ${tx}/${rx}x${own.detectMultiplier} ${theirs} down ${downs} times`;
};

describe("what FRR says", () => {
  it("of its neighbours", () => {
    const log = new NotificationLog();
    expect(neighborsIn(golden("frr-neighbors.json"), nodeOf, log).map(neighborLine)).toEqual([
      "192.0.2.11 a established 64500>64501 192.0.2.11 90/30 1x 2 prefixes multiprotocolIpv4 fourOctetAs routeRefresh gracefulRestart",
      "2001:db8:0:2::11 a established 64500>64501 192.0.2.11 180/60 1x 1 prefixes multiprotocolIpv6 fourOctetAs routeRefresh gracefulRestart",
      "192.0.2.55 active 64502>64501 0x 0 prefixes",
    ]);
  });

  it("of paths, and of none", () => {
    const paths = ["frr-path-ipv4.json", "frr-path-ipv6.json"].flatMap((name) => pathsIn(golden(name), nodeOf));
    expect(paths.map(pathLine)).toEqual([
      "203.0.113.10/32 192.0.2.11=a 192.0.2.11/- igp 64500 64500:123 64500:1:2 best",
      "2001:db8:0:113::10/128 2001:db8:0:2::11=a 2001:db8:0:2::11/fe80::ac6a:5fff:fe55:db03 igp 64500 64500:123 best",
    ]);
    expect(pathsIn("{\n}\n", nodeOf)).toEqual([]);
  });

  it("of its table", () => {
    expect(prefixesIn(golden("frr-table.json"))).toEqual(["198.51.100.128/25", "203.0.113.10/32", "203.0.113.11/32"]);
    expect(prefixesIn("No BGP prefixes displayed, 0 exist\n")).toEqual([]);
  });

  it("of BFD", () => {
    const peers = bfdPeersIn(golden("frr-bfd-peers.json"), golden("frr-bfd-counters.json"), nodeOf);
    expect(peers.map(bfdLine)).toEqual([
      "192.0.2.11=a near up 150/150x3 150/150x4 down 0 times",
      "2001:db8:0:2::11=a near up 150/150x3 150/150x4 down 0 times",
    ]);
  });

  it("of NOTIFICATIONs, in its log", () => {
    const log = new NotificationLog();
    log.read(
      "2026/11/21 08:41:02 BGP: [HZN6M-XRM1G] %NOTIFICATION: sent to neighbor 192.0.2.11 6/4 (Cease/Administrative Reset) 0 bytes ",
    );
    log.read(
      "2026/11/21 08:41:09 BGP: [ZNKYS-S6Z5G] %NOTIFICATION: received from neighbor 192.0.2.11 4/0 (Hold Timer Expired) 0 bytes ",
    );
    expect([log.sentTo("192.0.2.11"), log.receivedFrom("192.0.2.11"), log.sentTo("192.0.2.12")]).toEqual([
      ["6/4"],
      ["4/0"],
      [],
    ]);
  });
});

describe("what BIRD says", () => {
  const log = new BirdLog();
  for (const line of [
    "2026-11-21 08:59:47.694 <TRACE> link1_1: BGP session established",
    "2026-11-21 08:59:47.745 <TRACE> link2_1: BGP session established",
    "2026-11-21 08:59:47.790 <TRACE> link0_1: BGP session established",
    "2026-11-21 08:59:48.442 <TRACE> bfd1: Session to fe80::a8c1:abff:fe00:202 changed state from Down to Up",
    "2026-11-21 09:00:01.342 <TRACE> bfd1: Session to fe80::a8c1:abff:fe00:202 changed state from Up to Down",
  ]) {
    log.read(line);
  }
  const sessions = sessionsIn(lines("bird-protocols.txt"), nodeOf, log);

  it("of its neighbours", () => {
    const capabilities = "multiprotocolIpv4 multiprotocolIpv6 fourOctetAs routeRefresh extendedNextHop";
    expect(sessions.map(({ protocol, neighbor }) => `${protocol} ${neighborLine(neighbor)}`)).toEqual([
      `link0_1 fe80::a8c1:abff:fe00:102%eth1 a established 64500>64501 198.190.224.211 180/60 1x 2 prefixes ${capabilities}`,
      `link1_1 fe80::a8c1:abff:fe00:202%eth2 b established 64500>64501 213.37.161.253 180/60 1x 2 prefixes ${capabilities}`,
      `link2_1 fe80::a8c1:abff:fe00:302%eth3 c established 64500>64501 115.57.145.236 180/60 1x 2 prefixes ${capabilities}`,
    ]);
  });

  it("of paths", () => {
    const paths = routesIn(lines("bird-routes.txt"), sessions, nodeOf, (prefix) => prefix.includes(":"));
    const path = (prefix: string, node: string, digit: number, marks: string): string =>
      `${prefix} fe80::a8c1:abff:fe00:${digit}02=${node} fe80::a8c1:abff:fe00:${digit}02/fe80::a8c1:abff:fe00:${digit}02 igp 64500${marks}`;
    expect(paths.map(pathLine)).toEqual([
      path("2001:db8:0:113::10/128", "a", 1, " multipath"),
      path("2001:db8:0:113::10/128", "b", 2, " multipath"),
      path("2001:db8:0:113::10/128", "c", 3, " best multipath"),
      path("203.0.113.10/32", "a", 1, ""),
      path("203.0.113.10/32", "b", 2, ""),
      path("203.0.113.10/32", "c", 3, " best"),
    ]);
  });

  it("of attributes", () => {
    const text = [
      "198.51.100.128/25    unicast [link0_1 08:32:43.514] * (100s) [AS64501i]",
      "\tvia 192.0.2.1 on eth1",
      "\tType: BGP univ",
      "\tBGP.origin: Incomplete",
      "\tBGP.as_path: 64501 64501 {64502 64503}",
      "\tBGP.next_hop: 2001:db8:0:2::1 fe80::145a:6fff:feea:561b",
      "\tBGP.med: 55",
      "\tBGP.local_pref: 200",
      "\tBGP.community: (64501,8) (64501,7)",
      "\tBGP.large_community: (64501, 1, 2)",
    ];
    expect(routesIn(text, sessions, nodeOf, () => false).map(pathLine)).toEqual([
      "198.51.100.128/25 fe80::a8c1:abff:fe00:102=a 2001:db8:0:2::1/fe80::145a:6fff:feea:561b incomplete 64501,64501,64502,64503 pref 200 med 55 64501:7 64501:8 64501:1:2 best stale",
    ]);
  });

  it("of BFD", () => {
    expect(bfdSessionsIn(lines("bird-bfd.txt"), nodeOf, log).map(bfdLine)).toEqual([
      "fe80::a8c1:abff:fe00:102=a near up 300/900x1 0/0x0 down 0 times",
      "fe80::a8c1:abff:fe00:202=b near up 300/900x1 0/0x0 down 1 times",
      "fe80::a8c1:abff:fe00:302=c near up 300/900x1 0/0x0 down 0 times",
    ]);
  });
});

describe("what Linux says of its routes", () => {
  const shown = (text: string, prefix: string): string | undefined =>
    forwardingIn(text, prefix, nodeOf)
      ?.nextHops.map(({ ip, link, node }) => `${ip}%${link}=${node}`)
      .join(" ");

  it("with one next hop, and of what it has no route to", () => {
    const text = golden("linux-routes.json");
    expect(shown(text, "203.0.113.10/32")).toBe("192.0.2.11%eth1=a");
    expect(shown(text, "192.0.2.0/24")).toBe("0.0.0.0%eth1=undefined");
    expect(shown(text, "203.0.113.0/24")).toBeUndefined();
    expect(shown("", "203.0.113.10/32")).toBeUndefined();
  });

  it("with several, over neighbours of IPv6, without those that are dead", () => {
    const text = `[{"dst":"203.0.113.10","protocol":"bird","metric":32,"flags":[],"nexthops":[
      {"via":{"family":"inet6","host":"fe80::a8c1:abff:fe00:202"},"dev":"eth2","weight":1,"flags":[]},
      {"via":{"family":"inet6","host":"fe80::a8c1:abff:fe00:102"},"dev":"eth1","weight":1,"flags":[]},
      {"via":{"family":"inet6","host":"fe80::a8c1:abff:fe00:302"},"dev":"eth3","weight":1,"flags":["dead","linkdown"]}]}]`;
    expect(shown(text, "203.0.113.10/32")).toBe("fe80::a8c1:abff:fe00:102%eth1=a fe80::a8c1:abff:fe00:202%eth2=b");
  });
});
