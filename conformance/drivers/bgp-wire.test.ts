import { describe, expect, it } from "vitest";
import { encodeKeepalive } from "../../impl/wire/bgp/keepalive.ts";
import { encodeEthernet, ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { type Ip, isIpv4, isIpv6 } from "../../impl/wire/ip.ts";
import { encodeIpv4, IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { parseMac } from "../../impl/wire/mac.ts";
import { encodeTcp } from "../../impl/wire/tcp.ts";
import { BgpWire } from "./bgp-wire.ts";

const NODE = { ip: "192.0.2.11" as Ip, port: 40_000 };
const ROUTER = { ip: "192.0.2.1" as Ip, port: 179 };
const NODE_6 = { ip: "2001:db8::11" as Ip, port: 40_000 };
const ROUTER_6 = { ip: "2001:db8::1" as Ip, port: 179 };

interface Sent {
  readonly from?: typeof NODE;
  readonly to?: typeof NODE;
  readonly sequence?: number;
  readonly flags?: "syn" | "fin" | "rst";
  readonly payload?: Uint8Array;
}

function frame({ from = NODE, to = ROUTER, sequence = 1, flags, payload = new Uint8Array(0) }: Sent): Uint8Array {
  const set = (flag: string): boolean => flag === flags;
  const tcp = {
    sourcePort: from.port,
    destinationPort: to.port,
    sequence,
    acknowledgement: 0,
    flags: { syn: set("syn"), fin: set("fin"), rst: set("rst"), ack: true, psh: false },
    window: 65_535,
    options: {},
    payload,
  };
  const bytes = encodeTcp(tcp, from.ip, to.ip);
  const ends = { source: from.ip, destination: to.ip };
  const macs = { destination: parseMac("02:00:00:00:00:01"), source: parseMac("02:00:00:00:00:0b") };
  if (isIpv4(ends.source) && isIpv4(ends.destination)) {
    const { source, destination } = ends;
    const head = { source, destination, protocol: IP_PROTOCOLS.tcp, ttl: 64, identification: 0 };
    const packet = encodeIpv4({ ...head, tos: 0, dontFragment: true, payload: bytes });
    return encodeEthernet({ ...macs, etherType: ETHER_TYPES.ipv4, payload: packet });
  }
  if (!isIpv6(ends.source) || !isIpv6(ends.destination)) throw new Error("two families");
  const { source, destination } = ends;
  const head = { source, destination, nextHeader: IP_PROTOCOLS.tcp, hopLimit: 64, trafficClass: 0, flowLabel: 0 };
  const packet = encodeIpv6({ ...head, payload: bytes });
  return encodeEthernet({ ...macs, etherType: ETHER_TYPES.ipv6, payload: packet });
}

const KEEPALIVE = encodeKeepalive();

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** What is read of frames: who said how many bytes, or how they ended. */
function read(frames: readonly Sent[]): readonly string[] {
  const wire = new BgpWire();
  return frames.flatMap((sent) =>
    wire
      .read(frame(sent))
      .map(
        ({ from, connection, what }) =>
          `${connection.at(-1)} ${from.port}: ${what.kind === "message" ? what.bytes.length : what.kind}`,
      ),
  );
}

describe("BGP in frames", () => {
  it("is read message by message, in both directions, over both families", () => {
    expect(
      read([
        { flags: "syn", sequence: 0 },
        { payload: KEEPALIVE },
        { from: ROUTER, to: NODE, sequence: 500, payload: joined(KEEPALIVE, KEEPALIVE) },
        { from: NODE_6, to: ROUTER_6, payload: KEEPALIVE },
      ]),
    ).toEqual(["0 40000: 19", "0 179: 19", "0 179: 19", "1 40000: 19"]);
  });

  it("is put together again from pieces, repeated ones and ones that overtook", () => {
    const bytes = joined(KEEPALIVE, KEEPALIVE, KEEPALIVE);
    const piece = (from: number, to: number): Sent => ({ sequence: 1 + from, payload: bytes.subarray(from, to) });
    expect(read([piece(0, 25), piece(40, 57), piece(0, 25), piece(20, 40)])).toEqual([
      "0 40000: 19",
      "0 40000: 19",
      "0 40000: 19",
    ]);
  });

  it("goes on where the sequence numbers begin anew", () => {
    const first = 2 ** 32 - 10;
    expect(
      read([
        { sequence: first, payload: KEEPALIVE },
        { sequence: 9, payload: KEEPALIVE },
      ]),
    ).toHaveLength(2);
  });

  it("ends once, and the same ports after a SYN are another connection", () => {
    expect(
      read([
        { payload: KEEPALIVE },
        { sequence: 20, flags: "fin" },
        { from: ROUTER, to: NODE, flags: "rst" },
        { flags: "syn", sequence: 700 },
        { sequence: 701, payload: KEEPALIVE },
        { sequence: 720, flags: "rst" },
      ]),
    ).toEqual(["0 40000: 19", "0 40000: fin", "1 40000: 19", "1 40000: rst"]);
  });

  it("is not what begins in another way, on whatever port", () => {
    const http = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example\r\n\r\n");
    expect(read([{ payload: http }, { payload: KEEPALIVE.subarray(0, 10) }])).toEqual([]);
    expect(read([{ to: { ...ROUTER, port: 1179 }, payload: KEEPALIVE }])).toHaveLength(1);
  });

  it("has no meaning behind a length that cannot be", () => {
    const broken = KEEPALIVE.with(17, 18);
    expect(read([{ payload: joined(KEEPALIVE, broken) }, { sequence: 39, payload: KEEPALIVE }])).toHaveLength(1);
  });
});
