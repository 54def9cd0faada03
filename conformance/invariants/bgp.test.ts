import { describe, expect, it } from "vitest";
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { ERRORS, type ErrorCode } from "../../impl/wire/bgp/error-codes.ts";
import { encodeKeepalive } from "../../impl/wire/bgp/keepalive.ts";
import { encodeNotification, notification } from "../../impl/wire/bgp/notification.ts";
import { encodeOpen } from "../../impl/wire/bgp/open.ts";
import { packUpdates, packWithdrawals } from "../../impl/wire/bgp/pack.ts";
import { pathOf } from "../../impl/wire/bgp/as-path.ts";
import { community } from "../../impl/wire/bgp/communities.ts";
import { encodeRouteRefresh } from "../../impl/wire/bgp/route-refresh.ts";
import { type Ip, parseIp, parseIpv4 } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { seconds } from "../../impl/wire/time.ts";
import { bgpAdvertisement, bgpPeer, CLUSTER_ASN, endpointSlice, pool, ROUTER_ASN, service } from "../objects.ts";
import { type Observation } from "./invariant.ts";
import { Referee } from "./referee.ts";

const VIP = "203.0.113.10/32";

const open = (asn: number, holdTime = 9): Uint8Array =>
  encodeOpen({
    kind: "open",
    asn,
    holdTime: seconds(holdTime),
    bgpIdentifier: parseIpv4("192.0.2.1"),
    capabilities: [{ kind: "fourOctetAs", asn }],
  });

const update = (...communities: readonly string[]): Uint8Array => {
  const attributes = {
    origin: "igp",
    asPath: pathOf(CLUSTER_ASN),
    communities: communities.map((text) => {
      const [high = 0, low = 0] = text.split(":").map(Number);
      return community(high, low);
    }),
  } as const;
  const announcement = { prefixes: [parsePrefix(VIP)], nextHop: parseIp("192.0.2.11"), attributes };
  const [message] = packUpdates([announcement], { asSize: 4 }).messages;
  if (message === undefined) throw new Error("nothing to send");
  return message;
};
const [WITHDRAW = new Uint8Array(0)] = packWithdrawals([parsePrefix(VIP)], { ipv4InMultiprotocol: false });
const goodbye = (error: ErrorCode): Uint8Array => encodeNotification(notification(error));

type By = "speaker" | "peer";
type Line = readonly [second: number, by: By, said: Uint8Array | "fin", connection?: string];

const observation = ([, by, said, connection = "one"]: Line): Observation => ({
  kind: "bgp",
  connection,
  node: "a",
  local: "192.0.2.11" as Ip,
  peer: "192.0.2.1" as Ip,
  peerPort: 179,
  by,
  said: said === "fin" ? { kind: "fin" } : { kind: "message", bytes: said },
});

const handshake = (connection = "one", at = 0): readonly Line[] => [
  [at, "speaker", open(CLUSTER_ASN), connection],
  [at, "peer", open(ROUTER_ASN), connection],
  [at, "speaker", encodeKeepalive(), connection],
  [at, "peer", encodeKeepalive(), connection],
];

function judge(
  lines: readonly (Line | readonly [second: number, Observation])[],
  options: { settle?: boolean } = {},
): readonly string[] {
  const referee = new Referee({ ownerWindow: seconds(25) });
  let last = 0;
  for (const line of lines) {
    [last] = line;
    const seen = typeof line[1] === "string" ? observation(line) : line[1];
    referee.observe(seen, seconds(last));
  }
  if (options.settle === true) referee.settle(seconds(last));
  return referee.violations();
}

const stored = (object: KubeObject): Observation => ({ kind: "object", object, previous: undefined, deleted: false });

