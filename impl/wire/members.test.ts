import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { settle, truncations } from "./golden/hostile.ts";
import { ipFromBytes, parseIp } from "./ip.ts";
import {
  decodeMembers,
  decodeMembersStream,
  encodeCompound,
  encodeMembers,
  type MembersMessage,
  type MembersNode,
} from "./members.ts";
import { encodeUtf8 } from "./text.ts";

const VERSIONS = [1, 5, 2, 0, 0, 0];

const PING = hex(`
  00             # type: ping
  85             # map of 5
  a4 4e6f6465 a6 6e6f64652d62                      # Node: node-b
  a5 5365714e6f 01                                 # SeqNo: 1
  aa 536f7572636541646472 a4 c0000201              # SourceAddr: 192.0.2.1
  aa 536f757263654e6f6465 a6 6e6f64652d61          # SourceNode: node-a
  aa 536f75726365506f7274 cd 1f0a                  # SourcePort: 7946
`);
const ACK = hex(`
  02             # type: ack
  82             # map of 2
  a7 5061796c6f6164 a3 010203                      # Payload
  a5 5365714e6f 01                                 # SeqNo: 1
`);
const ALIVE = hex(`
  04             # type: alive
  86             # map of 6
  a4 41646472 a4 c0000202                          # Addr: 192.0.2.2
  ab 496e6361726e6174696f6e ce 00010000            # Incarnation: 65536
  a4 4d657461 c0                                   # Meta: nil
  a4 4e6f6465 a6 6e6f64652d62                      # Node: node-b
  a4 506f7274 cd 1f0a                              # Port: 7946
  a3 56736e a6 010502000000                        # Vsn
`);
const PUSH_PULL = hex(`
  06             # type: push/pull
  83             # map of 3
  a4 4a6f696e c3                                   # Join: true
  a5 4e6f646573 02                                 # Nodes: 2
  ac 5573657253746174654c656e 05                   # UserStateLen: 5
  87             # map of 7
  a4 41646472 a4 c0000201                          # Addr: 192.0.2.1
  ab 496e6361726e6174696f6e 01                     # Incarnation: 1
  a4 4d657461 c0                                   # Meta: nil
  a4 4e616d65 a6 6e6f64652d61                      # Name: node-a
  a4 506f7274 cd 1f0a                              # Port: 7946
  a5 5374617465 00                                 # State: alive
  a3 56736e a6 010502000000                        # Vsn
  87             # map of 7
  a4 41646472 a4 c0000202                          # Addr: 192.0.2.2
  ab 496e6361726e6174696f6e 09                     # Incarnation: 9
  a4 4d657461 a1 01                                # Meta
  a4 4e616d65 a6 6e6f64652d62                      # Name: node-b
  a4 506f7274 cd 1f0a                              # Port: 7946
  a5 5374617465 03                                 # State: left
  a3 56736e a6 010502000000                        # Vsn
  7374617465     # user state
`);

const ping: MembersMessage = {
  kind: "ping",
  sequence: 1,
  node: "node-b",
  sourceAddress: parseIp("192.0.2.1"),
  sourcePort: 7946,
  sourceNode: "node-a",
};
const ack: MembersMessage = { kind: "ack", sequence: 1, payload: hex("010203") };
const alive: MembersMessage = {
  kind: "alive",
  incarnation: 65536,
  node: "node-b",
  address: parseIp("192.0.2.2"),
  port: 7946,
  meta: hex(""),
  versions: VERSIONS,
};
const pushPull: MembersMessage = {
  kind: "pushPull",
  join: true,
  nodes: [
    {
      name: "node-a",
      address: parseIp("192.0.2.1"),
      port: 7946,
      meta: hex(""),
      incarnation: 1,
      state: "alive",
      versions: VERSIONS,
    },
    {
      name: "node-b",
      address: parseIp("192.0.2.2"),
      port: 7946,
      meta: hex("01"),
      incarnation: 9,
      state: "left",
      versions: VERSIONS,
    },
  ],
  userState: encodeUtf8("state"),
};

