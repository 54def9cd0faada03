import { describe, expect, it } from "vitest";
import { parseIpv6, solicitedNodeGroup, UNSPECIFIED_V6 } from "../../impl/wire/ip.ts";
import { ALL, NEW, TestStation } from "./host-test-station.ts";

const TRIED = parseIpv6("fd00::77");

/** A host that tries fd00::77 from second 3 on. */
function trying(): TestStation {
  const station = new TestStation().run(3);
  station.host.sysctl("net.ipv6.conf.eth0.accept_dad", 1);
  station.host.addAddress("eth0", `${TRIED}/64`);
  return station;
}

const probes = (station: TestStation): readonly string[] =>
  station
    .take()
    .filter((line) => line.includes(`NS ${TRIED}`))
    .map((line) => line.replace(/^\S+ /, ""));
const hasAddress = (station: TestStation): boolean => station.host.interface("eth0").hasAddress(TRIED);

describe("duplicate address detection (RFC 4862 section 5.4)", () => {
  it("asks once, from no address, and keeps silent until a second has passed", () => {
    const station = trying();
    const probe = { kind: "neighborSolicitation", target: TRIED, sourceLinkLayer: NEW } as const;
    station.icmp6(probe, { mac: NEW, ip: parseIpv6("fe80::1") }, solicitedNodeGroup(TRIED));
    station.run(0.01);
    station.run(2);
    expect(probes(station)).toEqual([`group: ::>ff02::1:ff00:77 NS ${TRIED} from -`]);
    station.icmp6(probe, { mac: NEW, ip: parseIpv6("fe80::1") }, solicitedNodeGroup(TRIED));
    expect(station.run(0.1).take()).toHaveLength(1);
    expect(hasAddress(station)).toBe(true);
  });

  it("gives the address up when somebody has it", () => {
    const station = trying();
    const flags = { router: false, solicited: false, override: true };
    station.icmp6(
      { kind: "neighborAdvertisement", target: TRIED, ...flags, targetLinkLayer: NEW },
      { mac: NEW, ip: TRIED },
      ALL,
    );
    station.run(3);
    expect(hasAddress(station)).toBe(false);
    expect(station.host.isLocal(TRIED)).toBe(false);
    expect(station.world.trace.lines().filter((line) => line.includes("duplicate"))).toEqual([
      `3.000001 a address ${TRIED} dev=eth0 duplicate`,
    ]);
  });

  it("gives it up when another host tries it, too", () => {
    const station = trying();
    const probe = { kind: "neighborSolicitation", target: TRIED } as const;
    station.icmp6(probe, { mac: NEW, ip: UNSPECIFIED_V6 }, solicitedNodeGroup(TRIED));
    station.run(0.1);
    expect(hasAddress(station)).toBe(false);
  });
});
