import { describe, expect, it } from "vitest";
import { type SpeakerOptions } from "./speaker-process.ts";
import { encodeBase64 } from "../api/base64.ts";
import { ERRORS, type ErrorCode } from "../wire/bgp/error-codes.ts";
import { decodeArp, encodeArp } from "../wire/arp.ts";
import { decodeEthernet, encodeEthernet, ETHER_TYPES } from "../wire/ethernet.ts";
import { hex } from "../wire/golden/hex.ts";
import { decodeIpv4, encodeIpv4 } from "../wire/ipv4.ts";
import { parseMac } from "../wire/mac.ts";
import { parseIp } from "../wire/ip.ts";
import { encodeUtf8 } from "../wire/text.ts";
import { millis, seconds } from "../wire/time.ts";
import { Cluster, inSystem, type Item, meta } from "./test-cluster.ts";
import { Routers } from "./test-router.ts";

const peer = (name: string, spec: object = {}): Item => ({
  apiVersion: "metallb.io/v1beta2",
  kind: "BGPPeer",
  metadata: inSystem(name),
  spec: { myASN: 64512, peerASN: 64513, peerAddress: "192.0.2.1", ...spec },
});

const advertisement = (spec: object = {}, annotations: object = {}): Item => ({
  apiVersion: "metallb.io/v1beta1",
  kind: "BGPAdvertisement",
  metadata: inSystem("bgp", { annotations }),
  spec,
});

const secret = (password: string): Item => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: inSystem("tor-password"),
  type: "kubernetes.io/basic-auth",
  data: { password: encodeBase64(encodeUtf8(password)) },
});

/** FRR 8.4.4, `neighbor IF interface`: its router advertisement. */
const FRR_ADVERTISEMENT = hex(`
  333300000001 02000000020b 86dd
  6007616b 0018 3a ff fe80000000000000000000fffe00020b ff020000000000000000000000000001
  86 00 35f3 40 00 001e 00000000 00000000
  01 01 02000000020b`);

const ROUTER_MAC = parseMac("02:00:00:00:00:01");

/** A speaker on n1 that announces 192.0.2.101 to its peers, and the routers that they are. */
class World {
  readonly cluster: Cluster;
  readonly routers: Routers;
  #written: readonly string[] = [];

  constructor(peers: readonly Item[], options: Partial<SpeakerOptions> = {}) {
    this.cluster = new Cluster(options);
    this.cluster.items["l2advertisements"] = [];
    this.cluster.items["bgpadvertisements"] = [advertisement()];
    this.cluster.items["bgppeers"] = [...peers];
    this.routers = new Routers(this.cluster);
  }

  start(): this {
    this.cluster.start("192.0.2.11/24", "2001:db8::11/64", "fe80::1/64");
    return this;
  }

  /** What the routers heard since the last call. */
  heard(): readonly string[] {
    return this.routers.take();
  }

  /** The events that were written since the last call, and what was logged. */
  said(): readonly string[] {
    this.#written = this.cluster.take();
    return this.#written.filter((entry) => /^(POST|PATCH) events|^bgp|^bfd/.test(entry));
  }

  change(plural: string, type: "ADDED" | "MODIFIED" | "DELETED", object: Item): this {
    this.cluster.change(plural, type, object);
    return this;
  }

  wait(count: number): this {
    this.cluster.wait(seconds(count));
    return this;
  }

  metrics(peerLabel: string): readonly string[] {
    const lines = this.cluster.process.metrics.expose().split("\n");
    return lines.filter((line) => line.includes(`peer="${peerLabel}"`) && !line.endsWith(" 0"));
  }
}

const ROUTE = "announce 192.0.2.101/32 via 192.0.2.11, path 64512";
const UP = ["192.0.2.1 open as=64512 id=192.0.2.11 hold=180s", `192.0.2.1 ${ROUTE}`, "192.0.2.1 end 1"];