/** Written by memberlist 0.5.1. */
const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly message: MembersMessage }[] = [
  { name: "ping", bytes: PING, message: ping },
  {
    name: "ping without a source",
    bytes: hex(`
      00 82
      a4 4e6f6465 a6 6e6f64652d62                  # Node: node-b
      a5 5365714e6f ce 00011170                    # SeqNo: 70000`),
    message: { kind: "ping", sequence: 70000, node: "node-b" },
  },
  {
    name: "indirect ping",
    bytes: hex(`
      01 88
      a4 4e61636b c3                               # Nack: true
      a4 4e6f6465 a6 6e6f64652d62                  # Node: node-b
      a4 506f7274 cd 1f0a                          # Port: 7946
      a5 5365714e6f cd 012c                        # SeqNo: 300
      aa 536f7572636541646472 a4 c0000201          # SourceAddr: 192.0.2.1
      aa 536f757263654e6f6465 a6 6e6f64652d61      # SourceNode: node-a
      aa 536f75726365506f7274 cd 1f0a              # SourcePort: 7946
      a6 546172676574 b0 20010db8000000000000000000000002  # Target: 2001:db8::2`),
    message: {
      kind: "indirectPing",
      sequence: 300,
      target: parseIp("2001:db8::2"),
      port: 7946,
      node: "node-b",
      nack: true,
      sourceAddress: parseIp("192.0.2.1"),
      sourcePort: 7946,
      sourceNode: "node-a",
    },
  },
  { name: "ack", bytes: ACK, message: ack },
  {
    name: "ack without a payload",
    bytes: hex("02 82 a7 5061796c6f6164 c0 a5 5365714e6f 01"),
    message: { kind: "ack", sequence: 1, payload: hex("") },
  },
  {
    name: "nack",
    bytes: hex("0b 81 a5 5365714e6f ce ffffffff"),
    message: { kind: "nack", sequence: 4294967295 },
  },
  {
    name: "error",
    bytes: hex("0d 81 a5 4572726f72 ad 6e616d6520636f6e666c696374"),
    message: { kind: "error", text: "name conflict" },
  },
  {
    name: "suspect",
    bytes: hex(`
      03 83
      a4 46726f6d a6 6e6f64652d61                  # From: node-a
      ab 496e6361726e6174696f6e 02                 # Incarnation: 2
      a4 4e6f6465 a6 6e6f64652d62                  # Node: node-b`),
    message: { kind: "suspect", incarnation: 2, node: "node-b", from: "node-a" },
  },
  {
    name: "dead, of a node that leaves",
    bytes: hex(`
      05 83
      a4 46726f6d a6 6e6f64652d62                  # From: node-b
      ab 496e6361726e6174696f6e 03                 # Incarnation: 3
      a4 4e6f6465 a6 6e6f64652d62                  # Node: node-b`),
    message: { kind: "dead", incarnation: 3, node: "node-b", from: "node-b" },
  },
  { name: "alive", bytes: ALIVE, message: alive },
  {
    name: "alive over IPv6, with metadata and a long name",
    bytes: hex(`
      04 86
      a4 41646472 b0 20010db8000000000000000000000002  # Addr: 2001:db8::2
      ab 496e6361726e6174696f6e 01                 # Incarnation: 1
      a4 4d657461 a1 ab                            # Meta
      a4 4e6f6465 da 0030 612d6e6f64652d6e616d652d746861742d69732d6c6f6e6765722d7468616e2d7468697274792d6f6e652d6279746573
      a4 506f7274 cd 1f0a                          # Port: 7946
      a3 56736e a6 010502000000                    # Vsn`),
    message: {
      kind: "alive",
      incarnation: 1,
      node: "a-node-name-that-is-longer-than-thirty-one-bytes",
      address: parseIp("2001:db8::2"),
      port: 7946,
      meta: hex("ab"),
      versions: VERSIONS,
    },
  },
  { name: "push/pull", bytes: PUSH_PULL, message: pushPull },
];

