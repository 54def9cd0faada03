import { describe, expect, it } from "vitest";
import { type Family, parseIp } from "../../wire/ip.ts";
import { nextHopsFor } from "./next-hops.ts";
import { BOTH, outSession } from "./test-peer.ts";

describe("the next hop of each family", () => {
  const shown = (address: string, onInterface: readonly string[], families: readonly Family[], extended: boolean) => {
    const { negotiated } = outSession({ families, extendedNextHop: extended });
    const local = { address: parseIp(address), onInterface: onInterface.map((ip) => parseIp(ip)) };
    const { ipv4, ipv6 } = nextHopsFor(local, negotiated);
    return [ipv4, ipv6].map((hop) => [hop?.nextHop, hop?.linkLocal].filter(Boolean).join(" ") || "none").join(", ");
  };
  const V4 = "192.0.2.1";
  const V6 = "2001:db8::1";
  const LINK = "fe80::1";
  it.each([
    ["its own over its own", V4, [V4], ["ipv4"], false, "192.0.2.1, none"],
    ["its own over its own, IPv6", V6, [LINK, V6], ["ipv6"], false, "none, 2001:db8::1"],
    ["both over IPv4", V4, [V4, LINK, V6], BOTH, false, "192.0.2.1, 2001:db8::1"],
    ["both over IPv4, without an IPv6 address", V4, [V4, LINK], BOTH, false, "192.0.2.1, none"],
    ["both over IPv6", V6, [V4, V6], BOTH, false, "192.0.2.1, 2001:db8::1"],
    ["both over IPv6, without an IPv4 address", V6, [V6], BOTH, false, "none, 2001:db8::1"],
    ["unnumbered", LINK, [LINK], BOTH, true, "fe80::1 fe80::1, fe80::1 fe80::1"],
    ["unnumbered, with a global address", LINK, [LINK, V6], BOTH, true, "2001:db8::1 fe80::1, 2001:db8::1 fe80::1"],
    ["unnumbered, to a peer without RFC 8950", LINK, [LINK, V4], BOTH, false, "192.0.2.1, fe80::1 fe80::1"],
  ] as const)("%s", (_, address, onInterface, families, extended, expected) => {
    expect(shown(address, onInterface, families, extended)).toBe(expected);
  });
});
