import { describe, expect, it } from "vitest";
import { encodeOpen } from "../../../wire/bgp/open.ts";
import { parseIp, parseIpv4 } from "../../../wire/ip.ts";
import { type Micros, millis, seconds } from "../../../wire/time.ts";
import { bgpPeer } from "../test-bgp-peer.ts";
import { sessionConfig } from "./config.ts";
import { openFor } from "./negotiation.ts";

const configOf = (parts: Parameters<typeof bgpPeer>[0] = {}) =>
  sessionConfig(bgpPeer(parts), parseIpv4("192.0.2.1"), "iris1");

describe("what a BGPPeer means for its session", () => {
  it("without a word: the timers of FRR", () => {
    expect(configOf()).toEqual({
      localAsn: 64512,
      peerAsn: 64513,
      routerId: "192.0.2.1",
      holdTime: seconds(180),
      keepaliveTime: seconds(60),
      connectTime: undefined,
      families: ["ipv4"],
      extendedNextHop: false,
      gracefulRestart: false,
      hostName: "iris1",
    });
  });

  it("with everything", () => {
    const full = configOf({
      peerAsn: "external",
      localAsn: 64520,
      holdTime: seconds(30),
      keepaliveTime: seconds(10),
      connectTime: seconds(5),
      gracefulRestart: true,
    });
    expect(full).toMatchObject({
      localAsn: 64520,
      peerAsn: "external",
      holdTime: seconds(30),
      keepaliveTime: seconds(10),
      connectTime: seconds(5),
      gracefulRestart: true,
    });
  });

  it.each([
    ["an IPv4 address", {}, ["ipv4"]],
    ["an IPv6 address", { peer: { kind: "address", ip: parseIp("2001:db8::2") } }, ["ipv6"]],
    ["an address, for both families", { dualStackAddressFamily: true }, ["ipv4", "ipv6"]],
    ["an interface", { peer: { kind: "interface", name: "eth0" } }, ["ipv4", "ipv6"]],
  ] as const)("%s carries %j", (_, parts, families) => {
    expect(configOf(parts).families).toEqual(families);
  });

  // What the OPEN cannot say must not count here either: the peer would not keep to it.
  it.each<[string, Micros, Micros]>([
    ["less than a second", millis(500), seconds(0)],
    ["a part of a second", millis(3_500), seconds(3)],
    ["all that two bytes hold", seconds(65_535), seconds(65_535)],
    ["more than two bytes hold", seconds(65_536), seconds(65_535)],
  ])("a hold time of %s", (_, holdTime, offered) => {
    expect(configOf({ holdTime }).holdTime).toBe(offered);
  });

  // RFC 4724 section 3, RFC 8538 section 2: R and N, 120 s, and IPv4 unicast with its forwarding state.
  it.each([
    [true, "c078 0001 01 80"],
    [false, "4078 0001 01 80"],
  ])("offers graceful restart, restarting %s", (restarting, capability) => {
    const bytes = encodeOpen(openFor(configOf({ gracefulRestart: true }), restarting));
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    expect(hex).toContain(`4006${capability.replaceAll(" ", "")}`);
  });
});
