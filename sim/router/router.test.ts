// What befalls routers. Expected: RFC 4271 and 4724 for their neighbours, Linux for the routes of daemons that are killed.
import { describe, expect, it } from "vitest";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { frrConfig, TestNetwork } from "./test-network.ts";

const config = (own: number, other: number, more: readonly string[] = []): string =>
  [
    `router bgp 6450${own}`,
    ` bgp router-id 10.0.0.${own}`,
    " no bgp ebgp-requires-policy",
    " no bgp network import-check",
    ` neighbor 10.0.0.${other} remote-as 6450${other}`,
    ` neighbor 10.0.0.${other} timers 3 9`,
    ` neighbor 10.0.0.${other} timers connect 2`,
    ...more.map((line) => ` ${line}`),
    " address-family ipv4 unicast",
    `  network 203.0.113.${own}/32`,
    " exit-address-family",
  ].join("\n");

function pair(seed?: string) {
  const network = new TestNetwork(seed);
  const a = network.router("a", config(1, 2));
  const b = network.router("b", config(2, 1));
  network.run(5);
  network.take();
  const routes = (name: string): string =>
    (network.hosts.get(name)?.routes() ?? [])
      .filter(({ protocol }) => protocol === "daemon")
      .map(({ prefix, nextHops }) => `${prefix} via ${nextHops.map(({ via }) => via).join(" ")}`)
      .join();
  return { network, a, b, routes };
}

describe("a router", () => {
  it("that is killed leaves its routes to the kernel; the neighbour sees the connection end", () => {
    const { network, a, b, routes } = pair();
    a.kill();
    network.run(1);
    expect([routes("a"), routes("b"), a.neighbors(), b.neighbors()[0]?.state]).toEqual([
      "203.0.113.2/32 via 10.0.0.2",
      "",
      [],
      "idle",
    ]);
    a.start();
    expect(routes("a")).toBe("");
    network.run(5);
    expect(routes("a")).toBe("203.0.113.2/32 via 10.0.0.2");
  });

  it("that is stopped is missed after the hold time, and goes on as if nothing had been", () => {
    const { network, a, b, routes } = pair();
    a.pause();
    network.run(5);
    expect([b.neighbors()[0]?.state, routes("b")]).toEqual(["established", "203.0.113.1/32 via 10.0.0.1"]);
    network.run(5);
    expect([b.neighbors()[0]?.notificationsSent.at(-1), routes("b")]).toEqual(["4/0", ""]);
    a.resume();
    network.run(10);
    expect([a, b].map((router) => router.neighbors()[0]?.state)).toEqual(["established", "established"]);
  });

  it("without power forgets everything, and comes back with it", () => {
    const { network, a, routes } = pair();
    const host = network.hosts.get("a");
    host?.powerOff();
    network.run(30);
    expect([routes("a"), routes("b"), a.running]).toEqual(["", "", false]);
    host?.powerOn();
    network.run(20);
    expect([routes("a"), routes("b"), a.running]).toEqual([
      "203.0.113.2/32 via 10.0.0.2",
      "203.0.113.1/32 via 10.0.0.1",
      true,
    ]);
  });

  it("drops the sessions of a link at once (fast external failover)", () => {
    const { network, a, routes } = pair();
    network.cables.get("a")?.setUp(false);
    network.run(0.1);
    expect([a.neighbors()[0]?.state, routes("a")]).toEqual(["idle", ""]);
  });

  it("does the same again with the same seed", () => {
    const [one, other, third] = ["same", "same", "other"].map((seed) => pair(seed).network.run(300).world.trace.hash());
    expect(one).toBe(other);
    expect(one).not.toBe(third);
  });

  it("prefers its own subnets and static routes to what neighbours tell", () => {
    const { network, b, routes } = pair();
    b.configure(frrConfig(`${config(2, 1)}\nexit\nip route 203.0.113.1/32 10.0.0.77`));
    network.run(1);
    expect([routes("b"), b.paths(parsePrefix("203.0.113.1/32")).length]).toEqual(["203.0.113.1/32 via 10.0.0.77", 1]);
    b.configure(frrConfig(config(2, 1)));
    network.run(1);
    expect(routes("b")).toBe("203.0.113.1/32 via 10.0.0.1");
  });

  // FRR 8.4 answers "% Operation not allowed on a dynamic neighbor"; BIRD takes a protocol of its own beside the range.
  it("gives no name to a neighbour that a listen range brought, if it is FRR", () => {
    const network = new TestNetwork();
    network.router("a", config(1, 2));
    const range = [
      "router bgp 64502",
      " no bgp ebgp-requires-policy",
      " neighbor others peer-group",
      " neighbor others remote-as external",
      " bgp listen range 10.0.0.0/24 peer-group others",
    ].join("\n");
    const b = network.router("b", range);
    const named = frrConfig(`${range}\n neighbor 10.0.0.1 peer-group others`);
    expect(b.refusal(named)).toBe(undefined);
    network.run(5);
    expect([b.refusal(named), b.refusal(frrConfig(range))]).toEqual([
      "10.0.0.1: Operation not allowed on a dynamic neighbor",
      undefined,
    ]);
  });
});

describe("neighbours of a link (RFC 4861, RFC 8950)", () => {
  const unnumbered = (own: number): string => `
router bgp 6450${own}
 bgp router-id 10.0.0.${own}
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor eth1 interface remote-as external
 address-family ipv4 unicast
  network 203.0.113.${own}/32
`;

  it("find each other by Router Advertisements and send IPv4 to link-local addresses", () => {
    const network = new TestNetwork();
    const a = network.router("a", unnumbered(1));
    network.router("b", unnumbered(2));
    network.run(3);
    expect(a.neighbors().map(({ address, link, state, remoteAs }) => [address, link, state, remoteAs])).toEqual([
      ["fe80::ff:fe00:2", "eth1", "established", 64_502],
    ]);
    expect(network.hosts.get("a")?.routesTo(parsePrefix("203.0.113.2/32"))[0]?.nextHops).toEqual([
      { via: "fe80::ff:fe00:2", device: "eth1", weight: 1 },
    ]);
  });
});
