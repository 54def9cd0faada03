import { describe, expect, it } from "vitest";
import { hex } from "./golden/hex.ts";
import { parseIp } from "./ip.ts";
import { parseMac } from "./mac.ts";
import { Writer } from "./writer.ts";

/** Writes one of everything: 39 bytes. */
const fill = (writer: Writer): Writer =>
  writer
    .u8(1)
    .u16(0x0203)
    .u32(0xfffefdfc)
    .mac(parseMac("02:00:00:00:00:2a"))
    .ip(parseIp("192.0.2.1"))
    .ip(parseIp("2001:db8::1"))
    .bytes(hex("0a0b"))
    .zeros(3)
    .u8(0xff);

const FILLED = hex("01 0203 fffefdfc 02000000002a c0000201 20010db8000000000000000000000001 0a0b 000000 ff");

describe("Writer", () => {
  it("writes fields in network order", () => {
    const writer = fill(new Writer());
    expect({ length: writer.length, view: writer.view(), bytes: writer.finish() }).toEqual({
      length: 39,
      view: FILLED,
      bytes: FILLED,
    });
  });

  it("grows wherever its room ends", () => {
    for (let capacity = 0; capacity <= 39; capacity++) expect(fill(new Writer(capacity)).finish()).toEqual(FILLED);
  });

  it("writes a length afterwards", () => {
    expect(new Writer().u8(1).u16(0).u8(4).patchU16(1, 0x0203).finish()).toEqual(hex("01020304"));
  });
});
