// What switches do against ARP spoofing, and what gratuitous ARP suffers from it.
import { type Arp, decodeArp } from "../../impl/wire/arp.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { ETHER_TYPES, type Ethernet } from "../../impl/wire/ethernet.ts";
import { type Ipv4, UNSPECIFIED_V4 } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type Micros, minus, seconds } from "../../impl/wire/time.ts";
import { type SwitchPort } from "./switch-port.ts";
import { type SwitchProfile } from "./switch-profile.ts";

/** Looks into ARP packets as they come in, as far as the profile asks for it. */
export class ArpGuards {
  readonly #inspects: boolean;
  readonly #rate: number;
  readonly #bindings = new Map<Ipv4, Mac>();
  /** When each port announced itself within the last second. */
  readonly #announced = new Map<string, Micros[]>();

  constructor({ arpInspection = false, gratuitousArpRate = Number.POSITIVE_INFINITY }: SwitchProfile) {
    this.#inspects = arpInspection;
    this.#rate = gratuitousArpRate;
  }

  /** Tells ARP inspection that `ip` belongs to `mac`. */
  bind(ip: Ipv4, mac: Mac): void {
    this.#bindings.set(ip, mac);
  }

  /** Why the frame is dropped; undefined where it may pass. */
  refuse(port: SwitchPort, frame: Ethernet, now: Micros): string | undefined {
    if (!this.#inspects && this.#rate === Number.POSITIVE_INFINITY) return undefined;
    const arp = arpIn(frame);
    if (arp === undefined) return undefined;
    return this.#inspect(port, arp) ?? this.#limit(port, arp, now);
  }

  #inspect(port: SwitchPort, { senderIp, senderMac }: Arp): string | undefined {
    if (!this.#inspects || port.trusted) return undefined;
    // RFC 5227 section 1.1: a probe claims nothing.
    if (senderIp === UNSPECIFIED_V4 || this.#bindings.get(senderIp) === senderMac) return undefined;
    return `ARP inspection: ${senderIp} is not bound to ${senderMac}`;
  }

  #limit(port: SwitchPort, { senderIp, targetIp }: Arp, now: Micros): string | undefined {
    if (senderIp !== targetIp) return undefined;
    const recent = (this.#announced.get(port.name) ?? []).filter((time) => minus(now, time) < seconds(1));
    this.#announced.set(port.name, recent);
    if (recent.length >= this.#rate) return `more than ${this.#rate} gratuitous ARP packets per second`;
    recent.push(now);
    return undefined;
  }
}

/** The ARP packet in a frame, if there is one that can be read. */
function arpIn(frame: Ethernet): Arp | undefined {
  if (frame.etherType !== ETHER_TYPES.arp) return undefined;
  try {
    return decodeArp(frame.payload);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