describe("BGP in the speaker process", () => {
  it("dials the peers of its node and announces Services to them, with status and events", () => {
    const world = new World([peer("tor")]).start();
    expect(world.heard()).toEqual(["dial 192.0.2.1 ttl=255", ...UP]);
    expect(world.cluster.take()).toEqual([
      "openLink",
      "service.announced default/web bgp 192.0.2.101",
      'POST configurationstates ""',
      'POST events nodeAssigned: announcing from node "n1" with protocol "bgp"',
      'POST servicebgpstatuses ""',
      expect.stringMatching(/^PUT configurationstates/),
      'PATCH servicebgpstatuses/bgp-abc/status {"node":"n1","serviceName":"web","serviceNamespace":"default","peers":["tor"]}',
      "bgp.session.up tor 192.0.2.1 192.0.2.11 64513 192.0.2.1 ipv4 90 false",
      'POST events SessionUp: node "n1" has a session with 192.0.2.1',
    ]);
  });

  it("takes a Service back when its endpoints go, and its status", () => {
    const world = new World([peer("tor")]).start();
    world.heard();
    world.cluster.take();
    const [slice] = world.cluster.items["endpointslices"] ?? [];
    if (slice === undefined) throw new Error("no slice");
    world.change("endpointslices", "MODIFIED", { ...slice, endpoints: [] });
    expect(world.heard()).toEqual(["192.0.2.1 withdraw 192.0.2.101/32"]);
    expect(world.cluster.take()).toEqual([
      "service.withdrawn default/web bgp noEndpoints",
      'DELETE servicebgpstatuses/bgp-abc ""',
    ]);
  });

  it("says what annotations of a BGPAdvertisement ask for", () => {
    const world = new World([peer("tor")]).start();
    world.heard();
    const annotations = {
      "assay.dev/med": "50",
      "assay.dev/as-path-prepend": "1",
      "assay.dev/graceful-shutdown": "true",
    };
    world.change("bgpadvertisements", "MODIFIED", advertisement({}, annotations));
    expect(world.heard()).toEqual([
      "192.0.2.1 announce 192.0.2.101/32 via 192.0.2.11, path 64512 64512, med 50, 65535:0",
    ]);
  });

  it("says once that advertisements contradict each other, and announces nothing", () => {
    const world = new World([peer("tor")]).start();
    world.heard();
    world.said();
    const selectors = [{ matchExpressions: [{ key: "absent", operator: "DoesNotExist" }] }];
    world.change("bgpadvertisements", "MODIFIED", advertisement({ localPref: 100, serviceSelectors: selectors }));
    const other = advertisement({ localPref: 200, serviceSelectors: selectors, peers: ["tor"] });
    world.change("bgpadvertisements", "ADDED", { ...other, metadata: inSystem("other") });
    expect(world.heard()).toEqual(["192.0.2.1 withdraw 192.0.2.101/32"]);
    const conflict =
      'BGPAdvertisement "bgp" with localPref 100 and BGPAdvertisement "other" with localPref 200 would tell a peer the same prefix';
    expect(world.said()).toEqual([
      `POST events conflictingAdvertisements: not announced with protocol "bgp": ${conflict}`,
    ]);
    expect(world.cluster.process.bgpServices()).toEqual([
      { service: "default/web", announced: false, because: "conflictingAdvertisements", detail: conflict },
    ]);
    const [slice] = world.cluster.items["endpointslices"] ?? [];
    if (slice === undefined) throw new Error("no slice");
    const ready = { conditions: { ready: true }, nodeName: "n2", addresses: ["10.0.0.2"] };
    world.change("endpointslices", "MODIFIED", { ...slice, endpoints: [ready] });
    expect(world.said()).toEqual([]);
    // Nobody else announces it either.
    expect(world.wait(10).said()).toEqual([`POST events notAnnounced: no node announces ["192.0.2.101"]: ${conflict}`]);
  });
});

