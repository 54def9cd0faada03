import { describe, expect, it } from "vitest";
import { parseIpv4 } from "../../../wire/ip.ts";
import { keepsOwnConnection } from "./collision.ts";

describe("two connections between the same speakers (RFC 4271 section 6.8, RFC 6286 section 2.3)", () => {
  it.each([
    ["192.0.2.2", 1, "192.0.2.1", 1, true],
    ["192.0.2.1", 1, "192.0.2.2", 1, false],
    // As numbers, not as text.
    ["192.0.2.10", 1, "192.0.2.9", 1, true],
    ["192.0.2.1", 64513, "192.0.2.1", 64512, true],
    ["192.0.2.1", 64512, "192.0.2.1", 64513, false],
  ])("%s in AS %i against %s in AS %i: %s", (local, localAsn, peer, peerAsn, keeps) => {
    const sides = [
      { id: parseIpv4(local), asn: localAsn },
      { id: parseIpv4(peer), asn: peerAsn },
    ] as const;
    expect(keepsOwnConnection(sides[0], sides[1])).toBe(keeps);
    expect(keepsOwnConnection(sides[1], sides[0])).toBe(!keeps);
  });
});
