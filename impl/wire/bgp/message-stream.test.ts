import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hex } from "../golden/hex.ts";
import { BgpError } from "./bgp-error.ts";
import { encodeKeepalive } from "./keepalive.ts";
import { decodeMessage } from "./message.ts";
import { MessageStream } from "./message-stream.ts";

const MARKER = "ff".repeat(16);
/** RFC 4271 section 4.4; the same bytes are in every capture. */
const KEEPALIVE = hex(`${MARKER} 0013 04`);
const ROUTE_REFRESH = hex(`${MARKER} 0017 05 0001 00 01`);
const LONGEST = hex(`${MARKER} 1000 02 0000 0000 ${"00".repeat(4096 - 23)}`);

/** What came out of the stream, and how it ended. */
function feed(chunks: Iterable<Uint8Array>, stream = new MessageStream()): readonly string[] {
  const trace: string[] = [];
  try {
    for (const chunk of chunks)
      stream.feed(chunk, (message) => trace.push(`${message.length} bytes of type ${message[18]}`));
  } catch (error) {
    if (!(error instanceof BgpError)) throw error;
    trace.push(`${error.code}/${error.subcode} ${error.message}, data ${Buffer.from(error.data).toString("hex")}`);
  }
  return trace;
}

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

describe("A stream of messages", () => {
  it("hands over what is complete and keeps the rest", () => {
    const stream = new MessageStream();
    expect(feed([joined(KEEPALIVE, ROUTE_REFRESH, KEEPALIVE.subarray(0, 5))], stream)).toEqual([
      "19 bytes of type 4",
      "23 bytes of type 5",
    ]);
    expect(stream.held).toBe(5);
    expect(feed([KEEPALIVE.subarray(5)], stream)).toEqual(["19 bytes of type 4"]);
    expect(stream.held).toBe(0);
  });

  it("gives the same for every place where two segments meet", () => {
    const whole = joined(KEEPALIVE, ROUTE_REFRESH, KEEPALIVE);
    for (let at = 0; at <= whole.length; at++) {
      const messages: Uint8Array[] = [];
      const stream = new MessageStream();
      for (const part of [whole.subarray(0, at), whole.subarray(at)]) stream.feed(part, (each) => messages.push(each));
      expect(messages).toEqual([KEEPALIVE, ROUTE_REFRESH, KEEPALIVE]);
    }
  });

  it("gives the same for bytes that come one by one, and never holds more than one message", () => {
    const stream = new MessageStream();
    const most: number[] = [];
    const bytes = [...joined(LONGEST, KEEPALIVE)];
    const trace = bytes.flatMap((byte) => {
      const said = feed([Uint8Array.of(byte)], stream);
      most.push(stream.held);
      return said;
    });
    expect(trace).toEqual(["4096 bytes of type 2", "19 bytes of type 4"]);
    expect(Math.max(...most)).toBe(4095);
  });

  it("reads a thousand messages of one segment", () => {
    expect(feed([joined(...Array<Uint8Array>(1000).fill(KEEPALIVE))]).length).toBe(1000);
  });

  it("never hands out bytes that it uses again", () => {
    const messages: Uint8Array[] = [];
    const stream = new MessageStream();
    for (const byte of joined(ROUTE_REFRESH, hex(`${MARKER} 0017 05 0002 02 01`))) {
      stream.feed(Uint8Array.of(byte), (message) => messages.push(message));
    }
    expect(messages[0]).toEqual(ROUTE_REFRESH);
  });

  const wrong: readonly (readonly [string, string, string])[] = [
    ["a marker with a zero", `${"ff".repeat(15)}fe 0013 04`, "1/1 bgp.marker is not all ones, data "],
    ["the marker of RFC 1105", `${"00".repeat(16)} 0013 04`, "1/1 bgp.marker is not all ones, data "],
    ["length 0", `${MARKER} 0000 04`, "1/2 bgp.length is 0 in a message of type keepalive, data 0000"],
    ["length 18", `${MARKER} 0012 02`, "1/2 bgp.length is 18 in a message of type update, data 0012"],
    ["length 4097", `${MARKER} 1001 02`, "1/2 bgp.length is 4097 in a message of type update, data 1001"],
    ["length 65535", `${MARKER} ffff 02`, "1/2 bgp.length is 65535 in a message of type update, data ffff"],
    ["an OPEN of 28 bytes", `${MARKER} 001c 01`, "1/2 bgp.length is 28 in a message of type open, data 001c"],
    ["an UPDATE of 22 bytes", `${MARKER} 0016 02`, "1/2 bgp.length is 22 in a message of type update, data 0016"],
    [
      "a NOTIFICATION of 20 bytes",
      `${MARKER} 0014 03`,
      "1/2 bgp.length is 20 in a message of type notification, data 0014",
    ],
    ["a KEEPALIVE of 20 bytes", `${MARKER} 0014 04`, "1/2 bgp.length is 20 in a message of type keepalive, data 0014"],
    ["type 0", `${MARKER} 0013 00`, "1/3 bgp.type is 0, data 00"],
    ["type 9", `${MARKER} 0013 09`, "1/3 bgp.type is 9, data 09"],
    ["type 9 of 18 bytes", `${MARKER} 0012 09`, "1/2 bgp.length is 18, data 0012"],
  ];
  it.each(wrong)("ends at %s, after what came before it", (_name, digits, end) => {
    const bytes = joined(KEEPALIVE, hex(digits), KEEPALIVE);
    expect(feed([bytes])).toEqual(["19 bytes of type 4", end]);
    expect(feed([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(["19 bytes of type 4", end]);
  });

  it("takes UPDATEs of up to 65,535 bytes where that was agreed on, but no other message (RFC 8654)", () => {
    const long = hex(`${MARKER} ffff 02 ${"00".repeat(0xffff - 19)}`);
    expect(feed([long], new MessageStream(0xffff))).toEqual(["65535 bytes of type 2"]);
    expect(feed([hex(`${MARKER} 1001 01`)], new MessageStream(0xffff))).toEqual([
      "1/2 bgp.length is 4097 in a message of type open, data 1001",
    ]);
  });

  it("does not depend on how the stream was cut", () => {
    const messages = fc.array(fc.constantFrom(KEEPALIVE, ROUTE_REFRESH, LONGEST, hex(`${MARKER} 0014 04`)), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(messages, fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 20 }), (parts, sizes) => {
        const whole = joined(...parts);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of [...sizes, whole.length]) {
          chunks.push(whole.subarray(at, at + size));
          at += size;
        }
        expect(feed(chunks)).toEqual(feed([whole]));
      }),
    );
  });
});

describe("KEEPALIVE", () => {
  it("is a header alone", () => {
    expect(encodeKeepalive()).toEqual(KEEPALIVE);
    expect(decodeMessage(KEEPALIVE, { asSize: 4, internal: false, families: [] })).toEqual({ kind: "keepalive" });
  });
});
