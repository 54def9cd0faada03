import { describe, expect, it } from "vitest";
import { type L2Advertisement } from "../api/config.ts";
import { type Endpoints } from "./endpoints.ts";
import { type NodeFacts } from "./node-facts.ts";
import { advertisement, endpointsOn, link, node, onNodes, pool, selector, service } from "./test-cluster.ts";
import { TestSpeaker } from "./test-speaker.ts";

const POOL = ["10.20.30.0/24", "fc00:f853:ccd:e799::/64"];

interface Situation {
  readonly ips?: readonly string[];
  readonly ads?: readonly L2Advertisement[];
  readonly endpoints?: Endpoints;
  readonly nodes?: readonly NodeFacts[];
  /** Undefined: membership is off. */
  readonly members?: readonly string[] | undefined;
  readonly service?: Parameters<typeof service>[1];
  readonly ignoreExcludeLabel?: boolean;
}

/** Which of the speakers announce the Service, each asked on its own. */
function announcers(situation: Situation): string {
  const nodes = situation.nodes ?? [node("iris1"), node("iris2")];
  const names = nodes.map(({ name }) => name);
  return names
    .filter((name) => {
      const membership = !("members" in situation) || situation.members !== undefined;
      const options = { ignoreExcludeLabel: situation.ignoreExcludeLabel ?? false, membership };
      const speaker = new TestSpeaker(name, options);
      speaker.config(pool("default", POOL, situation.ads ?? [advertisement()])).nodes(...nodes);
      if (!("members" in situation)) speaker.members(...names);
      else if (situation.members !== undefined) speaker.members(...situation.members);
      speaker.service("default/web", service(situation.ips ?? ["10.20.30.1"], situation.service));
      speaker.endpoints("default/web", situation.endpoints ?? endpointsOn("iris1"));
      return speaker
        .start()
        .trace()
        .some((entry) => entry.startsWith("service.announced"));
    })
    .join(" ");
}

