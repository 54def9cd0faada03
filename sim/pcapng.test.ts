import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeArp } from "../impl/wire/arp.ts";
import { encodeEthernet, ETHER_TYPES } from "../impl/wire/ethernet.ts";
import { encodeIcmp6 } from "../impl/wire/icmp6.ts";
import { parseIpv4, parseIpv6, solicitedNodeGroup } from "../impl/wire/ip.ts";
import { encodeIpv6 } from "../impl/wire/ipv6.ts";
import { BROADCAST, multicastMac, parseMac, ZERO_MAC } from "../impl/wire/mac.ts";
import { micros, seconds } from "../impl/wire/time.ts";
import { createWorld, type World } from "./create-world.ts";
import { connect } from "./ethernet/cable.ts";
import { corrupt, loss } from "./ethernet/faults.ts";
import { Station } from "./ethernet/station.ts";
import { Switch } from "./ethernet/switch.ts";
import { writePcapng } from "./pcapng.ts";

// golden/SOURCES.md says how these were made.
const GOLDEN = new URL("golden/lan.pcapng", import.meta.url);
const TSHARK = new URL("golden/lan.tshark.txt", import.meta.url);

const A = parseMac("02:00:00:00:00:0a");
const B = parseMac("02:00:00:00:00:0b");
const IP_A = parseIpv4("192.0.2.1");
const IP_B = parseIpv4("192.0.2.2");

function arpFrame(operation: "request" | "reply"): Uint8Array {
  const request = operation === "request";
  const arp = request
    ? ({ operation, senderMac: A, senderIp: IP_A, targetMac: ZERO_MAC, targetIp: IP_B } as const)
    : ({ operation, senderMac: B, senderIp: IP_B, targetMac: A, targetIp: IP_A } as const);
  const destination = request ? BROADCAST : A;
  return encodeEthernet({ destination, source: arp.senderMac, etherType: ETHER_TYPES.arp, payload: encodeArp(arp) });
}

function solicitation(): Uint8Array {
  const source = parseIpv6("fe80::a");
  const target = parseIpv6("2001:db8::b");
  const destination = solicitedNodeGroup(target);
  const message = encodeIcmp6({ kind: "neighborSolicitation", target, sourceLinkLayer: A }, source, destination);
  const header = { source, destination, nextHeader: 58, hopLimit: 255, trafficClass: 0, flowLabel: 0 };
  const payload = encodeIpv6({ ...header, payload: message });
  return encodeEthernet({ destination: multicastMac(destination), source: A, etherType: ETHER_TYPES.ipv6, payload });
}

/** Three stations, one of them in another VLAN behind a trunk: each kind of fate a frame can have. */
function run(): World {
  const world = createWorld({ seed: "pcapng", capture: true });
  const sw = new Switch(world, "sw");
  const cables = [A, B, B].map((mac, index) => {
    const port = `p${index + 1}`;
    const station = new Station(`node-${index + 1}`, mac, () => undefined);
    const cable = connect(
      world,
      { device: station, port: "eth0", name: station.name },
      { device: sw, port, name: "sw" },
    );
    station.plug(cable.a);
    sw.plug(port, cable.b, port === "p3" ? { vlans: { kind: "trunk", allowed: [1] } } : {});
    return cable;
  });
  const [first, second, third] = cables;
  const { scheduler } = world;
  scheduler.at(seconds(1), () => first?.a.transmit(arpFrame("request")));
  scheduler.at(micros(1_000_033), () => second?.a.transmit(arpFrame("reply")));
  scheduler.at(seconds(2), () => first?.a.transmit(solicitation()));
  scheduler.at(seconds(3), () => second?.rule(loss(1, "aToB")));
  scheduler.at(micros(3_000_001), () => second?.a.transmit(arpFrame("reply")));
  scheduler.at(seconds(4), () => third?.rule(loss(1, "bToA")));
  scheduler.at(micros(4_000_001), () => first?.a.transmit(arpFrame("request")));
  scheduler.at(seconds(5000), () => third?.setUp(false));
  scheduler.at(micros(5_000_000_001), () => first?.rule(corrupt(1)));
  scheduler.at(micros(5_000_000_002), () =>
    first?.a.transmit(
      encodeEthernet({
        destination: parseMac("01:80:c2:00:00:0e"),
        source: A,
        etherType: 0x88b5,
        payload: new Uint8Array(46),
      }),
    ),
  );
  scheduler.advance(seconds(5001));
  return world;
}

describe("pcapng", () => {
  const world = run();

  it("writes the bytes that tshark has read", () => {
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(GOLDEN, world.pcapng());
    expect(Buffer.from(world.pcapng()).equals(readFileSync(GOLDEN))).toBe(true);
  });

  it("records each frame once, with the times, interfaces and comments that tshark shows", () => {
    const lines = world.capture.frames().map(({ time, point, bytes, comments }) => {
      const nanoseconds = `${String(time)
        .padStart(7, "0")
        .replace(/(\d{6})$/, ".$1")}000`;
      return [nanoseconds, point, bytes.length, comments.join(",")].join("|");
    });
    expect(lines).toEqual(readFileSync(TSHARK, "utf8").trimEnd().split("\n"));
  });

  it.each([60, 66, 71, 200])(
    "writes a long capture of %i-byte frames as many times what it writes for one",
    (length) => {
      const frame = { time: seconds(1), point: "sw:p1", bytes: new Uint8Array(length).fill(0x5a), comments: ["loss"] };
      const one = Buffer.from(writePcapng([frame]));
      const block = one.subarray(one.lastIndexOf(Buffer.from("06000000", "hex"), one.indexOf("ZZZZ")));
      const many = Buffer.from(writePcapng(Array.from({ length: 1000 }, () => frame)));
      const expected = Buffer.concat([one, ...Array.from({ length: 999 }, () => block)]);
      expect(many.equals(expected)).toBe(true);
    },
  );

  it("writes a section without interfaces where nothing happened", () => {
    const header =
      "0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff 0400 0500 6173736179000000 0000 0000 2c000000";
    expect(Buffer.from(createWorld({ seed: "empty" }).pcapng()).toString("hex")).toBe(header.replaceAll(" ", ""));
  });
});