describe("what a peer says wrongly", () => {
  // NLRI without any attribute (CVE-2023-46753).
  const UPDATE = "ffffffffffffffffffffffffffffffff001c020000000020c6336401";
  const faulty = (action: string): string =>
    `assay_bgp_update_faults{peer="192.0.2.1:179",vrf="default",action="${action}"}`;

  it("is counted, and logged whole once a minute, other mistakes once a second (RFC 7606 section 8)", () => {
    const world = new World([peer("tor")]).start();
    world.said();
    const before = world.cluster.process.metrics.expose().split("\n");
    expect(before).toContain(`${faulty("treatAsWithdraw")} 0`);
    world.routers.say("192.0.2.1", hex(UPDATE + UPDATE));
    world.routers.say("192.0.2.1", hex(UPDATE));
    expect(world.cluster.take()).toEqual([
      `bgp.update.faulty tor 192.0.2.1 bgp.update.origin is missing treatAsWithdraw ${UPDATE}`,
    ]);
    expect(world.metrics("192.0.2.1:179")).toContain(`${faulty("treatAsWithdraw")} 9`);
    // ORIGIN 5.
    const another = hex(`${"ff".repeat(16)} 0020 02 0000 0004 40010105 20c6336401`);
    const logged = (): readonly string[] => world.cluster.take().filter((line) => line.startsWith("bgp.update"));
    world.routers.say("192.0.2.1", another);
    expect(logged()).toEqual([]);
    world.wait(1).routers.say("192.0.2.1", another);
    expect(logged()).toEqual([expect.stringMatching(/^bgp\.update\.faulty .* origin.value is 5/)]);
    world.wait(59).routers.say("192.0.2.1", another);
    expect(logged()).toEqual([]);
    world.wait(1).routers.say("192.0.2.1", another);
    expect(logged()).toHaveLength(1);
  });

  it("is counted at once also where nothing else comes of it", () => {
    const world = new World([peer("tor")]).start();
    world.routers.say("192.0.2.1", hex("ffffffffffffffffffffffffffffffff001702000000 00"));
    expect(world.metrics("192.0.2.1:179")).toContain(
      'metallb_bgp_updates_total_received{peer="192.0.2.1:179",vrf="default"} 1',
    );
  });
});

