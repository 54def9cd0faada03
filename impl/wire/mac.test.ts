import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { ALL_NODES, ALL_ROUTERS, parseIp } from "./ip.ts";
import { ALL_MLDV2_ROUTERS } from "./mld.ts";
import { BROADCAST, isMac, isMulticastMac, macFromBytes, macToBytes, multicastMac, parseMac, ZERO_MAC } from "./mac.ts";

describe("MAC addresses", () => {
  it("reads colons and hyphens, in either case", () => {
    const texts = ["02:00:00:00:00:2a", "02:00:00:00:00:2A", "02-00-00-00-00-2a"].map((text) => parseMac(text));
    expect(texts).toEqual(["02:00:00:00:00:2a", "02:00:00:00:00:2a", "02:00:00:00:00:2a"]);
  });

  it.each([
    "",
    "02:00:00:00:00",
    "02:00:00:00:00:2",
    "02:00:00:00:00:2g",
    "02:00:00:00:00:2a:00",
    "0200.0000.002a",
    "02:00-00:00:00:2a",
    " 02:00:00:00:00:2a",
  ])("does not read '%s'", (text) => {
    expect(isMac(text)).toBe(false);
    expect(() => parseMac(text, "link.mac")).toThrow(new DecodeError("link.mac", `"${text}" is not a MAC address`));
  });

  it("gives back bytes, from any offset", () => {
    expect(macFromBytes(hex("ffff 02000000ab2a ff"), 2)).toBe("02:00:00:00:ab:2a");
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const mac = macFromBytes(bytes);
        expect(mac).toBe(Buffer.from(bytes).toString("hex").match(/../g)?.join(":"));
        expect(macToBytes(mac)).toEqual(bytes);
      }),
    );
  });

  it("knows groups by the I/G bit", () => {
    const groups = [
      "ff:ff:ff:ff:ff:ff",
      "01:00:5e:00:00:01",
      "33:33:00:00:00:01",
      "02:00:00:00:00:2a",
      "0a:ff:ff:ff:ff:ff",
      "0b:00:00:00:00:00",
    ];
    expect(groups.filter((mac) => isMulticastMac(parseMac(mac)))).toEqual([
      "ff:ff:ff:ff:ff:ff",
      "01:00:5e:00:00:01",
      "33:33:00:00:00:01",
      "0b:00:00:00:00:00",
    ]);
  });

  it("knows the addresses of everyone and of no one", () => {
    expect([macToBytes(BROADCAST), macToBytes(ZERO_MAC)]).toEqual([hex("ffffffffffff"), hex("000000000000")]);
    expect([ALL_NODES, ALL_ROUTERS, ALL_MLDV2_ROUTERS].map((group) => multicastMac(group))).toEqual([
      "33:33:00:00:00:01",
      "33:33:00:00:00:02",
      "33:33:00:00:00:16",
    ]);
  });

  it("maps groups to MAC addresses", () => {
    // RFC 1112 section 6.4: the low 23 bits; 224.128.64.32 and 224.0.64.32 share theirs. RFC 2464 section 7: the low 32 bits.
    const groups = [
      "224.0.0.1",
      "224.128.64.32",
      "224.0.64.32",
      "239.255.255.250",
      "ff02::1",
      "ff02::16",
      "ff02::1:ff00:11",
      "ff02::1:ff0e:8c6c",
    ];
    expect(groups.map((group) => multicastMac(parseIp(group)))).toEqual([
      "01:00:5e:00:00:01",
      "01:00:5e:00:40:20",
      "01:00:5e:00:40:20",
      "01:00:5e:7f:ff:fa",
      "33:33:00:00:00:01",
      "33:33:00:00:00:16",
      "33:33:ff:00:00:11",
      "33:33:ff:0e:8c:6c",
    ]);
  });
});
