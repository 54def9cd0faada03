import { describe, expect, it } from "vitest";
import { parseIp } from "../../../impl/wire/ip.ts";
import { millis, seconds } from "../../../impl/wire/time.ts";
import { testNode, testPeer, testRoute, testSession } from "../bgp/test-view.ts";
import { bfdDetails, bfdSummary } from "./bfd.ts";
import { bgpDetails, bgpSummary } from "./bgp.ts";
import { layer2Summary } from "./layer2.ts";
import { membersDetails, membersSummary } from "./members.ts";
import { type NodeView } from "./node-view.ts";

const lines = (text: string): readonly string[] => text.split("\n");
const none = { open: 0, update: 0, endOfRib: 0, notification: 0, keepalive: 0, routeRefresh: 0 } as const;
const session = testSession({
  routes: [testRoute("203.0.113.7/32"), testRoute("203.0.113.8/32")],
  counters: {
    sent: { ...none, open: 1, update: 2, keepalive: 4 },
    received: { ...none, open: 2, keepalive: 3, notification: 1 },
    faults: { attributeDiscard: 0, treatAsWithdraw: 1, disableFamily: 0, familyIgnored: 0 },
  },
  lastError: { text: "received Cease/Administrative Reset", at: seconds(3) },
  lastReceived: { text: "received Cease/Administrative Reset", at: seconds(3) },
});
const dialled = testPeer({
  name: "tor2",
  state: "idle",
  nextAttempt: seconds(12),
  lastError: { text: "connection lost: ECONNREFUSED", at: millis(9500) },
});

describe("assay show bgp", () => {
  it("has a row for each session", () => {
    expect(lines(bgpSummary([testNode({ peers: [session, dialled] })]))).toEqual([
      "NODE        PEER              AS     STATE        UP FOR  IN  OUT  PREFIXES  BFD  LAST ERROR",
      "k8s-worker  tor (192.0.2.1)   64501  Established  6 s     6   7    2         -    7 s ago: received Cease/Administrative Reset",
      "k8s-worker  tor2 (192.0.2.1)  -      Idle         -       0   0    0         -    500 ms ago: connection lost: ECONNREFUSED",
    ]);
    expect(bgpSummary([testNode()])).toBe("no node has a BGP peer");
  });

  it("says all about the sessions of a node", () => {
    expect(lines(bgpDetails(testNode({ peers: [session, dialled] })))).toEqual([
      "k8s-worker: BGPPeer tor (192.0.2.1)",
      "  state                  Established for 6 s",
      "  AS                     64500 here, 64501 there (eBGP)",
      "  address here           192.0.2.12",
      "  router id              192.0.2.12 here, 192.0.2.1 there",
      "  timers                 hold time 9 s, keepalive every 3 s",
      "  families               ipv4",
      "  capabilities           4-octet AS, route refresh",
      "  sent                   open 1, update 2, keepalive 4",
      "  received               open 2, notification 1, keepalive 3",
      "  wrong UPDATEs          treatAsWithdraw 1",
      "  last error             7 s ago: received Cease/Administrative Reset",
      "  NOTIFICATION received  7 s ago: received Cease/Administrative Reset",
      "  told                   203.0.113.7/32 next hop 192.0.2.12, AS path 64500, MED 50",
      "                         203.0.113.8/32 next hop 192.0.2.12, AS path 64500, MED 50",
      "",
      "k8s-worker: BGPPeer tor2 (192.0.2.1)",
      "  state         Idle",
      "  next attempt  in 2 s",
      "  AS            64500 here",
      "  last error    500 ms ago: connection lost: ECONNREFUSED",
      "  told          nothing",
    ]);
  });

  it("does as well with what came as JSON", () => {
    const view = testNode({ peers: [session, dialled] });
    const copy: NodeView = JSON.parse(JSON.stringify(view));
    expect(bgpDetails(copy)).toBe(bgpDetails(view));
    expect(bgpSummary([copy])).toBe(bgpSummary([view]));
  });
});