describe("what goes on between a speaker and a peer", () => {
  it("is nothing to complain about", () => {
    expect(judge([...handshake(), [1, "peer", goodbye(ERRORS.malformedAsPath)]])).toEqual([
      "1s I6: the peer of a with 192.0.2.1 port 179 complains: UPDATE Message Error/Malformed AS_PATH",
    ]);
    expect(judge([...handshake(), [1, "peer", goodbye(ERRORS.administrativeReset)]])).toEqual([]);
  });

  it("is one session at a time", () => {
    expect(judge([...handshake(), ...handshake("two", 1)])).toEqual([
      "1s B11.9: two sessions of a with 192.0.2.1 port 179",
    ]);
    const power: Observation = { kind: "disturbance", what: "a: no power" };
    expect(judge([...handshake(), [1, power], ...handshake("two", 2)])).toEqual([]);
    expect(judge([...handshake(), [1, "peer", "fin"], ...handshake("two", 2)])).toEqual([]);
  });

  it("is never silent for longer than the hold time", () => {
    const peers: readonly Line[] = [3, 6, 9, 12].map((at): Line => [at, "peer", encodeKeepalive()]);
    expect(judge([...handshake(), ...peers, [12, "speaker", encodeKeepalive()]])).toEqual([
      "12s B11.9: a with 192.0.2.1 port 179 was silent for 12s",
    ]);
    const pause: Observation = { kind: "disturbance", what: "a: speaker paused" };
    expect(judge([...handshake(), [1, pause], ...peers, [12, "speaker", encodeKeepalive()]])).toEqual([]);
  });

  it("ends when the peer has been silent for longer", () => {
    const own: readonly Line[] = [3, 6, 9].map((at): Line => [at, "speaker", encodeKeepalive()]);
    expect(judge([...handshake(), ...own, [12, "speaker", encodeKeepalive()]])).toEqual([
      "12s B11.9: a with 192.0.2.1 port 179 goes on though its peer has been silent for 12s",
    ]);
    expect(
      judge([...handshake(), ...own, [9, "speaker", goodbye(ERRORS.holdTimerExpired)], [9, "speaker", "fin"]]),
    ).toEqual([]);
  });

  it("ends with a NOTIFICATION", () => {
    const bye: Line = [1, "speaker", goodbye(ERRORS.holdTimerExpired)];
    expect(judge([...handshake(), bye, [2, "speaker", encodeKeepalive()]])).toEqual([
      "2s B11.9: a with 192.0.2.1 port 179 says keepalive after its NOTIFICATION",
    ]);
  });

  it("ends for a reason", () => {
    const bye: Line = [40, "speaker", goodbye(ERRORS.administrativeShutdown)];
    const calm: readonly Line[] = [8, 16, 24, 32].flatMap((at): readonly Line[] => [
      [at, "speaker", encodeKeepalive()],
      [at, "peer", encodeKeepalive()],
    ]);
    const needless = "40s B11.7: a with 192.0.2.1 port 179: the speaker ends it, though nothing about it changed";
    const changed = (address: string): readonly [number, Observation] => [
      39,
      stored(bgpPeer("tor", { peerAddress: address })),
    ];
    expect(judge([...handshake(), ...calm, bye])).toEqual([needless]);
    expect(judge([...handshake(), ...calm, changed("192.0.2.2"), bye])).toEqual([needless]);
    expect(judge([...handshake(), ...calm, changed("192.0.2.1"), bye])).toEqual([]);
    const stop: Observation = { kind: "disturbance", what: "a: speaker stopped" };
    expect(judge([...handshake(), ...calm, [39, stop], bye])).toEqual([]);
  });

  it("tells nothing twice, but to who asks again", () => {
    const again = "2s B11.7: a with 192.0.2.1 port 179: an UPDATE tells nothing new about 203.0.113.10/32";
    const refresh = encodeRouteRefresh({ kind: "routeRefresh", afi: 1, safi: 1, subtype: "request" });
    expect(judge([...handshake(), [1, "speaker", update()], [2, "speaker", update()]])).toEqual([again]);
    expect(judge([...handshake(), [1, "speaker", update()], [2, "speaker", update("1:1")]])).toEqual([]);
    expect(judge([...handshake(), [1, "speaker", update()], [1, "peer", refresh], [2, "speaker", update()]])).toEqual(
      [],
    );
    expect(judge([...handshake(), [2, "speaker", WITHDRAW]])).toEqual([again]);
    expect(judge([...handshake(), [1, "speaker", update()], [2, "speaker", WITHDRAW]])).toEqual([]);
  });
});

