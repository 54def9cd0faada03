import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BfdControl, decodeBfd, decodeBfdEcho, encodeBfd, encodeBfdEcho, refusalOf } from "./bfd.ts";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { bitFlips, replaced, settle, truncations } from "./golden/hostile.ts";
import { micros, millis } from "./time.ts";

const QUIET = {
  poll: false,
  final: false,
  controlPlaneIndependent: false,
  demand: false,
  multipoint: false,
  authentication: undefined,
} as const;

const GOLDEN: readonly { readonly name: string; readonly bytes: Uint8Array; readonly packet: BfdControl }[] = [
  {
    name: "the first packet of FRR 8.4.4",
    bytes: hex(`
      20        # version 1, no diagnostic
      40        # Down
      03        # detect multiplier
      18        # length 24
      c842ca3c  # my discriminator
      00000000  # your discriminator
      000f4240  # desired min TX 1 s
      000f4240  # required min RX 1 s
      0000c350  # required min echo RX 50 ms`),
    packet: {
      ...QUIET,
      diagnostic: "none",
      state: "down",
      detectMultiplier: 3,
      myDiscriminator: 0xc842ca3c,
      yourDiscriminator: 0,
      desiredMinTx: millis(1000),
      requiredMinRx: millis(1000),
      requiredMinEchoRx: millis(50),
    },
  },
  {
    name: "the second of FRR 8.4.4",
    bytes: hex("20 80 03 18 c842ca3c ef6149a8 000f4240 000f4240 0000c350"),
    packet: {
      ...QUIET,
      diagnostic: "none",
      state: "init",
      detectMultiplier: 3,
      myDiscriminator: 0xc842ca3c,
      yourDiscriminator: 0xef6149a8,
      desiredMinTx: millis(1000),
      requiredMinRx: millis(1000),
      requiredMinEchoRx: millis(50),
    },
  },
  {
    name: "a Poll of BIRD 2.0.12",
    bytes: hex("20 e0 05 18 ef6149a8 c842ca3c 000493e0 000493e0 00000000"),
    packet: {
      ...QUIET,
      diagnostic: "none",
      state: "up",
      poll: true,
      detectMultiplier: 5,
      myDiscriminator: 0xef6149a8,
      yourDiscriminator: 0xc842ca3c,
      desiredMinTx: millis(300),
      requiredMinRx: millis(300),
      requiredMinEchoRx: micros(0),
    },
  },
  {
    name: "a Final of FRR 8.4.4",
    bytes: hex("20 d0 03 18 c842ca3c ef6149a8 000493e0 000493e0 0000c350"),
    packet: {
      ...QUIET,
      diagnostic: "none",
      state: "up",
      final: true,
      detectMultiplier: 3,
      myDiscriminator: 0xc842ca3c,
      yourDiscriminator: 0xef6149a8,
      desiredMinTx: millis(300),
      requiredMinRx: millis(300),
      requiredMinEchoRx: millis(50),
    },
  },
  {
    name: "BIRD 2.0.12, whose neighbor signaled that the session went down, with a Poll",
    bytes: hex("23 60 05 18 ef6149a8 c842ca3c 000f4240 000493e0 00000000"),
    packet: {
      ...QUIET,
      diagnostic: "neighborSignaledSessionDown",
      state: "down",
      poll: true,
      detectMultiplier: 5,
      myDiscriminator: 0xef6149a8,
      yourDiscriminator: 0xc842ca3c,
      desiredMinTx: millis(1000),
      requiredMinRx: millis(300),
      requiredMinEchoRx: micros(0),
    },
  },
  {
    name: "FRR 8.4.4 whose detection time ran out",
    bytes: hex("21 40 03 18 65dc1181 00000000 000493e0 000493e0 0000c350"),
    packet: {
      ...QUIET,
      diagnostic: "controlDetectionTimeExpired",
      state: "down",
      detectMultiplier: 3,
      myDiscriminator: 0x65dc1181,
      yourDiscriminator: 0,
      desiredMinTx: millis(300),
      requiredMinRx: millis(300),
      requiredMinEchoRx: millis(50),
    },
  },
  {
    name: "FRR 8.4.4 that was shut down",
    bytes: hex("20 00 03 18 65dc1181 96f1f773 000493e0 000493e0 0000c350"),
    packet: {
      ...QUIET,
      diagnostic: "none",
      state: "adminDown",
      detectMultiplier: 3,
      myDiscriminator: 0x65dc1181,
      yourDiscriminator: 0x96f1f773,
      desiredMinTx: millis(300),
      requiredMinRx: millis(300),
      requiredMinEchoRx: millis(50),
    },
  },
  {
    name: "every flag and a simple password (RFC 5880 section 4.2), after RFC 5880 section 4.2",
    bytes: hex(`
      3f  # version 1, diagnostic 31
      cf  # Up, C, A, D, M
      03 21
      00000001 00000002 000f4240 000f4240 00000000
      01  # simple password
      09  # nine bytes of section
      01  # key
      736563726574 # "secret"`),
    packet: {
      diagnostic: 31,
      state: "up",
      poll: false,
      final: false,
      controlPlaneIndependent: true,
      demand: true,
      multipoint: true,
      detectMultiplier: 3,
      myDiscriminator: 1,
      yourDiscriminator: 2,
      desiredMinTx: millis(1000),
      requiredMinRx: millis(1000),
      requiredMinEchoRx: micros(0),
      authentication: { type: 1, data: hex("01 736563726574") },
    },
  },
];

