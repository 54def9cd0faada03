// Whole sessions of FRR, BIRD and GoBGP as they were captured, said to a router; expected: what tshark read of the same bytes.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Capability, offersFamily } from "../../../impl/wire/bgp/capabilities.ts";
import { unicast } from "../../../impl/wire/bgp/families.ts";
import { decodeOpen } from "../../../impl/wire/bgp/open.ts";
import { hex } from "../../../impl/wire/golden/hex.ts";
import { parseIp } from "../../../impl/wire/ip.ts";
import { TestNetwork } from "../test-network.ts";
import { TestPeer } from "../test-peer.ts";

interface Capture {
  readonly sender: string;
  readonly says: string;
  readonly bytes: Uint8Array;
}

const CAPTURES: readonly Capture[] = readFileSync(
  new URL("../../../impl/wire/bgp/golden/routers.hex", import.meta.url),
  "utf8",
)
  .matchAll(/^# ((?:FRR|BIRD|GoBGP) [\d.]+): (.+)\n([0-9a-f]+)$/gm)
  .map(([, sender = "", says = "", digits = ""]): Capture => ({ sender, says, bytes: hex(digits) }))
  .toArray();

const of = (sender: string): readonly Capture[] => CAPTURES.filter((capture) => capture.sender.startsWith(sender));

const openOf = (sender: string): Uint8Array => {
  const open = of(sender).find(({ bytes }) => bytes[18] === 1);
  if (open === undefined) throw new Error(`no OPEN of ${sender}`);
  return open.bytes;
};

const CONFIG = (asn: number): string => `
router bgp 65010
 bgp router-id 10.0.0.1
 no bgp ebgp-requires-policy
 neighbor 10.0.0.2 remote-as ${asn}
 neighbor 10.0.0.2 passive
 address-family ipv6 unicast
  neighbor 10.0.0.2 activate
 exit-address-family
`;

/** Says the UPDATEs of a sender one by one; what the router knows after each of them. */
function hearing(sender: string) {
  const open = openOf(sender);
  const network = new TestNetwork();
  const router = network.router("router", CONFIG(decodeOpen(open).asn));
  const peer = new TestPeer(network.host("peer"), { to: parseIp("10.0.0.1"), open }).dial();
  network.run(1);
  const known = updatesOf(sender).map(({ bytes }) => {
    peer.say(bytes);
    network.run(0.1);
    return [...new Set(router.paths().map(({ prefix }) => prefix))].toSorted();
  });
  return { router, peer, known };
}

const updatesOf = (sender: string): readonly Capture[] => of(sender).filter(({ bytes }) => bytes[18] === 2);

/** The same as tshark reads it, of the families that the OPEN names. */
function announced(sender: string): readonly (readonly string[])[] {
  const hasIpv6 = offersFamily(decodeOpen(openOf(sender)).capabilities, unicast("ipv6"));
  const prefixes = new Set<string>();
  return updatesOf(sender).map(({ says }) => {
    for (const [, verb = "", list = ""] of says.matchAll(/(announce|withdraw) ([^;]+?)(?: via [^;]+)?(?=;|$)/g)) {
      for (const prefix of list.trim().split(" ")) {
        if (verb === "withdraw") prefixes.delete(prefix);
        else if (hasIpv6 || !prefix.includes(":")) prefixes.add(prefix);
      }
    }
    return [...prefixes].toSorted();
  });
}

describe("captured sessions", () => {
  it.each(["FRR", "BIRD", "GoBGP"])("of %s are heard to the end", (sender) => {
    const { router, peer, known } = hearing(sender);
    expect(known).toEqual(announced(sender));
    expect(router.neighbors().map(({ state, notificationsSent }) => [state, ...notificationsSent])).toEqual([
      ["established"],
    ]);
    expect(peer.closed).toBeUndefined();
  });
});

const codes = (capabilities: readonly Capability[]): readonly string[] =>
  capabilities.map((each) => (each.kind === "unknown" ? `unknown ${each.code}` : each.kind)).toSorted();

describe("the router's OPEN", () => {
  it("offers what FRR's does, but for what nobody here needs", () => {
    const network = new TestNetwork();
    network.router("router", CONFIG(64_512));
    const peer = new TestPeer(network.host("peer"), { to: parseIp("10.0.0.1"), open: openOf("FRR") }).dial();
    network.run(1);
    const [ours] = peer.raw;
    const theirs = decodeOpen(openOf("FRR"));
    // 6: longer messages, 69: several paths, 71: long-lived restarts, 128: route refresh before RFC 2918.
    const left = new Set(["unknown 6", "unknown 69", "unknown 71", "unknown 128"]);
    const open = decodeOpen(ours ?? new Uint8Array());
    const offered = [...new Set(codes(theirs.capabilities).filter((code) => !left.has(code)))];
    expect([...new Set(codes(open.capabilities))]).toEqual(offered);
    expect([open.asn, open.holdTime, open.bgpIdentifier]).toEqual([65_010, theirs.holdTime, "10.0.0.1"]);
  });
});