/** PING, ACK and ALIVE in one packet, compressed by memberlist 0.5.1. */
const COMPRESSED = hex(`
  09             # type: compress
  82             # map of 2
  a4 416c676f 00                                   # Algo: LZW
  a3 427566 da 0096                                # Buf: 150 bytes
  000f0c00500440050042001422e5e40d9932a6dc382cd3424ca92965e2340ca06aca9b3a72c6940942868c1c52c00008e0e8
  11a4c8860f234e6c11a6e3c79065a0bc9143a7d9070502049d8212260f9b3761c88c0a2060c0c58c1b09182245d2244a9502
  56257133268c1c3761e8a479e3c61980000000906a52864e18600c27ca7c5891944e9e3e158cb232c78da9000504a4051010
`);

/** PING with a checksum before it, by memberlist 0.5.1. */
const CHECKED = Uint8Array.of(...hex("0c 7c7d100c"), ...PING);

/** PUSH_PULL, compressed by memberlist 0.5.1. */
const COMPRESSED_PUSH_PULL = hex(`
  09 82 a4 416c676f 00 a3 427566 da 0098
  000d0c22a5e44d1a37c34a397943a6cc1c01acaacc2923670a9d3074ca3029e3a6c0215241c89091430a1800010156257133
  268c1c3718d3bc7113805493321781917212a64d19536e189669118614943772e834fba0a094458c65008cb232c78da90005
  0400d8fa31e4c8922705a864e912261d996e12d8c41926544d9e3e810a6d21c62852a54c9d5ecc38606ad5ab59b70298b3b7
  4c40
`);

const MALFORMED: readonly { readonly name: string; readonly bytes: string; readonly error: DecodeError }[] = [
  { name: "nothing", bytes: "", error: new DecodeError("members.type", "needs 1 bytes and 0 are left", true) },
  { name: "a message that is no map", bytes: "00 01", error: new DecodeError("members.ping", "is not a map") },
  {
    name: "a sequence that is negative",
    bytes: "0b 81 a5 5365714e6f ff",
    error: new DecodeError("members.nack.SeqNo", "is not a number from 0 to 4294967295"),
  },
  {
    name: "a sequence that is a text",
    bytes: "0b 81 a5 5365714e6f a1 31",
    error: new DecodeError("members.nack.SeqNo", "is not a number from 0 to 4294967295"),
  },
  {
    name: "a node that is a number",
    bytes: "00 81 a4 4e6f6465 01",
    error: new DecodeError("members.ping.Node", "is not bytes"),
  },
  {
    name: "an address of three bytes",
    bytes: "04 81 a4 41646472 a3 c00002",
    error: new DecodeError("members.alive.Addr", "has 3 bytes"),
  },
  {
    name: "an alive without an address",
    bytes: "04 80",
    error: new DecodeError("members.alive.Addr", "has 0 bytes"),
  },
  {
    name: "a port beyond 65535",
    bytes: "04 82 a4 41646472 a4 c0000202 a4 506f7274 ce 00010000",
    error: new DecodeError("members.alive.Port", "is not a number from 0 to 65535"),
  },
  {
    name: "a flag that is a number",
    bytes: "01 82 a6 546172676574 a4 c0000202 a4 4e61636b 01",
    error: new DecodeError("members.indirectPing.Nack", "is not a boolean"),
  },
  {
    name: "fewer nodes than counted",
    bytes: "06 81 a5 4e6f646573 02 82 a4 41646472 a4 c0000202 a5 5374617465 01",
    error: new DecodeError("members.pushPull.nodes[1]", "needs 1 bytes and 0 are left", true),
  },
  {
    name: "more nodes than any cluster has",
    bytes: "06 81 a5 4e6f646573 ce 00010001",
    error: new DecodeError("members.pushPull.Nodes", "is not a number from 0 to 65536"),
  },
  {
    name: "a node in a state that does not exist",
    bytes: "06 81 a5 4e6f646573 01 82 a4 41646472 a4 c0000202 a5 5374617465 04",
    error: new DecodeError("members.pushPull.nodes[0].State", "is not a number from 0 to 3"),
  },
  {
    name: "less user state than said",
    bytes: "06 81 ac 5573657253746174654c656e 05 0102",
    error: new DecodeError("members.pushPull.userState", "needs 5 bytes and 2 are left", true),
  },
  {
    name: "fewer lengths than counted",
    bytes: "07 02 0001",
    error: new DecodeError("members.lengths", "needs 2 bytes and 0 are left", true),
  },
  {
    name: "a shorter message than its length",
    bytes: "07 02 0001 0005 08 0b81a5",
    error: new DecodeError("members.messages[1]", "needs 5 bytes and 3 are left", true),
  },
  { name: "a wrong CRC", bytes: "0c 00000000 08", error: new DecodeError("members.crc", "is wrong") },
  {
    name: "an unknown compression",
    bytes: "09 82 a4 416c676f 01 a3 427566 a0",
    error: new DecodeError("members.compress.Algo", "is not LZW"),
  },
  {
    name: "a compressed nothing",
    bytes: "09 81 a3 427566 a3 000302",
    error: new DecodeError("members.type", "needs 1 bytes and 0 are left", true),
  },
  {
    name: "codes without an end",
    bytes: "09 81 a3 427566 a2 0003",
    error: new DecodeError("members.compress.Buf", "ends without the code that ends it"),
  },
];

