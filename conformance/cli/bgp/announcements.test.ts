import { describe, expect, it } from "vitest";
import { type KubeObject, type Service } from "../../../impl/api/kubernetes.ts";
import { type PeerView, type ServiceView } from "../../../impl/speaker/bgp/peer-view.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { announcementsOf, silenceOf } from "./announcements.ts";
import { testNode, testPeer, testRoute, testSession } from "./test-view.ts";

const web = (...ips: readonly string[]): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "default" },
  spec: { type: "LoadBalancer" },
  status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
});

const peerObject = (spec: object = {}): KubeObject =>
  ({ apiVersion: "metallb.io/v1beta2", kind: "BGPPeer", metadata: { name: "tor" }, spec }) as KubeObject;

const ANNOUNCED: ServiceView = { service: "default/web", announced: true, peers: ["tor"] };

interface Given {
  readonly service?: Service;
  readonly verdict?: ServiceView | undefined;
  readonly peer?: PeerView | undefined;
  readonly object?: KubeObject;
  readonly speaker?: boolean;
}

function announced(given: Given): ReturnType<typeof announcementsOf> {
  const { service = web("203.0.113.7"), object = peerObject(), speaker = true } = given;
  const services = "verdict" in given ? given.verdict : ANNOUNCED;
  const peer = "peer" in given ? given.peer : testSession({ routes: [testRoute("203.0.113.7/32")] });
  const view = testNode({
    services: services === undefined ? [] : [services],
    peers: peer === undefined ? [] : [peer],
  });
  const nodes = [view.node];
  return announcementsOf({ nodes, viewOf: () => (speaker ? view : undefined), services: [service], peers: [object] });
}

/** `203.0.113.7/32 | because`. */
const outline = (given: Given): string =>
  announced(given)
    .map(({ told, because }) => [...told.map(({ prefix }) => prefix), because ?? "all"].join(" | "))
    .join("; ");

const refused = (because: string, detail?: string): ServiceView => ({
  service: "default/web",
  announced: false,
  because,
  ...(detail === undefined ? {} : { detail }),
});

describe("what a peer is told of a Service", () => {
  it.each<readonly [string, Given, string]>([
    ["its address", {}, "203.0.113.7/32 | all"],
    [
      "a prefix that holds it",
      { peer: testSession({ routes: [testRoute("203.0.113.0/26"), testRoute("203.0.113.64/26")] }) },
      "203.0.113.0/26 | all",
    ],
    [
      "one of two families",
      { service: web("203.0.113.7", "2001:db8::7") },
      "203.0.113.7/32 | the session carries no IPv6",
    ],
    ["nothing yet", { peer: testSession({ pending: 3 }) }, "it has not been told yet"],
    [
      "nothing for want of a next hop",
      { peer: testSession() },
      "the node has no address of that family for a next hop on this session",
    ],
    [
      "nothing without a session",
      { peer: testPeer({ lastError: { text: "connection lost: ECONNREFUSED", at: seconds(9) } }) },
      "the session is in Connect: connection lost: ECONNREFUSED",
    ],
    ["nothing before the first error", { peer: testPeer() }, "the session is in Connect"],
    [
      "nothing on a silent interface",
      { peer: testPeer({ address: undefined, interface: "eth1" }) },
      "no router was heard on the interface of the peer yet",
    ],
    [
      "nothing to peers of others",
      { verdict: { ...ANNOUNCED, peers: ["other"] } },
      "the peer is not among the peers of its BGPAdvertisements",
    ],
    [
      "nothing to peers of other nodes",
      { peer: undefined, object: peerObject({ nodeSelectors: [{ matchLabels: { rack: "b" } }] }) },
      "the nodeSelectors of the BGPPeer leave this node out",
    ],
    ["nothing to an unknown peer", { peer: undefined }, "its speaker has not taken the BGPPeer"],
    ["nothing of what is not its own", { verdict: undefined }, "its speaker does not take the Service for its own"],
    ["nothing without a speaker", { speaker: false }, "no speaker runs on the node"],
    [
      "nothing without a local endpoint",
      { verdict: refused("noLocalEndpoints") },
      "no endpoint is on this node, and its externalTrafficPolicy is Local",
    ],
    ["the speaker's own words", { verdict: refused("conflictingAdvertisements", "a and b differ") }, "a and b differ"],
    ["a reason that has no words yet", { verdict: refused("somethingNew") }, "somethingNew"],
    ["nothing of a Service without an address", { service: web() }, ""],
  ])("%s", (_what, given, expected) => {
    expect(outline(given)).toBe(expected);
  });

  it("with the attributes that the peer reads", () => {
    expect(announced({})[0]?.told).toEqual([
      {
        prefix: "203.0.113.7/32",
        nextHop: "192.0.2.12",
        linkLocal: undefined,
        asPath: [64500],
        localPref: undefined,
        med: 50,
        communities: [],
        largeCommunities: [],
      },
    ]);
  });
});

describe("why nobody is told", () => {
  it("is the reason that is nearest to success", () => {
    const near = announced({ peer: testPeer() });
    const far = announced({ verdict: refused("noLocalEndpoints") });
    expect(silenceOf([...far, ...far, ...near])).toBe("BGPPeer tor: the session is in Connect");
    expect(silenceOf(far)).toBe("no endpoint is on this node, and its externalTrafficPolicy is Local");
    expect(silenceOf([...far, ...announced({})])).toBeUndefined();
    expect(silenceOf([])).toBeUndefined();
  });
});
