import { describe, expect, it } from "vitest";
import { DecodeError } from "./errors.ts";
import { hex } from "./golden/hex.ts";
import { Reader } from "./reader.ts";

describe("Reader", () => {
  it("reads fields in network order", () => {
    const reader = new Reader(
      hex("01 0203 fffefdfc 02000000002a c0000201 20010db8000000000000000000000001 0a0b 0c 0d"),
      "packet",
    );
    const fields = [
      reader.u8("a"),
      reader.u16("b"),
      reader.u32("c"),
      reader.mac("d"),
      reader.ipv4("e"),
      reader.ipv6("f"),
      reader.bytes(2, "g"),
      reader.offset,
      reader.remaining,
      reader.rest(),
      reader.remaining,
    ];
    expect(fields).toEqual([
      1,
      0x0203,
      0xfffefdfc,
      "02:00:00:00:00:2a",
      "192.0.2.1",
      "2001:db8::1",
      hex("0a0b"),
      35,
      2,
      hex("0c0d"),
      0,
    ]);
  });

  it("reads the bytes of a view, not those around it", () => {
    const reader = new Reader(hex("ff 0102 ff").subarray(1, 3), "packet");
    expect([reader.u16("a"), reader.remaining]).toEqual([0x0102, 0]);
  });

  it("gives a view, not a copy", () => {
    const bytes = hex("0102");
    const view = new Reader(bytes, "packet").bytes(2, "a");
    bytes[0] = 0xff;
    expect(view).toEqual(hex("ff02"));
  });

  it("names the field that is not there, and reads nothing of it", () => {
    const reader = new Reader(hex("01"), "packet");
    expect(() => reader.u32("size")).toThrow(new DecodeError("packet.size", "needs 4 bytes and 1 are left", true));
    expect(reader.u8("kind")).toBe(1);
  });

  it("names the part that a field is in", () => {
    const part = new Reader(hex("01 02 03"), "packet").part(2, "option");
    expect([part.u8("kind"), part.remaining]).toEqual([1, 1]);
    expect(() => part.u16("value")).toThrow(
      new DecodeError("packet.option.value", "needs 2 bytes and 1 are left", true),
    );
  });

  it("refuses another value than the only one", () => {
    const reader = new Reader(hex("0800 06 86dd 10"), "packet");
    reader.expectU16("type", 0x0800);
    reader.expectU8("length", 6);
    expect(() => reader.expectU16("type", 0x0800)).toThrow(new DecodeError("packet.type", "is 0x86dd"));
    expect(() => reader.expectU8("length", 6)).toThrow(new DecodeError("packet.length", "is 0x10"));
  });
});
