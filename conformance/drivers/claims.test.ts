import { describe, expect, it } from "vitest";
import { claimOf } from "./claims.ts";

const frame = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ""), "hex"));

// Frames as Linux 6.18 and MetalLB's own form put them on a wire (RFC 826, RFC 4861), written field by field.
const ARP_HEADER = "0001 0800 06 04";
const SENDER = "02aabbccdd01 c0000296";

describe("claims in frames", () => {
  it.each([
    [
      "a reply to somebody",
      `020000000009 02aabbccdd01 0806 ${ARP_HEADER} 0002 ${SENDER} 020000000009 c00002c9`,
      "answer",
    ],
    [
      "an announcement as a request",
      `ffffffffffff 02aabbccdd01 0806 ${ARP_HEADER} 0001 ${SENDER} 000000000000 c0000296`,
      "gratuitous",
    ],
    [
      "an announcement as a reply",
      `ffffffffffff 02aabbccdd01 0806 ${ARP_HEADER} 0002 ${SENDER} ffffffffffff c0000296`,
      "gratuitous",
    ],
    [
      "a tagged reply",
      `020000000009 02aabbccdd01 8100 000a 0806 ${ARP_HEADER} 0002 ${SENDER} 020000000009 c00002c9`,
      "answer",
    ],
  ])("finds %s", (_, hex, how) => {
    expect(claimOf(frame(hex))).toEqual({
      ip: "192.0.2.150",
      mac: "02:aa:bb:cc:dd:01",
      how,
      source: "02:aa:bb:cc:dd:01",
    });
  });

  it.each([
    ["a question", `ffffffffffff 02aabbccdd01 0806 ${ARP_HEADER} 0001 ${SENDER} 000000000000 c00002c9`],
    ["an IPv4 packet", "020000000009 02aabbccdd01 0800 4500001c"],
    ["a truncated reply", `020000000009 02aabbccdd01 0806 ${ARP_HEADER} 0002 02aabb`],
    ["nothing", ""],
  ])("finds none in %s", (_, hex) => {
    expect(claimOf(frame(hex))).toBeUndefined();
  });
});
