import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "./golden/hex.ts";
import { parseIp } from "./ip.ts";
import { decodeTcp } from "./tcp.ts";
import { encodeSignedTcp, tcpMd5 } from "./tcp-md5.ts";
import { encodeUtf8 } from "./text.ts";

const A = parseIp("192.0.2.10");
const B = parseIp("192.0.2.11");
const SECRET = encodeUtf8("secret");

/** Sent by Linux 6.18.44 with TCP_MD5SIG, key `secret`; the last two before their checksum was filled in. */
const LINUX = [
  {
    name: "a SYN",
    from: A,
    to: B,
    segment: hex(`877400b37b7efb9800000000d002faf095700000
      0101 1312 25f8053462cdfeec49d37078f548bab5  # MD5
      020405b4010104020103030a`),
  },
  {
    name: "its SYN-ACK",
    from: B,
    to: A,
    segment: hex(`00b38774cf32d9997b7efb99d012faf0724b0000
      0101 1312 3572ce9d385c22d39bfb5a15b899638e
      020405b4010104020103030a`),
  },
  {
    name: "an ACK",
    from: A,
    to: B,
    segment: hex("877400b37b7efb99cf32d99aa010003f94110000 0101 1312 c736ba36f7a75be451df04065aff055b"),
  },
  {
    name: "120 bytes of data",
    from: parseIp("192.0.2.2"),
    to: parseIp("192.0.2.1"),
    segment: hex(`00b3d14a5a940cb516fdc03fa018004b84aa0000
      0101 1312 7c9a0ab7340a4785 5609f65f874014a2
      ${"79".repeat(120)}`),
  },
  {
    name: "a SYN over IPv6",
    from: parseIp("2001:db8::1"),
    to: parseIp("2001:db8::2"),
    segment: hex(`8bd600b3c1879d9b00000000d002fd205baf0000
      0101 1312 1230aafd135a3d35cce29c7f6f3e93a6
      020405a0010104020103030a`),
  },
];

describe("the MD5 signature of TCP", () => {
  it.each(LINUX)("is what Linux put into $name", ({ from, to, segment }) => {
    expect(tcpMd5(segment, from, to, SECRET)).toEqual(segment.slice(24, 40));
  });

  it.each(LINUX)("is another with another key, address, header or data: $name", ({ from, to, segment }) => {
    const signed = segment.slice(24, 40);
    expect(tcpMd5(segment, from, to, encodeUtf8("secreT"))).not.toEqual(signed);
    expect(tcpMd5(segment, to, parseIp("192.0.2.99"), SECRET)).not.toEqual(signed);
    const otherPort = Uint8Array.from(segment, (byte, index) => (index === 0 ? byte ^ 1 : byte));
    expect(tcpMd5(otherPort, from, to, SECRET)).not.toEqual(signed);
    expect(tcpMd5(Uint8Array.of(...segment, 0), from, to, SECRET)).not.toEqual(signed);
  });

  it("does not cover the options", () => {
    const [syn] = LINUX;
    if (syn === undefined) throw new Error("no vector");
    const changed = Uint8Array.from(syn.segment, (byte, index) => (index >= 20 ? 1 : byte));
    expect(tcpMd5(changed, A, B, SECRET)).toEqual(syn.segment.slice(24, 40));
  });

  it("is written as Linux writes it", () => {
    const [syn] = LINUX;
    if (syn === undefined) throw new Error("no vector");
    const { options, ...rest } = decodeTcp(syn.segment, A, B);
    const unsigned = { ...rest, options: { ...options, md5: undefined } };
    expect(encodeSignedTcp(unsigned, A, B, SECRET)).toEqual(syn.segment);
  });

  it("covers what the segment carries, of any length", () => {
    const flags = { fin: false, syn: false, rst: false, psh: true, ack: true };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 1, maxLength: 80 }), (payload, key) => {
        const numbers = { sourcePort: 1, destinationPort: 179, sequence: 7, acknowledgement: 9, window: 5 };
        const bytes = encodeSignedTcp({ ...numbers, flags, options: {}, payload }, A, B, key);
        const decoded = decodeTcp(bytes, A, B);
        expect(decoded.payload).toEqual(payload);
        expect(decoded.options.md5).toEqual(tcpMd5(bytes, A, B, key));
      }),
    );
  });
});