// iris2 wins 10.20.30.1, iris1 wins 10.20.30.2.
describe("who announces", () => {
  const rows: readonly (Situation & { name: string; who: string })[] = [
    { name: "Cluster, endpoint on iris1", endpoints: endpointsOn("iris1"), who: "iris2" },
    { name: "Cluster, endpoint on iris2", endpoints: endpointsOn("iris2"), who: "iris2" },
    { name: "Cluster, endpoints on both", endpoints: endpointsOn("iris1", "iris2"), who: "iris2" },
    { name: "Cluster, other address", ips: ["10.20.30.2"], who: "iris1" },
    { name: "Cluster, endpoint without a node", endpoints: { serving: true, nodes: new Set() }, who: "iris2" },
    { name: "Cluster, no endpoint", endpoints: endpointsOn(), who: "" },
    { name: "Local, endpoint on iris1", service: { local: true }, endpoints: endpointsOn("iris1"), who: "iris1" },
    { name: "Local, endpoint on iris2", service: { local: true }, endpoints: endpointsOn("iris2"), who: "iris2" },
    {
      name: "Local, endpoints on both",
      service: { local: true },
      endpoints: endpointsOn("iris1", "iris2"),
      who: "iris2",
    },
    { name: "Local, no endpoint", service: { local: true }, endpoints: endpointsOn(), who: "" },
    {
      name: "Local, endpoint on a node that has no speaker",
      service: { local: true },
      endpoints: endpointsOn("iris3"),
      who: "",
    },
    {
      name: "Local, endpoint without a node",
      service: { local: true },
      endpoints: { serving: true, nodes: new Set() },
      who: "",
    },
    { name: "two addresses: the first decides", ips: ["10.20.30.2", "fc00:f853:ccd:e799::1"], who: "iris1" },

    { name: "only iris1 is a member", members: ["iris1"], who: "iris1" },
    { name: "membership off: every node counts", members: undefined, who: "iris2" },

    {
      name: "iris2 has NetworkUnavailable",
      nodes: [node("iris1"), node("iris2", { unavailable: true })],
      who: "iris1",
    },
    {
      name: "both have NetworkUnavailable",
      nodes: [node("iris1", { unavailable: true }), node("iris2", { unavailable: true })],
      who: "",
    },
    {
      name: "iris2 carries the exclude label",
      nodes: [node("iris1"), node("iris2", { excluded: true })],
      who: "iris1",
    },
    { name: "both carry it", nodes: [node("iris1", { excluded: true }), node("iris2", { excluded: true })], who: "" },
    {
      name: "iris2 carries it, ignored",
      nodes: [node("iris1"), node("iris2", { excluded: true })],
      ignoreExcludeLabel: true,
      who: "iris2",
    },
    {
      name: "Local, its endpoint's node is excluded",
      service: { local: true },
      endpoints: endpointsOn("iris2"),
      nodes: [node("iris1"), node("iris2", { excluded: true })],
      who: "",
    },

    { name: "no advertisement", ads: [], who: "" },
    { name: "advertised from iris1", ads: [advertisement({ nodeSelectors: onNodes("iris1") })], who: "iris1" },
    {
      name: "advertised from iris1 or iris2",
      ads: [advertisement({ nodeSelectors: onNodes("iris1", "iris2") })],
      who: "iris2",
    },
    { name: "advertised from nowhere", ads: [advertisement({ nodeSelectors: onNodes("iris9") })], who: "" },
    {
      name: "two advertisements, one from everywhere",
      ads: [advertisement({ nodeSelectors: onNodes("iris1") }), advertisement()],
      who: "iris2",
    },
    {
      name: "two advertisements, each from one node: one owner",
      ads: [advertisement({ nodeSelectors: onNodes("iris1") }), advertisement({ nodeSelectors: onNodes("iris2") })],
      who: "iris2",
    },
    {
      name: "Local and advertised elsewhere",
      service: { local: true },
      endpoints: endpointsOn("iris1"),
      ads: [advertisement({ nodeSelectors: onNodes("iris2") })],
      who: "",
    },

    {
      name: "labels match the serviceSelectors",
      service: { labels: "app=web" },
      ads: [advertisement({ serviceSelectors: [selector("app=web")] })],
      who: "iris2",
    },
    {
      name: "labels match one of them",
      service: { labels: "app=web" },
      ads: [advertisement({ serviceSelectors: [selector("app=mail"), selector("app=web")] })],
      who: "iris2",
    },
    {
      name: "labels match none",
      service: { labels: "app=web" },
      ads: [advertisement({ serviceSelectors: [selector("app=mail")] })],
      who: "",
    },
    {
      name: "an advertisement for other Services lends its nodes to nobody",
      service: { labels: "app=web" },
      ads: [
        advertisement({ serviceSelectors: [selector("app=mail")] }),
        advertisement({ nodeSelectors: onNodes("iris1") }),
      ],
      who: "iris1",
    },
    {
      name: "advertisement for the Service, but not for any node",
      service: { labels: "app=web" },
      ads: [
        advertisement({ serviceSelectors: [selector("app=web")], nodeSelectors: onNodes("iris9") }),
        advertisement({ serviceSelectors: [selector("app=mail")] }),
      ],
      who: "",
    },

    {
      name: "shared address, no serviceSelectors",
      service: { annotations: "metallb.io/allow-shared-ip=key" },
      who: "iris2",
    },
    {
      name: "shared address and serviceSelectors",
      service: { labels: "app=web", annotations: "metallb.io/allow-shared-ip=key" },
      ads: [advertisement({ serviceSelectors: [selector("app=web")] })],
      who: "",
    },
    {
      name: "the same with the old annotation, empty",
      service: { labels: "app=web", annotations: "metallb.universe.tf/allow-shared-ip=" },
      ads: [advertisement({ serviceSelectors: [selector("app=web")] })],
      who: "",
    },
    {
      name: "shared address and serviceSelectors beside an advertisement for all",
      service: { labels: "app=web", annotations: "metallb.io/allow-shared-ip=key" },
      ads: [advertisement({ serviceSelectors: [selector("app=web")] }), advertisement()],
      who: "",
    },
    {
      name: "shared address, serviceSelectors of others",
      service: { labels: "app=web", annotations: "metallb.io/allow-shared-ip=key" },
      ads: [advertisement({ serviceSelectors: [selector("app=mail")] }), advertisement()],
      who: "iris2",
    },

    {
      name: "iris1 is preferred",
      ads: [
        advertisement({ preferredNodeSelectors: [{ weight: 1, preference: onNodes("iris1")[0] ?? selector("") }] }),
      ],
      who: "iris1",
    },
    {
      name: "iris1 is preferred but not alive",
      members: ["iris2"],
      ads: [
        advertisement({ preferredNodeSelectors: [{ weight: 1, preference: onNodes("iris1")[0] ?? selector("") }] }),
      ],
      who: "iris2",
    },
    {
      name: "iris1 is preferred but not selected",
      ads: [
        advertisement({
          nodeSelectors: onNodes("iris2"),
          preferredNodeSelectors: [{ weight: 1, preference: onNodes("iris1")[0] ?? selector("") }],
        }),
      ],
      who: "iris2",
    },
    {
      name: "advertisements for different nodes with preferences: one owner",
      ads: [
        advertisement({
          nodeSelectors: onNodes("iris1"),
          preferredNodeSelectors: [{ weight: 50, preference: selector("") }],
        }),
        advertisement({
          nodeSelectors: onNodes("iris2"),
          preferredNodeSelectors: [{ weight: 49, preference: selector("") }],
        }),
      ],
      who: "iris1",
    },
  ];
  it.each(rows)("$name: [$who]", ({ who, ...situation }) => {
    expect(announcers(situation)).toBe(who);
  });
});