describe("the fields of a BGPPeer", () => {
  const V1BETA1 = { ...peer("tor"), apiVersion: "metallb.io/v1beta1" };
  const rows: readonly (readonly [string, Item, readonly [dial: string, open: string]])[] = [
    ["none", peer("tor"), ["dial 192.0.2.1 ttl=255", "open as=64512 id=192.0.2.11 hold=180s"]],
    ["v1beta1: timers of zero", V1BETA1, ["dial 192.0.2.1 ttl=255", "open as=64512 id=192.0.2.11 hold=0s"]],
    [
      "peerPort, sourceAddress, holdTime, routerID",
      peer("tor", { peerPort: 1179, sourceAddress: "192.0.2.11", holdTime: "9s", routerID: "10.9.8.7" }),
      ["dial 192.0.2.1 port=1179 source=192.0.2.11 ttl=255", "open as=64512 id=10.9.8.7 hold=9s"],
    ],
    [
      "localASN",
      peer("tor", { localASN: 4_200_000_000 }),
      ["dial 192.0.2.1 ttl=255", "open as=4200000000 id=192.0.2.11 hold=180s"],
    ],
    [
      "ebgpMultiHop",
      peer("tor", { ebgpMultiHop: true }),
      ["dial 192.0.2.1 ttl=255", "open as=64512 id=192.0.2.11 hold=180s"],
    ],
    [
      "peerASN of our own AS",
      peer("tor", { myASN: 64513 }),
      ["dial 192.0.2.1 ttl=255", "open as=64513 id=192.0.2.11 hold=180s"],
    ],
    [
      "dynamicASN internal",
      peer("tor", { myASN: 64513, peerASN: undefined, dynamicASN: "internal" }),
      ["dial 192.0.2.1 ttl=255", "open as=64513 id=192.0.2.11 hold=180s"],
    ],
    [
      "dynamicASN external",
      peer("tor", { peerASN: undefined, dynamicASN: "external" }),
      ["dial 192.0.2.1 ttl=255", "open as=64512 id=192.0.2.11 hold=180s"],
    ],
    [
      "vrf",
      peer("tor", { vrf: "red" }),
      ["dial 192.0.2.1 device=red ttl=255", "open as=64512 id=192.0.2.11 hold=180s"],
    ],
    [
      "password",
      peer("tor", { password: "swordfish" }),
      ["dial 192.0.2.1 ttl=255 key=swordfish", "open as=64512 id=192.0.2.11 hold=180s"],
    ],
    [
      "an IPv6 address: the identifier is the IPv4 address of its interface",
      peer("tor", { peerAddress: "2001:db8::1" }),
      ["dial 2001:db8::1 ttl=255", "open as=64512 id=192.0.2.11 hold=180s"],
    ],
  ];
  it.each(rows)("%s", (_, object, [dial, open]) => {
    const world = new World([object]).start();
    const [dialled, said] = world.heard();
    expect([dialled, said?.replace(/^\S+ /, "")]).toEqual([dial, open]);
    expect(world.cluster.process.bgpPeers()).toMatchObject([{ name: "tor", state: "established" }]);
  });

  it("dualStackAddressFamily: both families over one session, each with its next hop", () => {
    const world = new World([peer("tor", { peerAddress: "2001:db8::1", dualStackAddressFamily: true })]).start();
    expect(world.heard().slice(2)).toEqual([
      "2001:db8::1 announce 192.0.2.101/32 via 192.0.2.11, path 64512",
      "2001:db8::1 end 1",
      "2001:db8::1 end 2",
    ]);
  });

  it("dualStackAddressFamily: the next hop of the other family follows the addresses of the interface", () => {
    const world = new World([peer("tor", { peerAddress: "2001:db8::1", dualStackAddressFamily: true })]).start();
    world.heard();
    const IPV6 = ["2001:db8::11/64", "fe80::1/64"];
    const PATH = "path 64512";
    const told = (...ipv4: readonly string[]): readonly string[] => {
      world.cluster.links(...ipv4, ...IPV6);
      return world.heard();
    };
    // One that is added in front changes nothing while the first is there.
    expect(told("192.0.2.99/24", "192.0.2.11/24")).toEqual([]);
    expect(told("192.0.2.99/24")).toEqual([`2001:db8::1 announce 192.0.2.101/32 via 192.0.2.99, ${PATH}`]);
    expect(told()).toEqual(["2001:db8::1 withdraw 192.0.2.101/32"]);
    expect(told("192.0.2.12/24")).toEqual([`2001:db8::1 announce 192.0.2.101/32 via 192.0.2.12, ${PATH}`]);
    expect(world.cluster.process.bgpPeers()).toMatchObject([{ routes: [{ nextHop: "192.0.2.12" }], pending: 0 }]);
  });

  it("interface: the peer is who advertises itself there, over its link-local address, for both families", () => {
    const world = new World([peer("tor", { peerAddress: undefined, interface: "eth0" })]).start();
    expect(world.cluster.process.bgpPeers()).toMatchObject([{ interface: "eth0", address: undefined, pending: 1 }]);
    // One capture serves BGP and layer 2.
    expect(world.cluster.take().filter((entry) => entry.endsWith("Link"))).toEqual(["openLink"]);
    world.routers.local = { ...world.routers.local, ipv6: parseIp("fe80::1") };
    world.routers.capabilities = [{ kind: "extendedNextHop", encodings: [{ afi: 1, safi: 1, nextHopAfi: 2 }] }];
    world.cluster.deliver({ kind: "frame", link: "eth0", bytes: FRR_ADVERTISEMENT });
    expect(world.heard().slice(0, 3)).toEqual([
      "dial fe80::ff:fe00:20b device=eth0 ttl=255",
      "fe80::ff:fe00:20b open as=64512 id=192.0.2.11 hold=180s",
      "fe80::ff:fe00:20b announce 192.0.2.101/32 via 2001:db8::11 and fe80::1, path 64512",
    ]);
    expect(world.metrics("eth0:179")).toContain('metallb_bgp_session_up{peer="eth0:179",vrf="default"} 1');
  });

  it("a minimum TTL is asked for by a flag only", () => {
    const world = new World([peer("tor"), peer("far", { ebgpMultiHop: true, peerAddress: "198.51.100.1" })], {
      bgp: { requireTtl: true },
    }).start();
    expect(world.heard().filter((entry) => entry.startsWith("dial"))).toEqual([
      "dial 198.51.100.1 ttl=255",
      "dial 192.0.2.1 ttl=255 minTtl=255",
    ]);
  });
});

