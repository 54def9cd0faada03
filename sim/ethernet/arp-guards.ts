// What switches do against ARP spoofing, and what gratuitous ARP suffers from it.
import { type Arp, decodeArp } from "../../impl/wire/arp.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { ETHER_TYPES, type Ethernet } from "../../impl/wire/ethernet.ts";
import { type Ipv4, UNSPECIFIED_V4 } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type Micros, minus, seconds } from "../../impl/wire/time.ts";

/** Looks into frames as they come in; answers why one is dropped. */
export interface ArpGuard {
  refuse(port: string, arp: Arp, now: Micros): string | undefined;
}

/** The ARP packet in a frame, if there is one that can be read. */
export function arpIn(frame: Ethernet): Arp | undefined {
  if (frame.etherType !== ETHER_TYPES.arp) return undefined;
  try {
    return decodeArp(frame.payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** Lets each port announce itself `perSecond` times in any second. */
export class GratuitousArpLimit implements ArpGuard {
  readonly #perSecond: number;
  readonly #passed = new Map<string, Micros[]>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  refuse(port: string, arp: Arp, now: Micros): string | undefined {
    if (arp.senderIp !== arp.targetIp) return undefined;
    const recent = (this.#passed.get(port) ?? []).filter((time) => minus(now, time) < seconds(1));
    this.#passed.set(port, recent);
    if (recent.length >= this.#perSecond) return `more than ${this.#perSecond} gratuitous ARP packets per second`;
    recent.push(now);
    return undefined;
  }
}

/** Believes only the bindings it was told; a probe (RFC 5227 section 1.1) claims nothing and passes. */
export class ArpInspection implements ArpGuard {
  readonly #bindings = new Map<Ipv4, Mac>();

  bind(ip: Ipv4, mac: Mac): void {
    this.#bindings.set(ip, mac);
  }

  refuse(_port: string, arp: Arp): string | undefined {
    if (arp.senderIp === UNSPECIFIED_V4 || this.#bindings.get(arp.senderIp) === arp.senderMac) return undefined;
    return `ARP inspection: ${arp.senderIp} is not bound to ${arp.senderMac}`;
  }
}