/** A speaker on iris2 that announces 10.20.30.1 for default/web. */
function announcing(): TestSpeaker {
  const speaker = new TestSpeaker("iris2")
    .config(pool("default", POOL, [advertisement()]))
    .nodes(node("iris1"), node("iris2"))
    .members("iris1", "iris2")
    .links(link("eth0"))
    .service("default/web", service(["10.20.30.1"]))
    .endpoints("default/web", endpointsOn("iris1"))
    .start();
  speaker.trace();
  return speaker;
}

describe("life of a Service", () => {
  it("is announced with an event, a status and a metric", () => {
    const speaker = new TestSpeaker("iris2")
      .nodes(node("iris1"), node("iris2"))
      .members("iris1", "iris2")
      .service("default/web", service(["10.20.30.1"]))
      .endpoints("default/web", endpointsOn("iris1"))
      .start();
    expect(speaker.trace()).toEqual([]); // no configuration yet
    expect(speaker.config(pool("default", POOL, [advertisement()])).trace()).toEqual([
      "status default/web []",
      'event web Normal nodeAssigned: announcing from node "iris2" with protocol "layer2"',
      "service.announced default/web layer2 10.20.30.1",
    ]);
    expect(speaker.metrics.expose()).toContain(
      'metallb_speaker_announced{service="default/web",protocol="layer2",node="iris2",ip="10.20.30.1"} 1\n',
    );
  });

  const endings: readonly { name: string; end: (speaker: TestSpeaker) => TestSpeaker; because: string }[] = [
    { name: "deleted", end: (one) => one.service("default/web", undefined), because: "serviceDeleted" },
    {
      name: "of another type",
      end: (one) => one.service("default/web", { ...service(["10.20.30.1"]), spec: { type: "ClusterIP" } }),
      because: "notLoadBalancer",
    },
    { name: "without address", end: (one) => one.service("default/web", service([])), because: "noIpAllocated" },
    {
      name: "address unreadable",
      end: (one) => one.service("default/web", service(["10.20.30"])),
      because: "invalidIp",
    },
    {
      name: "address of no pool",
      end: (one) => one.service("default/web", service(["10.99.0.1"])),
      because: "ipNotAllowed",
    },
    {
      name: "one of two addresses in no pool",
      end: (one) => one.service("default/web", service(["10.20.30.1", "2001:db8::1"])),
      because: "ipNotAllowed",
    },
    {
      name: "without endpoints",
      end: (one) => one.endpoints("default/web", endpointsOn()),
      because: "noServingEndpoint",
    },
    { name: "excluded here", end: (one) => one.nodes(node("iris2", { excluded: true })), because: "outranked" },
    {
      name: "no advertisement",
      end: (one) => one.config(pool("default", POOL, [])),
      because: "noMatchingAdvertisement",
    },
    { name: "this node's Node deleted", end: (one) => one.forgetNode("iris2"), because: "noMatchingAdvertisement" },
  ];
  it.each(endings)("$name: withdrawn, $because", ({ end, because }) => {
    const speaker = announcing();
    expect(end(speaker).trace()).toEqual([
      "status default/web none",
      `service.withdrawn default/web layer2 ${because}`,
    ]);
    expect(speaker.metrics.expose()).not.toContain("10.20.30.1");
  });

  it("gives up the old address before it takes a new one, whatever their order", () => {
    const speaker = announcing();
    speaker.service("default/web", service(["10.20.30.4"]));
    expect(speaker.trace()).toEqual([
      "status default/web none",
      "service.withdrawn default/web layer2 loadBalancerIpChanged",
      "status default/web []",
      'event web Normal nodeAssigned: announcing from node "iris2" with protocol "layer2"',
      "service.announced default/web layer2 10.20.30.4",
    ]);
  });

  it("says nothing new when endpoints churn, but prolongs the burst", () => {
    const speaker = announcing();
    speaker.wait(3).endpoints("default/web", endpointsOn("iris1", "iris2")).wait(60);
    expect(speaker.trace()).toEqual(["status default/web []"]);
    expect([...new Set(speaker.frames.map((frame) => frame.split(" ")[0]))]).toEqual([
      "0s",
      "1.1s",
      "2.2s",
      "3.3s",
      "4.4s",
      "5.5s",
      "6.6s",
      "7.7s",
    ]);
  });

  it("moves with membership, and is announced anew to whoever comes back", () => {
    const speaker = new TestSpeaker("iris1")
      .config(pool("default", POOL, [advertisement()]))
      .nodes(node("iris1"), node("iris2"))
      .members("iris1", "iris2")
      .links(link("eth0"))
      .service("default/web", service(["10.20.30.1"]))
      .service("default/mail", service(["10.20.30.2"], { name: "mail" }))
      .endpoints("default/web", endpointsOn("iris1"))
      .endpoints("default/mail", endpointsOn("iris1"))
      .start()
      .wait(20);
    speaker.trace();
    speaker.frames.length = 0;
    expect(speaker.members("iris1").trace()).toEqual([
      "status default/web []",
      'event web Normal nodeAssigned: announcing from node "iris1" with protocol "layer2"',
      "service.announced default/web layer2 10.20.30.1",
    ]);
    expect(speaker.wait(20).frames.length).toBe(10); // five rounds of two for web, none for mail
    expect(speaker.members("iris1", "iris2").trace()).toEqual([
      "status default/web none",
      "service.withdrawn default/web layer2 outranked",
    ]);
    expect(speaker.wait(20).frames.length).toBe(20); // mail, which iris2 may have thought its own
  });

  it("ignores Services of another class", () => {
    const classed = service(["10.20.30.1"]);
    const of = (lbClass: string | undefined) => ({
      ...classed,
      spec: { ...classed.spec, ...(lbClass === undefined ? {} : { loadBalancerClass: lbClass }) },
    });
    const handled = (flag: string, lbClass: string | undefined) =>
      new TestSpeaker("iris1", { lbClass: flag })
        .config(pool("default", POOL, [advertisement()]))
        .nodes(node("iris1"))
        .service("default/web", of(lbClass))
        .endpoints("default/web", endpointsOn("iris1"))
        .start()
        .trace().length > 0;
    expect([
      handled("", undefined),
      handled("", "foo"),
      handled("foo", undefined),
      handled("foo", "bar"),
      handled("foo", "foo"),
    ]).toEqual([true, false, false, false, true]);
  });
});