const DOWN = hex("20 40 03 18 c842ca3c 00000000 000f4240 000f4240 0000c350");
const INIT = hex("20 80 03 18 c842ca3c ef6149a8 000f4240 000f4240 0000c350");
const SECRET = hex("20 44 03 21 00000001 00000000 000f4240 000f4240 00000000 01 09 01 736563726574");

/** RFC 5880 section 6.8.6: what keeps a packet from being read. */
const MALFORMED: readonly (readonly [string, Uint8Array, DecodeError])[] = [
  ["version 0", replaced(DOWN, 0, 0x00), new DecodeError("bfd.version", "is 0")],
  ["version 2", replaced(DOWN, 0, 0x40), new DecodeError("bfd.version", "is 2")],
  ["length 23", replaced(DOWN, 3, 23), new DecodeError("bfd.length", "is 23")],
  ["length 24 with an authentication section", replaced(SECRET, 3, 24), new DecodeError("bfd.length", "is 24")],
  ["length 25 with an authentication section", replaced(SECRET, 3, 25), new DecodeError("bfd.length", "is 25")],
  [
    "a length beyond the payload",
    replaced(DOWN, 3, 25),
    new DecodeError("bfd.length", "is 25 in a payload of 24 bytes"),
  ],
  [
    "a section longer than its packet",
    replaced(SECRET, 25, 10),
    new DecodeError("bfd.authentication.length", "is 10 where 9 bytes are left"),
  ],
  [
    "a section shorter than its packet",
    replaced(SECRET, 25, 8),
    new DecodeError("bfd.authentication.length", "is 8 where 9 bytes are left"),
  ],
];

