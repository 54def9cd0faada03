import { describe, expect, it } from "vitest";
import { parseIp } from "../../impl/wire/ip.ts";
import { parseMac } from "../../impl/wire/mac.ts";
import { answerIn } from "./question.ts";

const VIP = parseIp("192.0.2.150");
const ASKER = { mac: parseMac("02:00:00:00:00:0c"), ip: parseIp("192.0.2.201") };

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/#.*$|\s/gm, ""), "hex"));

/** RFC 826: an ARP reply of 02:…:0a for 192.0.2.150, in the order of its fields. */
const reply = (destination: string, targetMac: string, targetIp: string): Uint8Array =>
  hex(`
    ${destination} 02000000000a 0806  # Ethernet
    0001 0800 06 04 0002              # hardware, protocol, lengths, reply
    02000000000a c0000296             # sender
    ${targetMac} ${targetIp}          # target
  `);

describe("what answers a question", () => {
  it("is a reply to who asked, also where it asked without an address", () => {
    const answer = reply("02000000000c", "02000000000c", "c00002c9");
    expect(answerIn(answer, VIP, ASKER)).toBe("02:00:00:00:00:0a");
    const toProbe = reply("02000000000c", "02000000000c", "00000000");
    expect(answerIn(toProbe, VIP, { ...ASKER, ip: undefined })).toBe("02:00:00:00:00:0a");
  });

  it("is no announcement that happens to come now (RFC 5227, in the form of a reply)", () => {
    expect(answerIn(reply("ffffffffffff", "02000000000a", "c0000296"), VIP, ASKER)).toBeUndefined();
  });

  it("is not about another address, and not a broken frame", () => {
    const answer = reply("02000000000c", "02000000000c", "c00002c9");
    expect(answerIn(answer, parseIp("192.0.2.151"), ASKER)).toBeUndefined();
    expect(answerIn(answer.subarray(0, 30), VIP, ASKER)).toBeUndefined();
  });
});