describe("configuration", () => {
  it("is refused while it would orphan an address that is announced here", () => {
    const speaker = announcing();
    expect(speaker.config().trace()).toEqual(["config refused: announcedIpWithoutPool default/web"]);
    expect(speaker.service("default/web", service([])).trace()).toEqual([
      "status default/web none",
      "service.withdrawn default/web layer2 noIpAllocated",
    ]);
    expect(speaker.config().trace()).toEqual([]);
  });

  it("lists the interfaces in the status, and says once when none of them is here", () => {
    const ads = (...interfaces: readonly string[]) => pool("default", POOL, [advertisement({ interfaces })]);
    const speaker = announcing();
    expect(speaker.config(ads("eth1", "eth0")).trace()).toEqual(["status default/web [eth0 eth1]"]);
    expect(speaker.config(ads("eth7")).trace()).toEqual([
      'event web Warning announceFailed: the interfaces specified by LB IP "10.20.30.1" doesn\'t exist in assigned node "iris2" with protocol "layer2"',
      "status default/web [eth7]",
    ]);
    expect(speaker.endpoints("default/web", endpointsOn("iris2")).trace()).toEqual(["status default/web [eth7]"]);
    speaker.wait(20).frames.length = 0;
    speaker.links(link("eth0"), link("eth7", { index: 2 }));
    expect(speaker.wait(20).frames.every((frame) => frame.endsWith("eth7"))).toBe(true);
    expect(speaker.frames.length).toBe(10);
  });
});