describe("BFD", () => {
  it.each(GOLDEN)("writes $name", ({ bytes, packet }) => {
    expect(encodeBfd(packet)).toEqual(bytes);
  });

  it.each(GOLDEN)("reads $name", ({ bytes, packet }) => {
    expect(decodeBfd(bytes)).toEqual(packet);
  });

  it.each(MALFORMED)("refuses %s", (_name, bytes, error) => {
    expect(() => decodeBfd(bytes)).toThrow(error);
  });

  it("ignores what follows the length", () => {
    expect(decodeBfd(Uint8Array.of(...DOWN, 1, 2, 3))).toEqual(GOLDEN[0]?.packet);
  });

  it("knows each diagnostic by its number (RFC 5880 section 4.1)", () => {
    const names = Array.from({ length: 11 }, (_, code) => decodeBfd(replaced(DOWN, 0, 0x20 | code)).diagnostic);
    expect(names).toEqual([
      "none",
      "controlDetectionTimeExpired",
      "echoFunctionFailed",
      "neighborSignaledSessionDown",
      "forwardingPlaneReset",
      "pathDown",
      "concatenatedPathDown",
      "administrativelyDown",
      "reverseConcatenatedPathDown",
      "misConnectivityDefect",
      10,
    ]);
  });

  const zero = (bytes: Uint8Array, at: number): Uint8Array =>
    bytes.map((byte, index) => (index >= at && index < at + 4 ? 0 : byte));
  const refusals: readonly (readonly [string, Uint8Array, string | undefined])[] = [
    ["nothing wrong", INIT, undefined],
    ["detect multiplier 0", replaced(INIT, 2, 0), "detectMultiplierZero"],
    ["the multipoint bit", replaced(INIT, 1, 0x81), "multipoint"],
    ["my discriminator 0", zero(INIT, 4), "myDiscriminatorZero"],
    ["your discriminator 0 in Init", zero(INIT, 8), "yourDiscriminatorZero"],
    ["your discriminator 0 in Up", replaced(zero(INIT, 8), 1, 0xc0), "yourDiscriminatorZero"],
    ["your discriminator 0 in Down", replaced(zero(INIT, 8), 1, 0x40), undefined],
    ["your discriminator 0 in AdminDown", replaced(zero(INIT, 8), 1, 0x00), undefined],
    ["everything at once", zero(zero(replaced(replaced(INIT, 2, 0), 1, 0x81), 4), 8), "detectMultiplierZero"],
    ["everything from the multipoint bit on", zero(zero(replaced(INIT, 1, 0x81), 4), 8), "multipoint"],
    ["both discriminators 0", zero(zero(INIT, 4), 8), "myDiscriminatorZero"],
  ];
  it.each(refusals)("judges a packet with %s", (_name, bytes, refusal) => {
    expect(refusalOf(decodeBfd(bytes))).toBe(refusal);
  });

  it("gives a value or an error to whatever comes", () => {
    for (const { bytes } of GOLDEN) {
      for (const part of truncations(bytes)) expect(settle(decodeBfd, part)).toBe("refused");
      for (const flipped of bitFlips(bytes)) settle(decodeBfd, flipped);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        settle(decodeBfd, bytes);
        settle(decodeBfd, Uint8Array.of(0x20, ...bytes));
      }),
    );
  });

  it("reads back what it wrote", () => {
    const u32 = fc.integer({ min: 0, max: 0xffffffff });
    const any = fc.record({
      diagnostic: fc.oneof(fc.constantFrom("none" as const, "pathDown" as const), fc.integer({ min: 10, max: 31 })),
      state: fc.constantFrom("adminDown" as const, "down" as const, "init" as const, "up" as const),
      poll: fc.boolean(),
      final: fc.boolean(),
      controlPlaneIndependent: fc.boolean(),
      demand: fc.boolean(),
      multipoint: fc.boolean(),
      detectMultiplier: fc.integer({ min: 0, max: 255 }),
      myDiscriminator: u32,
      yourDiscriminator: u32,
      desiredMinTx: u32.map(micros),
      requiredMinRx: u32.map(micros),
      requiredMinEchoRx: u32.map(micros),
      authentication: fc.option(
        fc.record({ type: fc.integer({ min: 0, max: 255 }), data: fc.uint8Array({ maxLength: 28 }) }),
        { nil: undefined },
      ),
    });
    fc.assert(
      fc.property(any, (packet) => {
        expect(decodeBfd(encodeBfd(packet))).toEqual(packet);
      }),
    );
  });
});

describe("A BFD echo", () => {
  it("comes back as it was sent", () => {
    expect(decodeBfdEcho(encodeBfdEcho({ discriminator: 0xfedcba98 }))).toEqual({ discriminator: 0xfedcba98 });
  });

  it("of another system is not ours", () => {
    const ours = encodeBfdEcho({ discriminator: 1 });
    expect(() => decodeBfdEcho(DOWN)).toThrow(new DecodeError("bfdEcho.marker", "is 0x20400318"));
    for (const part of truncations(ours)) expect(settle(decodeBfdEcho, part)).toBe("refused");
  });
});
