import { describe, expect, it } from "vitest";
import { decodeEthernet, ETHER_TYPES, type Ethernet } from "../../impl/wire/ethernet.ts";
import { encodeIcmp6, type Icmp6 } from "../../impl/wire/icmp6.ts";
import { type Ipv6, parseIpv6, solicitedNodeGroup } from "../../impl/wire/ip.ts";
import { encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { multicastMac } from "../../impl/wire/mac.ts";
import { ALL_MLDV2_ROUTERS, type MldRecordType } from "../../impl/wire/mld.ts";
import { seconds } from "../../impl/wire/time.ts";
import { SWITCH_PROFILES } from "./switch-profile.ts";
import { Lan, macOf, PLAIN } from "./test-lan.ts";

const GROUP = solicitedNodeGroup(parseIpv6("2001:db8::10"));
const SOURCE = parseIpv6("fe80::a");

function ipv6Frame(name: string, to: Ipv6, message: Icmp6, mldHopLimit = 1): Ethernet {
  const mld = message.kind === "mldReport" || message.kind === "mldQuery";
  const payload = encodeIpv6({
    source: SOURCE,
    destination: to,
    nextHeader: 58,
    hopLimit: mld ? mldHopLimit : 255,
    trafficClass: 0,
    flowLabel: 0,
    ...(mld ? { routerAlert: 0 } : {}),
    payload: encodeIcmp6(message, SOURCE, to),
  });
  return { destination: multicastMac(to), source: macOf(name), etherType: ETHER_TYPES.ipv6, payload };
}

interface ReportOptions {
  readonly group?: Ipv6;
  readonly sources?: readonly Ipv6[];
  readonly hopLimit?: number;
}

function report(name: string, type: MldRecordType, options: ReportOptions = {}): Ethernet {
  const { group = GROUP, sources = [], hopLimit = 1 } = options;
  return ipv6Frame(name, ALL_MLDV2_ROUTERS, { kind: "mldReport", records: [{ type, group, sources }] }, hopLimit);
}

const solicit = (name: string, to = GROUP): Ethernet =>
  ipv6Frame(name, to, { kind: "neighborSolicitation", target: parseIpv6("2001:db8::10") });

describe("Switch with MLD snooping", () => {
  const snooping = (): Lan => new Lan(PLAIN, SWITCH_PROFILES["mld-snooping"]);

  it("brings a solicitation only to the ports that reported the group", () => {
    const lan = snooping();
    lan.until(11);
    expect([
      lan.send("a", solicit("a")),
      lan.send("c", report("c", "changeToExclude")),
      lan.send("a", solicit("a")),
    ]).toEqual(["", "", "c"]);
  });

  it("floods to all nodes, and floods all before the first answers are due", () => {
    const lan = snooping();
    expect(lan.send("a", solicit("a"))).toBe("b c");
    lan.until(11);
    expect(lan.send("a", solicit("a", parseIpv6("ff02::1")))).toBe("b c");
  });

  it("forgets a listener that does not report for 260 s", () => {
    const lan = snooping();
    lan.until(11);
    lan.send("c", report("c", "modeIsExclude"));
    lan.until(270);
    expect(lan.send("a", solicit("a"))).toBe("c");
    lan.until(272);
    expect(lan.send("a", solicit("a"))).toBe("");
  });

  it("asks again when a listener left, and forgets it after 2 s", () => {
    const lan = snooping();
    lan.until(11);
    lan.send("c", report("c", "changeToExclude"));
    lan.send("c", report("c", "changeToInclude"));
    expect(lan.send("a", solicit("a"))).toBe("c");
    lan.wait(2);
    expect(lan.send("a", solicit("a"))).toBe("");
    const queries = lan.world.capture.frames().filter(({ point }) => point === "sw:querier");
    expect(queries.map(({ time, bytes }) => `${(time / 1e6).toFixed(0)} ${decodeEthernet(bytes).destination}`)).toEqual(
      ["0 33:33:00:00:00:01", "11 33:33:ff:00:00:10"],
    );
  });

  it("queries at once, after 31.25 s, and every 125 s from then on; and a port that comes up", () => {
    const lan = snooping();
    lan.until(160);
    lan.cables.get("b")?.setUp(false);
    lan.cables.get("b")?.setUp(true);
    lan.until(290);
    const queries = lan.world.capture.frames().filter(({ point }) => point === "sw:querier");
    expect(queries.map(({ time }) => time / 1e6)).toEqual([0, 31.25, 156.25, 160, 281.25]);
  });

  it("brings reports and groups to the port of another querier", () => {
    const lan = snooping();
    lan.until(11);
    const query = { kind: "mldQuery", maximumResponse: seconds(10), group: parseIpv6("::") } as const;
    lan.send("b", ipv6Frame("b", parseIpv6("ff02::1"), query));
    expect([lan.send("a", solicit("a")), lan.send("c", report("c", "changeToExclude"))]).toEqual(["b", "b"]);
    lan.wait(256);
    expect(lan.send("a", solicit("a"))).toBe("c");
  });

  const SOURCES = [parseIpv6("2001:db8::5")];
  it.each([
    { type: "modeIsExclude", options: {}, heard: "c" },
    { type: "changeToExclude", options: {}, heard: "c" },
    { type: "allowNewSources", options: { sources: SOURCES }, heard: "c" },
    { type: "modeIsInclude", options: { sources: SOURCES }, heard: "c" },
    { type: "modeIsInclude", options: {}, heard: "" },
    { type: "changeToInclude", options: {}, heard: "" },
    { type: "blockOldSources", options: { sources: SOURCES }, heard: "" },
    // RFC 3810 section 5: whatever comes with another hop limit is no MLD message.
    { type: "changeToExclude", options: { hopLimit: 255 }, heard: "" },
  ] as const)("takes $type with $options as a listener: '$heard'", ({ type, options, heard }) => {
    const lan = snooping();
    lan.until(11);
    lan.send("c", report("c", type, options));
    expect(lan.send("a", solicit("a"))).toBe(heard);
  });

  it("does not give a listener more time because it left", () => {
    const lan = snooping();
    lan.until(11);
    lan.send("c", report("c", "changeToExclude"));
    lan.until(270.5);
    lan.send("c", report("c", "changeToInclude"));
    lan.until(271.5);
    expect(lan.send("a", solicit("a"))).toBe("");
  });

  it("forgets the listeners of a port that lost its carrier", () => {
    const lan = snooping();
    lan.until(11);
    lan.send("c", report("c", "changeToExclude"));
    lan.cables.get("c")?.setUp(false);
    lan.wait(1);
    lan.cables.get("c")?.setUp(true);
    expect(lan.send("a", solicit("a"))).toBe("");
  });

  it("keeps reports from other hosts, even from one that listens to them", () => {
    const lan = snooping();
    lan.until(11);
    lan.send("b", report("b", "changeToExclude", { group: ALL_MLDV2_ROUTERS }));
    expect(lan.send("c", report("c", "changeToExclude"))).toBe("");
  });
});