describe("why nobody announces a Service", () => {
  const three = [node("iris1"), node("iris2"), node("iris3")];
  const rows: readonly (Situation & { name: string; why: string })[] = [
    { name: "no endpoints", endpoints: endpointsOn(), why: "the Service has no endpoint that is ready or serving" },
    {
      name: "no advertisement",
      ads: [],
      why: 'neither an L2Advertisement nor a BGPAdvertisement selects pool "default"',
    },
    {
      name: "no match",
      ads: [advertisement({ serviceSelectors: [selector("app=mail")] })],
      why: 'the Service matches the serviceSelectors of no L2Advertisement ("l2")',
    },
    {
      name: "no node",
      ads: [advertisement({ nodeSelectors: onNodes("iris9") })],
      why: 'no node matches the nodeSelectors of its L2Advertisements ("l2")',
    },
    {
      name: "shared",
      service: { labels: "app=web", annotations: "metallb.io/allow-shared-ip=key" },
      ads: [advertisement({ serviceSelectors: [selector("app=web")] })],
      why: "it shares its address, and an L2Advertisement with serviceSelectors covers it: these do not go together",
    },
    {
      name: "all excluded, each for a reason of its own",
      nodes: [node("iris1", { excluded: true }), node("iris2", { unavailable: true }), node("iris3")],
      members: ["iris1", "iris2"],
      why: 'node "iris1" carries the label node.kubernetes.io/exclude-from-external-load-balancers; node "iris2" has the condition NetworkUnavailable; node "iris3" runs no speaker that can be reached',
    },
    {
      name: "endpoints elsewhere",
      service: { local: true },
      endpoints: endpointsOn("iris9"),
      nodes: [node("iris2")],
      why: 'node "iris2" has no endpoint that is ready or serving, and externalTrafficPolicy is Local',
    },
    { name: "foreign address", ips: ["10.99.0.1"], why: "no pool allows this address" },
  ];
  it.each(rows)("$name", ({ why, ...situation }) => {
    const nodes = situation.nodes ?? three;
    const members = situation.members ?? nodes.map(({ name }) => name);
    const said = members.flatMap((name) =>
      new TestSpeaker(name)
        .config(pool("default", POOL, situation.ads ?? [advertisement()]))
        .nodes(...nodes)
        .members(...members)
        .service("default/web", service(situation.ips ?? ["10.20.30.1"], situation.service))
        .endpoints("default/web", situation.endpoints ?? endpointsOn("iris1"))
        .start()
        .wait(60)
        .trace(),
    );
    // One of the speakers says it, once.
    expect(said).toEqual([
      `event web Warning notAnnounced: no node announces ["${situation.ips?.[0] ?? "10.20.30.1"}"]: ${why}`,
    ]);
  });

  it("is that the speaker which should announce it has no configuration, where it started with an invalid one", () => {
    const speaker = new TestSpeaker("iris2").nodes(node("iris1"), node("iris2")).members("iris1", "iris2");
    speaker.service("default/web", service(["10.20.30.1"])).endpoints("default/web", endpointsOn("iris1"));
    expect(speaker.start().wait(60).trace()).toEqual([
      'event web Warning notAnnounced: no node announces ["10.20.30.1"]: node "iris2" has had no valid configuration since its speaker started, see its ConfigurationState',
    ]);
  });

  it("is short however many advertisements there are", () => {
    const ads = Array.from({ length: 1000 }, (_, index) =>
      advertisement({ name: `ad-${String(index).padStart(3, "0")}`, serviceSelectors: [selector("app=other")] }),
    );
    const speaker = new TestSpeaker("iris2").config(pool("default", POOL, ads)).nodes(node("iris2"));
    speaker.service("default/web", service(["10.20.30.1"])).endpoints("default/web", endpointsOn("iris2"));
    expect(speaker.start().wait(60).trace()).toEqual([
      'event web Warning notAnnounced: no node announces ["10.20.30.1"]: the Service matches the serviceSelectors of no L2Advertisement ("ad-000", "ad-001", "ad-002", "ad-003", "ad-004" and 995 more)',
    ]);
  });

  it("is not said during a rollout that takes less than five seconds, and again only when it is something else", () => {
    const speaker = announcing();
    speaker.endpoints("default/web", endpointsOn()).wait(4).endpoints("default/web", endpointsOn("iris1")).wait(60);
    expect(speaker.trace().filter((entry) => entry.includes("notAnnounced"))).toEqual([]);
    speaker
      .members("iris2")
      .endpoints("default/web", endpointsOn())
      .wait(10)
      .service("default/web", service(["10.20.30.1"]))
      .wait(60);
    speaker
      .config(pool("default", POOL, []))
      .endpoints("default/web", endpointsOn("iris1"))
      .wait(60);
    expect(speaker.trace().filter((entry) => entry.includes("notAnnounced"))).toEqual([
      'event web Warning notAnnounced: no node announces ["10.20.30.1"]: the Service has no endpoint that is ready or serving',
      'event web Warning notAnnounced: no node announces ["10.20.30.1"]: neither an L2Advertisement nor a BGPAdvertisement selects pool "default"',
    ]);
  });
});