describe("changes of peers", () => {
  const OTHER = peer("other", { peerAddress: "192.0.2.2" });

  it("touch only the sessions that they concern", () => {
    const world = new World([peer("tor"), OTHER]).start();
    world.heard();
    world.change("bgppeers", "MODIFIED", peer("tor", { holdTime: "30s" }));
    expect(world.heard()).toEqual([
      "192.0.2.1 notification Cease/Other Configuration Change",
      "192.0.2.1 closed",
      "dial 192.0.2.1 ttl=255",
      "192.0.2.1 open as=64512 id=192.0.2.11 hold=30s",
      ...UP.slice(1),
    ]);
    world.change("bgppeers", "DELETED", peer("tor", { holdTime: "30s" }));
    expect(world.heard()).toEqual(["192.0.2.1 notification Cease/Peer De-configured", "192.0.2.1 closed"]);
    expect(world.wait(300).heard()).toEqual([]);
    expect(world.cluster.process.bgpPeers().map(({ name, state }) => [name, state])).toEqual([
      ["other", "established"],
    ]);
  });

  it("take the series of a peer along", () => {
    const world = new World([peer("tor")]).start();
    expect(world.metrics("192.0.2.1:179")).toEqual([
      'metallb_bgp_session_up{peer="192.0.2.1:179",vrf="default"} 1',
      'metallb_bgp_announced_prefixes_total{peer="192.0.2.1:179",vrf="default"} 1',
      // A route and the End-of-RIB.
      'metallb_bgp_updates_total{peer="192.0.2.1:179",vrf="default"} 2',
      'metallb_bgp_opens_sent{peer="192.0.2.1:179",vrf="default"} 1',
      'metallb_bgp_opens_received{peer="192.0.2.1:179",vrf="default"} 1',
      'metallb_bgp_keepalives_sent{peer="192.0.2.1:179",vrf="default"} 1',
      'metallb_bgp_keepalives_received{peer="192.0.2.1:179",vrf="default"} 1',
      'metallb_bgp_total_sent{peer="192.0.2.1:179",vrf="default"} 4',
      'metallb_bgp_total_received{peer="192.0.2.1:179",vrf="default"} 2',
    ]);
    world.change("bgppeers", "DELETED", peer("tor"));
    expect(world.cluster.process.metrics.expose()).not.toContain("192.0.2.1:179");
  });

  it("leave the series of another session with the same address", () => {
    const second = peer("second", { sourceAddress: "192.0.2.12" });
    const world = new World([peer("tor"), second]).start();
    const told = (): readonly string[] =>
      world.metrics("192.0.2.1:179").filter((line) => /session_up|announced|opens_sent/.test(line));
    const LABELS = '{peer="192.0.2.1:179",vrf="default"}';
    expect(told()).toEqual([
      `metallb_bgp_session_up${LABELS} 1`,
      `metallb_bgp_announced_prefixes_total${LABELS} 2`,
      `metallb_bgp_opens_sent${LABELS} 2`,
    ]);
    world.change("bgppeers", "DELETED", second);
    expect(told()).toEqual([
      `metallb_bgp_session_up${LABELS} 1`,
      `metallb_bgp_announced_prefixes_total${LABELS} 1`,
      `metallb_bgp_opens_sent${LABELS} 1`,
    ]);
  });

  it("by labels of the node", () => {
    const selected = peer("tor", { nodeSelectors: [{ matchLabels: { rack: "a" } }] });
    const world = new World([selected]).start();
    expect(world.heard()).toEqual([]);
    const node: Item = { apiVersion: "v1", kind: "Node", metadata: meta("n1", undefined, { labels: { rack: "a" } }) };
    world.change("nodes", "MODIFIED", { ...node, status: {} });
    expect(world.heard()).toEqual(["dial 192.0.2.1 ttl=255", ...UP]);
    world.change("nodes", "MODIFIED", { ...node, metadata: meta("n1"), status: {} });
    expect(world.heard()).toEqual(["192.0.2.1 notification Cease/Peer De-configured", "192.0.2.1 closed"]);
  });

  it("of a password in a Secret: without it there is no session, with another one there is another session", () => {
    const world = new World([peer("tor", { passwordSecret: { name: "tor-password" } })]).start();
    expect(world.wait(60).heard()).toEqual([]);
    expect(world.cluster.take()).toContainEqual(expect.stringMatching(/^config.invalid .*secret ref not found/));
    world.change("secrets", "ADDED", secret("swordfish"));
    expect(world.heard()[0]).toBe("dial 192.0.2.1 ttl=255 key=swordfish");
    world.change("secrets", "MODIFIED", secret("haddock"));
    expect(world.heard().slice(0, 3)).toEqual([
      "192.0.2.1 notification Cease/Other Configuration Change",
      "192.0.2.1 closed",
      "dial 192.0.2.1 ttl=255 key=haddock",
    ]);
    expect(world.cluster.take().join("\n")).not.toMatch(/swordfish|haddock/);
  });
});