const bfd: NodeView["bfd"][number] = {
  keys: ["tor"],
  path: { hops: "single", peer: parseIp("192.0.2.1"), local: parseIp("192.0.2.12"), link: "eth1" },
  counters: { controlIn: 20, controlOut: 21, echoIn: 0, echoOut: 0, ups: 2, downs: 1 },
  changedAt: seconds(4),
  failure: undefined,
  state: "up",
  diagnostic: "controlDetectionTimeExpired",
  role: "active",
  localDiscriminator: 7,
  detectMultiplier: 3,
  remote: {
    discriminator: 9,
    state: "up",
    diagnostic: "none",
    desiredMinTx: millis(300),
    requiredMinRx: millis(200),
    requiredMinEchoRx: millis(0),
    detectMultiplier: 5,
    demand: false,
    heardAt: seconds(9),
  },
  transmitInterval: millis(250),
  detectionTime: millis(1500),
  echoInterval: undefined,
};

describe("assay show bfd", () => {
  it("has a row for each session", () => {
    expect(lines(bfdSummary([testNode({ bfd: [bfd] })]))).toEqual([
      "NODE        PEER       HOPS    STATE  FOR  DIAGNOSTIC                      SENDS EVERY  DETECTS IN  IN/OUT  UPS/DOWNS",
      "k8s-worker  192.0.2.1  single  up     6 s  control detection time expired  250 ms       1.5 s       20/21   2/1",
    ]);
  });

  it("says all about the sessions of a node", () => {
    expect(lines(bfdDetails(testNode({ bfd: [bfd] })))).toEqual([
      "k8s-worker: BFD to 192.0.2.1, single hop",
      "  state         up for 6 s",
      "  diagnostic    control detection time expired",
      "  for           BGPPeer tor",
      "  address here  192.0.2.12",
      "  interface     eth1",
      "  role          active",
      "  here          discriminator 7, multiplier 3",
      "  there         discriminator 9, up, diagnostic none, multiplier 5, sends every 300 ms, takes one every 200 ms, returns no echo",
      "  sends every   250 ms",
      "  detects in    1.5 s",
      "  packets       20 in, 21 out; echo 0 in, 0 out",
      "  changes       2 up, 1 down",
    ]);
    expect(bfdDetails(testNode())).toBe("k8s-worker: no BFD session");
  });
});

describe("assay show l2", () => {
  it("has a row for each address and node, in the order of the addresses", () => {
    const address = { services: ["default/web"], links: ["eth1"], since: seconds(4), silent: undefined } as const;
    const views = [
      testNode({ addresses: [{ ...address, ip: parseIp("192.0.2.150") }] }),
      testNode({ node: "k8s-worker2", addresses: [{ ...address, ip: parseIp("192.0.2.15"), silent: "probing" }] }),
    ];
    expect(lines(layer2Summary(views))).toEqual([
      "ADDRESS      NODE         INTERFACES  FOR  ANSWERS                           SERVICES",
      "192.0.2.15   k8s-worker2  eth1        6 s  not yet: asks whether it is free  default/web",
      "192.0.2.150  k8s-worker   eth1        6 s  yes                               default/web",
    ]);
    expect(layer2Summary([testNode()])).toBe("no node answers for an address on Layer 2");
  });
});

describe("assay show members", () => {
  const member = {
    address: parseIp("192.0.2.11"),
    port: 7946,
    state: "alive",
    incarnation: 1,
    since: seconds(2),
  } as const;
  const views = [
    testNode({
      node: "a",
      members: [
        { ...member, name: "a" },
        { ...member, name: "b" },
      ],
    }),
    testNode({
      node: "b",
      members: [
        { ...member, name: "a", state: "suspect" },
        { ...member, name: "b", incarnation: 2 },
      ],
    }),
  ];

  it("has a row for each member, in the eyes of all", () => {
    expect(lines(membersSummary(views))).toEqual([
      "MEMBER  ADDRESS     INCARNATION  ALIVE FOR  NOT FOR",
      "a       192.0.2.11  1            1 of 2     b: suspect",
      "b       192.0.2.11  1, 2         2 of 2",
    ]);
  });

  it("says all that one knows", () => {
    expect(lines(membersDetails(testNode({ members: [{ ...member, name: "a", state: "dead" }] })))).toEqual([
      "As k8s-worker sees it:",
      "MEMBER  ADDRESS               STATE  FOR  INCARNATION",
      "a       192.0.2.11 port 7946  dead   8 s  1",
    ]);
  });
});