const u32 = fc.nat(0xffffffff);
const port = fc.nat(0xffff);
const name = fc.string({ maxLength: 40, unit: "grapheme" });
const bytes = fc.uint8Array({ maxLength: 40 });
const versions = fc.array(fc.nat(255), { maxLength: 6 });
/** Not the IPv4-mapped ones, which are read as IPv4. */
const ip = fc
  .constantFrom(4, 16)
  .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
  .map(ipFromBytes)
  .filter((address) => !address.startsWith("::ffff:"));
const asker = {
  sourceAddress: fc.option(ip, { nil: undefined }),
  sourcePort: fc.option(port, { nil: undefined }),
  sourceNode: fc.option(name, { nil: undefined }),
};
const nodes: fc.Arbitrary<MembersNode> = fc.record({
  name,
  address: ip,
  port,
  meta: bytes,
  incarnation: u32,
  state: fc.constantFrom("alive", "suspect", "dead", "left"),
  versions,
});
const MESSAGES: fc.Arbitrary<MembersMessage> = fc.oneof(
  fc.record({ kind: fc.constant("ping"), sequence: u32, node: name, ...asker }),
  fc.record({
    kind: fc.constant("indirectPing"),
    sequence: u32,
    target: ip,
    port,
    node: name,
    nack: fc.boolean(),
    ...asker,
  }),
  fc.record({ kind: fc.constant("ack"), sequence: u32, payload: bytes }),
  fc.record({ kind: fc.constant("nack"), sequence: u32 }),
  fc.record({ kind: fc.constantFrom("suspect", "dead"), incarnation: u32, node: name, from: name }),
  fc.record({ kind: fc.constant("alive"), incarnation: u32, node: name, address: ip, port, meta: bytes, versions }),
  fc.record({
    kind: fc.constant("pushPull"),
    join: fc.boolean(),
    nodes: fc.array(nodes, { maxLength: 4 }),
    userState: bytes,
  }),
  fc.record({ kind: fc.constant("user"), payload: bytes }),
  fc.record({ kind: fc.constant("error"), text: name }),
  fc.record({ kind: fc.constant("unknown"), type: fc.integer({ min: 14, max: 255 }), body: bytes }),
);