describe("what people hear of a session", () => {
  it("is why it went down and that it came back", () => {
    const world = new World([peer("tor")]).start();
    world.said();
    const text = encodeUtf8("moving\u001b[31m racks");
    world.routers.notify("192.0.2.1", ERRORS.administrativeShutdown, Uint8Array.of(text.length, ...text));
    const because = "received Cease/Administrative Shutdown: moving\ufffd[31m racks";
    expect(world.said()).toEqual([
      `bgp.session.down tor 192.0.2.1 ${because} 0`,
      `POST events SessionDown: node "n1" lost its session with 192.0.2.1: ${because}`,
    ]);
    expect(world.cluster.process.bgpPeers()).toMatchObject([
      { state: "idle", pending: 1, lastError: { text: because } },
    ]);
    expect(world.wait(60).said()).toEqual([
      "bgp.session.up tor 192.0.2.1 192.0.2.11 64513 192.0.2.1 ipv4 90 false",
      expect.stringMatching(/^PATCH events/),
    ]);
  });

  it("is said once while attempts go on failing for the same reason", () => {
    const world = new World([peer("tor")]);
    world.routers.answer = "refuse";
    world.start().wait(120);
    const dials = world.heard().length;
    expect(dials).toBeGreaterThan(20);
    expect(dials).toBeLessThan(60);
    expect(world.said()).toEqual([
      'POST events nodeAssigned: announcing from node "n1" with protocol "bgp"',
      "bgp.session.failed tor 192.0.2.1 connection lost: ECONNREFUSED",
      'POST events SessionFailed: node "n1" gets no session with 192.0.2.1: connection lost: ECONNREFUSED',
    ]);
  });

  it("is that the router is in another AS", () => {
    const world = new World([peer("tor")]);
    world.routers.asn = 64999;
    world.start().wait(60);
    expect(world.said().slice(1)).toEqual([
      "bgp.session.failed tor 192.0.2.1 sent OPEN Message Error/Bad Peer AS (AS 64999 instead of 64513)",
      'POST events SessionFailed: node "n1" gets no session with 192.0.2.1: sent OPEN Message Error/Bad Peer AS (AS 64999 instead of 64513)',
    ]);
  });

  it.each<readonly [string, ErrorCode, number]>([
    ["maximum prefixes", ERRORS.maximumNumberOfPrefixesReached, 30],
    ["shutdown", ERRORS.administrativeShutdown, 15],
    ["reset", ERRORS.administrativeReset, 1],
    ["rejected", ERRORS.connectionRejected, 15],
    ["out of resources", ERRORS.outOfResources, 30],
  ])("and it rests after %s", (_, error, rest) => {
    const world = new World([peer("tor")]).start();
    world.heard();
    world.routers.notify("192.0.2.1", error);
    world.heard();
    // RFC 4271 section 10: the jitter takes up to a quarter.
    world.cluster.wait(millis(rest * 750 - 1));
    expect(world.heard()).toEqual([]);
    world.cluster.wait(millis(rest * 250 + 1));
    expect(world.heard()[0]).toBe("dial 192.0.2.1 ttl=255");
  });
});

