// Expected: RFC 4271 (timers, collisions), RFC 4486 (maximum of prefixes), RFC 2918 and 7313 (refresh), RFC 9003 (text).
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { encodeNotification, notification, notificationWithText } from "../../../impl/wire/bgp/notification.ts";
import { packUpdates } from "../../../impl/wire/bgp/pack.ts";
import { pathOf } from "../../../impl/wire/bgp/as-path.ts";
import { encodeRouteRefresh } from "../../../impl/wire/bgp/route-refresh.ts";
import { unicast } from "../../../impl/wire/bgp/families.ts";
import { parseIp } from "../../../impl/wire/ip.ts";
import { parsePrefix } from "../../../impl/wire/prefix.ts";
import { encodeUtf8 } from "../../../impl/wire/text.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { frrConfig, TestNetwork } from "../test-network.ts";
import { openOf, TestPeer } from "../test-peer.ts";

const base = (lines: readonly string[] = [], family: readonly string[] = []): string =>
  [
    "router bgp 64501",
    " bgp router-id 10.0.0.1",
    " no bgp ebgp-requires-policy",
    " neighbor 10.0.0.2 remote-as 64500",
    " neighbor 10.0.0.2 passive",
    ...lines.map((line) => ` ${line}`),
    " address-family ipv4 unicast",
    ...family.map((line) => `  ${line}`),
    " exit-address-family",
  ].join("\n");

const routes = (...prefixes: readonly string[]): Uint8Array => {
  const attributes = { origin: "igp", asPath: pathOf(64_500) } as const;
  const all = prefixes.map((prefix) => parsePrefix(prefix));
  const [message] = packUpdates([{ prefixes: all, nextHop: parseIp("10.0.0.2"), attributes }], { asSize: 4 }).messages;
  return message ?? new Uint8Array();
};

function session(config: string, open = openOf(64_500, "10.0.0.2")) {
  const network = new TestNetwork();
  const router = network.router("router", config);
  const peer = new TestPeer(network.host("peer"), { to: parseIp("10.0.0.1"), open }).dial();
  network.run(0.5);
  network.take();
  const state = (): string | undefined => router.neighbors()[0]?.state;
  return { network, router, peer, state };
}

const fib = (network: TestNetwork): readonly string[] =>
  (network.hosts.get("router")?.routes() ?? [])
    .filter(({ protocol }) => protocol === "daemon")
    .map(({ prefix }) => prefix);

describe("a session", () => {
  it("ends when nothing is heard for the hold time, and the routes go 61 ms later", () => {
    const { network, peer, state } = session(base(), openOf(64_500, "10.0.0.2", { holdTime: seconds(9) }));
    peer.say(routes("203.0.113.1/32"));
    network.run(1);
    expect([state(), fib(network)]).toEqual(["established", ["203.0.113.1/32"]]);
    network.take();
    network.run(20);
    expect(network.take("bgp", "rib", "fib")).toEqual([
      "9.500 router bgp 10.0.0.2 (incoming) established->idle: hold timer expired",
      "9.500 router rib 203.0.113.1/32 no path",
      "9.561 router fib 203.0.113.1/32 gone",
      "10.500 router bgp 10.0.0.2 idle->active: started",
    ]);
    expect(peer.take()).toContain("notification 4/0");
  });

  it("hears KEEPALIVEs at three quarters to the whole of a third of the hold time", () => {
    const { network, peer } = session(base(), openOf(64_500, "10.0.0.2", { holdTime: seconds(30) }));
    peer.take();
    network.run(29);
    const count = peer.take().length;
    expect(count).toBeGreaterThanOrEqual(2);
    expect(count).toBeLessThanOrEqual(3);
  });

  it.each([
    ["another AS", openOf(64_499, "10.0.0.2"), "notification 2/2"],
    [
      "no family in common",
      openOf(64_500, "10.0.0.2", { capabilities: [{ kind: "multiprotocol", afi: 25, safi: 65 }] }),
      "notification 2/7",
    ],
  ])("is refused to %s", (_, open, said) => {
    const { peer, state } = session(base(), open);
    expect([peer.take().at(-1), state()]).toEqual([said, "active"]);
  });

  it("is refused to who is not known, without a word", () => {
    const { peer } = session(base().replaceAll("10.0.0.2", "10.0.0.77"));
    expect([peer.take(), peer.closed]).toEqual([[], "end"]);
  });

  it("needs the right key (RFC 2385)", () => {
    const attempt = (md5Key?: string): string | undefined => {
      const network = new TestNetwork();
      const router = network.router("router", base(["neighbor 10.0.0.2 password secret"]));
      const key = md5Key === undefined ? {} : { md5Key: encodeUtf8(md5Key) };
      new TestPeer(network.host("peer"), { to: parseIp("10.0.0.1"), open: openOf(64_500, "10.0.0.2"), ...key }).dial();
      network.run(2);
      return router.neighbors()[0]?.state;
    };
    expect([attempt("secret"), attempt("wrong"), attempt()]).toEqual(["established", "active", "active"]);
  });

  it("of a range exists while it lasts", () => {
    const range = [
      "neighbor nodes peer-group",
      "neighbor nodes remote-as external",
      "bgp listen range 10.0.0.0/24 peer-group nodes",
    ];
    const config = base(range, ["neighbor nodes activate"]).replaceAll(/ neighbor 10.*\n/g, "");
    const { network, router, peer } = session(config);
    expect(router.neighbors().map(({ state, remoteAs }) => [state, remoteAs])).toEqual([["established", 64_500]]);
    peer.say(encodeNotification(notification(ERRORS.administrativeReset)));
    network.run(1);
    expect(router.neighbors()).toEqual([]);
    peer.dial();
    network.run(1);
    expect(
      router.neighbors().map(({ established, notificationsReceived }) => [established, ...notificationsReceived]),
    ).toEqual([[2, "6/4"]]);
  });
});