describe("Membership packets", () => {
  it.each(GOLDEN)("writes $name as memberlist does", ({ message, bytes }) => {
    expect(encodeMembers(message)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ message, bytes }) => {
    expect(decodeMembers(bytes)).toEqual([message]);
  });

  it("writes several messages into one packet", () => {
    const header = hex("07 03 0045 0015 0042");
    expect(encodeCompound([PING, ACK, ALIVE])).toEqual(Uint8Array.of(...header, ...PING, ...ACK, ...ALIVE));
  });

  it("refuses to write more messages than a packet counts", () => {
    expect(() => encodeCompound(Array.from({ length: 256 }, () => ACK))).toThrow("256 messages do not fit");
  });

  it("reads several messages of a compressed packet", () => {
    expect(decodeMembers(COMPRESSED)).toEqual([ping, ack, alive]);
  });

  it("reads a packet with a checksum", () => {
    expect(decodeMembers(CHECKED)).toEqual([ping]);
  });

  it("does not open what is wrapped inside a compound", () => {
    expect(decodeMembers(encodeCompound([encodeCompound([ACK])]))).toEqual([
      { kind: "unknown", type: 7, body: Uint8Array.of(1, 0, ACK.length, ...ACK) },
    ]);
  });

  it("reads an IPv4 address in sixteen bytes as IPv4", () => {
    // SourceAddr as Go's net.ParseIP leaves it.
    const packet = hex(`00 83 a4 4e6f6465 a6 6e6f64652d62 a5 5365714e6f cc c8
      aa 536f7572636541646472 b0 00000000000000000000ffffc0000201`);
    expect(decodeMembers(packet)).toEqual([
      { kind: "ping", sequence: 200, node: "node-b", sourceAddress: "192.0.2.1" },
    ]);
  });

  it("skips fields that it does not know", () => {
    expect(decodeMembers(hex("0b 82 a5 5365714e6f 07 a3 4e6577 92 01 c3"))).toEqual([{ kind: "nack", sequence: 7 }]);
  });

  it("reads back what it wrote", () => {
    fc.assert(
      fc.property(MESSAGES, (message) => {
        expect(decodeMembers(encodeMembers(message))).toEqual([message]);
      }),
    );
  });

  it("reads a stream once enough of it has come, and says how much it took", () => {
    const stream = Uint8Array.of(...PUSH_PULL, ...ACK);
    const answers = truncations(stream).map((part) => decodeMembersStream(part));
    expect(answers.slice(0, PUSH_PULL.length)).toEqual(new Array(PUSH_PULL.length).fill(undefined));
    expect(answers.at(-1)).toEqual({ message: pushPull, length: PUSH_PULL.length });
  });

  it("reads a state in pieces as it reads it whole, and each node once", () => {
    const progress = { nodes: [], length: 0 };
    const pieces = [...truncations(PUSH_PULL), PUSH_PULL];
    const read = pieces.map((piece) => [decodeMembersStream(piece, progress)?.message, progress.nodes.length] as const);
    expect(read.at(-1)).toEqual([pushPull, pushPull.nodes.length]);
    const counts = read.map(([, nodes]) => nodes);
    expect([...new Set(counts)]).toEqual([0, ...pushPull.nodes.map((_, index) => index + 1)]);
  });

  it("reads a compressed stream", () => {
    const answers = [...truncations(COMPRESSED_PUSH_PULL), COMPRESSED_PUSH_PULL].map((part) =>
      decodeMembersStream(part),
    );
    expect(answers.filter((answer) => answer !== undefined)).toEqual([
      { message: pushPull, length: COMPRESSED_PUSH_PULL.length },
    ]);
  });

  it("does not wait for the end of a compressed message that has none", () => {
    // Buf: the codes of the byte 06, push/pull, alone.
    const packet = hex("09 81 a3 427566 a4 000d0404");
    expect(() => decodeMembersStream(packet)).toThrow(
      new DecodeError("members.pushPull", "needs 1 bytes and 0 are left", true),
    );
  });

  it("takes or refuses any bytes, and does nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(13), (noise, type) => {
        settle(decodeMembers, noise);
        settle(decodeMembers, Uint8Array.of(type, ...noise));
        settle(decodeMembers, Uint8Array.of(type, 0x81, 0xa5, 0x53, 0x65, 0x71, 0x4e, 0x6f, ...noise));
        settle(decodeMembersStream, Uint8Array.of(type, ...noise));
      }),
    );
  });

  it("refuses every truncation", () => {
    for (const whole of [...GOLDEN.map((golden) => golden.bytes), COMPRESSED, CHECKED]) {
      expect(new Set(truncations(whole).map((part) => settle(decodeMembers, part)))).toEqual(new Set(["refused"]));
    }
  });

  it.each(MALFORMED)("refuses $name", ({ bytes, error }) => {
    expect(() => decodeMembers(hex(bytes))).toThrow(error);
  });
});
