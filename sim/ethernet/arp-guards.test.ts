import { describe, expect, it } from "vitest";
import { encodeArp } from "../../impl/wire/arp.ts";
import { ETHER_TYPES, type Ethernet } from "../../impl/wire/ethernet.ts";
import { parseIpv4 } from "../../impl/wire/ip.ts";
import { BROADCAST, ZERO_MAC } from "../../impl/wire/mac.ts";
import { SWITCH_PROFILES } from "./switch-profile.ts";
import { Lan, macOf, PLAIN } from "./test-lan.ts";

const VIP = parseIpv4("192.0.2.10");

function gratuitousArp(name: string, senderIp = VIP): Ethernet {
  const arp = {
    operation: "request",
    senderMac: macOf(name),
    senderIp,
    targetMac: ZERO_MAC,
    targetIp: VIP,
  } as const;
  return { destination: BROADCAST, source: macOf(name), etherType: ETHER_TYPES.arp, payload: encodeArp(arp) };
}

describe("Switch against ARP spoofing", () => {
  it("garp-rate-limited: drops the eleventh announcement of a port within a second", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["garp-rate-limited"]);
    const heard = Array.from({ length: 11 }, () => lan.send("a", gratuitousArp("a")));
    expect(heard).toEqual([...Array<string>(10).fill("b c"), ""]);
    expect(lan.send("b", gratuitousArp("b"))).toBe("a c");
    expect(lan.send("a", gratuitousArp("a", parseIpv4("192.0.2.1")))).toBe("b c");
    expect(lan.drops()).toEqual(["dropped at sw:to-a: more than 10 gratuitous ARP packets per second"]);
    lan.wait(1);
    expect(lan.send("a", gratuitousArp("a"))).toBe("b c");
  });

  it("dai: drops ARP whose binding it was not told, but for trusted ports", () => {
    const lan = new Lan({ a: {}, b: {}, c: { trusted: true } }, SWITCH_PROFILES.dai);
    expect([lan.send("a", gratuitousArp("a")), lan.send("c", gratuitousArp("c")), lan.say("a", "all")]).toEqual([
      "",
      "a b",
      "b c",
    ]);
    // RFC 5227 section 1.1: a probe.
    expect(lan.send("a", gratuitousArp("a", parseIpv4("0.0.0.0")))).toBe("b c");
    lan.sw.bind(VIP, macOf("a"));
    expect([lan.send("a", gratuitousArp("a")), lan.send("b", gratuitousArp("b"))]).toEqual(["b c", ""]);
    expect(lan.drops()).toEqual([
      "dropped at sw:to-a: ARP inspection: 192.0.2.10 is not bound to 02:00:00:00:00:0a",
      "dropped at sw:to-b: ARP inspection: 192.0.2.10 is not bound to 02:00:00:00:00:0b",
    ]);
  });
});
