import { describe, expect, it } from "vitest";
import { ALL_FRAMES, NEIGHBOUR_FRAMES } from "./frames.ts";

// include/uapi/linux/filter.h; the offset is negative there.
const SKF_AD_OFF = 2 ** 32 - 0x1000;
const SKF_AD_VLAN_TAG = 44;

/** Classic BPF as Documentation/networking/filter.rst words it; a load behind the end of the packet ends with 0. */
function accepts(program: Buffer, packet: Buffer, vlanTag = 0): boolean {
  let accumulator = 0;
  for (let at = 0; at * 8 < program.length; at++) {
    const code = program.readUInt16LE(at * 8);
    const ifTrue = program.readUInt8(at * 8 + 2);
    const ifFalse = program.readUInt8(at * 8 + 3);
    const value = program.readUInt32LE(at * 8 + 4);
    if (code === 0x28 || code === 0x30) {
      const size = code === 0x28 ? 2 : 1;
      if (value + size > packet.length) return false;
      accumulator = packet.readUIntBE(value, size);
    } else if (code === 0x20 && value === SKF_AD_OFF + SKF_AD_VLAN_TAG) accumulator = vlanTag;
    else if (code === 0x45) at += (accumulator & value) === 0 ? ifFalse : ifTrue;
    else if (code === 0x25) at += accumulator > value ? ifTrue : ifFalse;
    else if (code === 0x15) at += accumulator === value ? ifTrue : ifFalse;
    else if (code === 0x06) return value > 0;
    else throw new Error(`unknown instruction 0x${code.toString(16)}`);
  }
  throw new Error("ran off the end");
}

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex");

const ETHERNET = "ffffffffffff 020000000001";
const V6 = (next: string, payload: string): string =>
  `${ETHERNET} 86dd 6000000000 20 ${next} ff fe800000000000000000000000000001 ff020000000000000000000000000001 ${payload}`;

const ECHO = (ip: string, port: string): string =>
  `45c00034 12340000 fe11 0000 ${ip} ${ip} 0ec9 ${port} 0020 0000 011800003fb1b00b00000000000034c8000000000002b925`;

describe("the filter of the frames a speaker needs", () => {
  it.each([
    ["ARP", `${ETHERNET} 0806 0001080006040001 020000000001c0000201 000000000000c0000296`, true],
    ["a neighbour solicitation", V6("3a", "8700 0000"), true],
    ["a neighbour advertisement", V6("3a", "8800 0000"), true],
    ["a router solicitation", V6("3a", "8500 0000"), true],
    ["a router advertisement", V6("3a", "8600 0000"), true],
    ["an MLDv1 done", V6("3a", "8400 0000"), false],
    ["a redirect", V6("3a", "8900 0000"), false],
    ["an echo request", V6("3a", "8000 0000"), false],
    ["an MLD report behind a hop-by-hop header", V6("00", "3a00050200000100 8f00"), false],
    ["TCP over IPv6 whose first byte looks like a solicitation", V6("06", "8700 0050"), false],
    ["IPv4", `${ETHERNET} 0800 4500001400000000400600000a0000010a000002`, false],
    ["a BFD Echo packet of FRR", `${ETHERNET} 0800 ${ECHO("c0 00 02 02", "0ec9")}`, true],
    ["UDP to another port", `${ETHERNET} 0800 ${ECHO("c0 00 02 02", "0ec8")}`, false],
    ["LLDP", `${ETHERNET} 88cc 0207`, false],
    ["IPv6 that is cut off before the type", V6("3a", ""), false],
    ["nothing but addresses", ETHERNET, false],
  ])("%s", (_, frame, wanted) => {
    expect(accepts(NEIGHBOUR_FRAMES, hex(frame))).toBe(wanted);
  });

  it.each([
    ["VLAN 10", 10, false],
    ["VLAN 4095 with priority 7", 0xffff, false],
    ["a priority and no VLAN (802.1p)", 0xe000, true],
  ])("takes ARP that came with a tag of %s for what it is", (_, tag, wanted) => {
    const arp = hex(`${ETHERNET} 0806 0001080006040001 020000000001c0000201 000000000000c0000296`);
    expect(accepts(NEIGHBOUR_FRAMES, arp, tag)).toBe(wanted);
  });

  it("leaves nothing out for whoever watches a network", () => {
    expect(accepts(ALL_FRAMES, hex(ETHERNET))).toBe(true);
  });
});
