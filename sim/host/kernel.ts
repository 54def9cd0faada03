import { type Ip } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type InterfaceAddress } from "../../impl/wire/prefix.ts";
import { type SimWorld } from "../world.ts";
import { type IpPacket } from "./hooks.ts";
import { type KernelTimers } from "./kernel-timers.ts";
import { type Conf4, type Conf6 } from "./sysctl.ts";

/** What the protocols of one interface see of their host. */
export interface Kernel {
  readonly name: string;
  readonly world: SimWorld;
  readonly timers: KernelTimers;
  /**
   * True for the addresses of every interface in the VRF of `device`, or in none: Linux is a weak host (RFC 1122
   * section 3.3.4.2).
   */
  isLocal(ip: Ip, device?: string): boolean;
  /** The VRF of an interface; a VRF is in itself. */
  vrfOf(device: string): string | undefined;
  /** Whether an IPv4 address, as ipv4Number reads it, is local in any VRF or in none; 127.0.0.0/8 left out. */
  isLocalNumber(ip: number): boolean;
  /** A packet that the next hop behind `link` did not answer for. */
  hostUnreachable(packet: IpPacket, link: string): void;
  /** Duplicate address detection failed. */
  removeAddress(link: string, ip: Ip): void;
  trace(what: string, detail: string): void;
}

/** What they see of their interface. */
export interface IpLink {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
  readonly conf4: Conf4;
  readonly conf6: Conf6;
  readonly addresses: readonly InterfaceAddress[];
  hasAddress(ip: Ip): boolean;
  sendFrame(to: Uint8Array, etherType: number, payload: Uint8Array): void;
}