describe("what operators do", () => {
  it("`shutdown` with a text", () => {
    const { network, router, peer, state } = session(base());
    router.configure(frrConfig(base(["neighbor 10.0.0.2 shutdown message moving racks"])));
    network.run(1);
    const said = notificationWithText(ERRORS.administrativeShutdown, "moving racks");
    expect([peer.heard.at(-1), state()]).toEqual([said, "idle"]);
  });

  it("`clear`, hard and soft", () => {
    const { network, router, peer, state } = session(base());
    peer.take();
    router.clear(parseIp("10.0.0.2"), "soft");
    network.run(1);
    expect([peer.take(), state()]).toEqual([["routeRefresh request 1"], "established"]);
    router.clear(parseIp("10.0.0.2"), "hard");
    network.run(0.5);
    expect([peer.take(), state()]).toEqual([["notification 6/4"], "idle"]);
  });

  it("changes what does not concern a session without touching it", () => {
    const { network, router, state } = session(base());
    router.configure(frrConfig(base(["neighbor 10.0.0.9 remote-as 64509", "neighbor 10.0.0.2 description rack 1"])));
    network.run(5);
    expect([state(), router.neighbors().map(({ established }) => established)]).toEqual(["established", [1, 0]]);
    router.configure(frrConfig(base().replace("remote-as 64500", "remote-as 64555")));
    network.run(0.5);
    expect(router.neighbors().map(({ notificationsSent }) => notificationsSent)).toEqual([["6/6"]]);
  });
});

describe("refresh (RFC 2918)", () => {
  it("resends what was told, once for many requests", () => {
    const { network, peer } = session(base([], ["network 192.0.2.0/24"]) + "\nip route 192.0.2.0/24 Null0\n");
    peer.take();
    const request = encodeRouteRefresh({ kind: "routeRefresh", ...unicast("ipv4"), subtype: "request" });
    peer.say(...Array.from({ length: 50 }, () => request));
    network.run(1);
    expect(peer.take()).toEqual(["announce 192.0.2.0/24"]);
  });
});

describe("a maximum of prefixes (RFC 4486)", () => {
  const config = (more: string): string => base([], [`neighbor 10.0.0.2 maximum-prefix 2 ${more}`]);
  const tooMany = routes("203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32");

  it("ends the session, and names family and limit", () => {
    const { network, peer, state } = session(config(""));
    peer.say(tooMany);
    network.run(1);
    const said = notification(ERRORS.maximumNumberOfPrefixesReached, Uint8Array.of(0, 1, 1, 0, 0, 0, 2));
    expect([peer.heard.at(-1), state(), fib(network)]).toEqual([said, "idle", []]);
    peer.dial();
    network.run(600);
    expect(state()).toBe("idle");
  });

  it("lets it come back after the time", () => {
    const { network, peer, state } = session(config("restart 1"));
    peer.say(tooMany);
    network.run(59);
    expect(state()).toBe("idle");
    network.run(2);
    peer.dial();
    network.run(1);
    expect(state()).toBe("established");
  });

  it("is reached, and not exceeded, without harm", () => {
    const { network, peer, state } = session(config(""));
    peer.say(routes("203.0.113.1/32", "203.0.113.2/32"));
    network.run(1);
    expect([state(), fib(network).length]).toEqual(["established", 2]);
  });

  it("may only warn", () => {
    const { network, peer, state } = session(config("warning-only"));
    peer.say(tooMany);
    network.run(1);
    expect([state(), fib(network).length]).toEqual(["established", 3]);
  });
});

describe("two routers that dial each other", () => {
  const config = (own: number, other: number): string =>
    `router bgp 6450${own}\n bgp router-id 10.0.0.${own}\n neighbor 10.0.0.${other} remote-as 6450${other}\n` +
    ` neighbor 10.0.0.${other} timers connect 3\n`;

  /** What is left where the second starts up to 0.4 ms after the first. */
  function outcome(seed: string): string {
    const network = new TestNetwork(seed);
    const a = network.router("a", config(1, 2));
    network.run(network.world.random("test").next() * 0.0004);
    const b = network.router("b", config(2, 1));
    network.run(15);
    const views = [a, b].flatMap((router) => router.neighbors());
    const sockets = [...network.hosts.values()].map(({ tcp }) => tcp.connections().filter(isEstablished));
    const dialled = sockets.map((all) =>
      all.map(({ remote }) => (remote.port === 179 ? "dialled" : "accepted")).join(),
    );
    return [...views.map(({ state, established }) => `${state} ${established}`), ...dialled].join(", ");
  }

  const isEstablished = ({ state }: { readonly state: string }): boolean => state === "established";

  it("keep the connection of the greater identifier, in whichever order they began", () => {
    const outcomes = Array.from({ length: 60 }, (_, index) => outcome(`seed ${index}`));
    expect(new Set(outcomes)).toEqual(new Set(["established 1, established 1, accepted, dialled"]));
  });
});