describe("a speaker that stops", () => {
  const restart = { kind: "gracefulRestart", restarting: false, restartTime: seconds(120) } as const;
  const families = [{ afi: 1, safi: 1, forwardingPreserved: true }];
  const SHUTDOWN = "192.0.2.1 notification Cease/Administrative Shutdown: speaker stops";

  it.each([
    ["without graceful restart", {}, [], [SHUTDOWN, "192.0.2.1 closed"]],
    ["with it", { enableGracefulRestart: true }, [{ ...restart, notification: false, families }], ["192.0.2.1 closed"]],
    [
      "with it, and a peer that keeps routes after a NOTIFICATION (RFC 8538)",
      { enableGracefulRestart: true },
      [{ ...restart, notification: true, families }],
      [SHUTDOWN, "192.0.2.1 closed"],
    ],
    ["with it, and a peer without", { enableGracefulRestart: true }, [], [SHUTDOWN, "192.0.2.1 closed"]],
  ])("%s", (_, spec, capabilities, expected) => {
    const world = new World([peer("tor", spec)]);
    world.routers.capabilities = capabilities;
    world.start().heard();
    world.said();
    world.cluster.deliver({ kind: "stop" });
    expect(world.heard()).toEqual(expected);
    expect(world.cluster.take()).toEqual([expect.stringMatching(/^bgp.session.closed tor/), "exit"]);
  });

  it("waits for a peer that is slow to take its last words, but not for long", () => {
    const world = new World([peer("tor")]).start();
    world.heard();
    world.said();
    world.routers.holdBack("192.0.2.1", 5000);
    world.cluster.deliver({ kind: "stop" });
    expect(world.cluster.take()).not.toContain("exit");
    world.wait(1);
    expect(world.cluster.take()).toContain("exit");
  });
});