describe("what a dead speaker told", () => {
  const left = (away: number, stale = false): readonly [number, Observation] => [
    away,
    { kind: "leftover", router: "router", node: "a", local: "192.0.2.11" as Ip, away: seconds(away), stale },
  ];

  it("goes with its hold time", () => {
    expect(judge([...handshake(), left(12)])).toEqual([]);
    expect(judge([...handshake(), left(13)])).toEqual([
      "13s B11.6: router still has routes of a, whose speaker went 13s ago",
    ]);
  });

  it("may stay for the restart time where both agreed on that", () => {
    const capability = { kind: "gracefulRestart", restarting: false, notification: true, families: [] } as const;
    const offer = encodeOpen({
      kind: "open",
      asn: CLUSTER_ASN,
      holdTime: seconds(9),
      bgpIdentifier: parseIpv4("192.0.2.11"),
      capabilities: [{ ...capability, restartTime: seconds(120) }],
    });
    const started: Line = [0, "speaker", offer];
    expect(judge([...handshake(), started, left(132, true)])).toEqual([]);
    expect(judge([...handshake(), started, left(133, true)])).toHaveLength(1);
    expect(judge([...handshake(), started, left(14, false)])).toHaveLength(1);
  });
});

const ADDRESS = { status: { loadBalancer: { ingress: [{ ip: "203.0.113.10" }] } } };
const NODE: KubeObject = { apiVersion: "v1", kind: "Node", metadata: { name: "a", labels: { rack: "one" } } };
const POD = { addresses: ["10.0.0.1"], conditions: { ready: true }, nodeName: "b" };

/** What a cluster with one announced Service asks for, but for what is given. */
function cluster(parts: {
  readonly advertisement?: object;
  readonly policy?: "Local";
  readonly node?: object;
  readonly endpoint?: object;
}): readonly (readonly [number, Observation])[] {
  const { advertisement = {}, policy, node = {}, endpoint = {} } = parts;
  const web = service("web", { labels: { tier: "gold" }, ...(policy === undefined ? {} : { policy }) });
  return [
    pool("main", ["203.0.113.0/24"]),
    bgpAdvertisement("main", advertisement),
    bgpPeer("tor", { peerAddress: "192.0.2.1" }),
    { ...NODE, ...node },
    endpointSlice("web-1", "web", [{ ...POD, ...endpoint }]),
    { ...web, ...ADDRESS },
  ].map((object) => [0, stored(object)]);
}

describe("what a peer has been told", () => {
  const end = (...lines: readonly Line[]) => [...handshake(), ...lines];
  const NONE = "path 64500, preference none, MED none, communities none";
  const wrong = (has: string, wanted: string): readonly string[] => [
    `1s I5: a with 192.0.2.1 port 179 has told of ${VIP}: ${has}; it shall tell: ${wanted}`,
  ];
  const told = (parts: Parameters<typeof cluster>[0]): readonly string[] =>
    judge([...cluster(parts), ...end([1, "speaker", update()])], { settle: true });

  it("is what the cluster's objects ask for", () => {
    expect(told({})).toEqual([]);
    expect(judge([...cluster({}), ...end([1, "peer", encodeKeepalive()])], { settle: true })).toEqual(
      wrong("nothing", NONE),
    );
    expect(told({ advertisement: { communities: ["64500:1"] } })).toEqual(
      wrong(NONE, "path 64500, preference none, MED none, communities 64500:1"),
    );
  });

  it.each([
    ["the nodes of the advertisement", { advertisement: { nodeSelectors: [{ matchLabels: { rack: "two" } }] } }],
    ["its Services", { advertisement: { serviceSelectors: [{ matchLabels: { tier: "lead" } }] } }],
    ["its peers", { advertisement: { peers: ["other"] } }],
    ["its pools", { advertisement: { ipAddressPools: ["other"] } }],
    ["policy Local", { policy: "Local" }],
    ["the lack of endpoints", { endpoint: { conditions: { ready: false } } }],
    ["the node's condition", { node: { status: { conditions: [{ type: "NetworkUnavailable", status: "True" }] } } }],
    [
      "the node's label",
      { node: { metadata: { name: "a", labels: { "node.kubernetes.io/exclude-from-external-load-balancers": "" } } } },
    ],
  ] as const)("is nothing because of %s", (_, parts) => {
    expect(told(parts)).toEqual(wrong(NONE, "nothing"));
  });

  it("is nothing where no BGPPeer asks for the session", () => {
    const without = cluster({}).filter(([, each]) => each.kind !== "object" || each.object.kind !== "BGPPeer");
    expect(judge([...without, ...end([1, "speaker", update()])], { settle: true })).toEqual([
      "1s I5: a with 192.0.2.1 port 179: no BGPPeer asks for this session",
    ]);
  });
});