describe("BFD of a peer", () => {
  const profile = (spec: object): Item => ({
    apiVersion: "metallb.io/v1beta1",
    kind: "BFDProfile",
    metadata: inSystem("fast"),
    spec,
  });

  function watched(): World {
    const world = new World([peer("tor", { bfdProfile: "fast" })]);
    world.cluster.items["bfdprofiles"] = [profile({ transmitInterval: 100, receiveInterval: 100 })];
    world.start();
    return world;
  }

  it("does not wait for the session: a router may wait for BFD", () => {
    const world = new World([peer("tor", { bfdProfile: "fast" })]);
    world.cluster.items["bfdprofiles"] = [profile({ transmitInterval: 100, receiveInterval: 100 })];
    world.routers.answer = "refuse";
    world.start();
    expect(world.wait(5).said()).toContain("bfd.session.changed tor down up peerInit");
    world.routers.answer = "accept";
    world.wait(6);
    expect(world.cluster.process.bgpPeers()).toMatchObject([{ state: "established", bfd: { counters: { ups: 1 } } }]);
    expect(world.heard()).not.toContain("192.0.2.1 bfd adminDown");
  });

  it("takes the session down when it falls silent", () => {
    const world = watched();
    expect(world.wait(5).said()).toContain("bfd.session.changed tor down up peerInit");
    world.heard();
    world.routers.watched = false;
    world.wait(1);
    expect(world.heard().slice(0, 2)).toEqual(["192.0.2.1 notification Cease/BFD Down", "192.0.2.1 closed"]);
    expect(world.said().slice(0, 2)).toEqual([
      "bfd.session.changed tor up down detectionTimeExpired",
      expect.stringMatching(/^bgp.session.down tor 192.0.2.1 sent Cease\/BFD Down/),
    ]);
  });

  it("is told that it is no failure when the peer goes, and changes with its profile without harm to the session", () => {
    const world = watched();
    world.wait(5).heard();
    world.change("bfdprofiles", "MODIFIED", profile({ transmitInterval: 200, receiveInterval: 200 }));
    world.wait(5);
    expect(world.heard()).toEqual([]);
    expect(world.cluster.process.bgpPeers()).toMatchObject([{ bfd: { state: "up", transmitInterval: millis(200) } }]);
    world.change("bgppeers", "DELETED", peer("tor", { bfdProfile: "fast" }));
    expect(world.heard()).toEqual([
      "192.0.2.1 notification Cease/Peer De-configured",
      "192.0.2.1 closed",
      "192.0.2.1 bfd adminDown",
    ]);
  });

  /** RFC 5881 section 4: the router answers for its address, and forwards what is addressed to its sender back to it. */
  function forwarded(bytes: Uint8Array): Uint8Array | undefined {
    const { source, destination, etherType, payload } = decodeEthernet(bytes);
    if (etherType === ETHER_TYPES.arp) {
      const { senderMac, senderIp, targetIp } = decodeArp(payload);
      const reply = { operation: "reply", senderMac: ROUTER_MAC, senderIp: targetIp, targetMac: senderMac } as const;
      const arp = encodeArp({ ...reply, targetIp: senderIp });
      return encodeEthernet({ source: ROUTER_MAC, destination: senderMac, etherType, payload: arp });
    }
    if (etherType !== ETHER_TYPES.ipv4 || destination !== ROUTER_MAC) return undefined;
    const packet = decodeIpv4(payload);
    const sentOn = encodeIpv4({ ...packet, ttl: packet.ttl - 1 });
    return encodeEthernet({ source: ROUTER_MAC, destination: source, etherType, payload: sentOn });
  }

  it("has its Echo packets back from the capture of the interface, and goes down when they stay away", () => {
    const world = new World([peer("tor", { bfdProfile: "fast" })]);
    const { cluster } = world;
    cluster.items["bfdprofiles"] = [profile({ echoMode: true, echoInterval: 100 })];
    const { network } = cluster;
    let forwards = true;
    cluster.network = (effect) => {
      const back = effect.kind === "sendFrame" && forwards ? forwarded(effect.bytes) : undefined;
      if (effect.kind === "sendFrame" && back !== undefined) {
        cluster.deliver({ kind: "frame", link: effect.link, bytes: back });
      }
      return effect.kind === "sendFrame" || network(effect);
    };
    world.start().wait(10).heard();
    const [view] = cluster.process.bgpPeers();
    expect(view?.bfd?.counters.echoIn).toBeGreaterThan(50);
    forwards = false;
    world.said();
    expect(world.wait(1).said()).toContain("bfd.session.changed tor up down echoFailed");
    expect(world.heard()[0]).toBe("192.0.2.1 notification Cease/BFD Down");
  });
});
