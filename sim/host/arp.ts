// RFC 826 (ARP), RFC 5227 (probes), and what Linux makes of them (net/ipv4/arp.c: arp_process, arp_solicit).
import { type Arp, decodeArp, encodeArp } from "../../impl/wire/arp.ts";
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { type Ip, type Ipv4, isIpv4, isMulticast, UNSPECIFIED_V4 } from "../../impl/wire/ip.ts";
import { BROADCAST, type Mac, macToBytes, ZERO_MAC } from "../../impl/wire/mac.ts";
import { maskTo } from "../../impl/wire/prefix.ts";
import { seconds } from "../../impl/wire/time.ts";
import { type IpPacket } from "./hooks.ts";
import { type IpLink, type Kernel } from "./kernel.ts";
import { type NeighbourParameters } from "./neighbour-parameters.ts";
import { ipv4Number, NeighbourTable } from "./neighbours.ts";
import { RateLimit } from "./rate-limit.ts";

const BROADCAST_BYTES = macToBytes(BROADCAST);
const OPERATION = 7;
const REQUEST = 1;
const SENDER_MAC = 8;
const SENDER_IP = 14;
const TARGET_IP = 24;
const ARP_LENGTH = 28;

export class ArpProtocol {
  readonly table: NeighbourTable;
  readonly #kernel: Kernel;
  readonly #link: IpLink;
  readonly #limit = new RateLimit(seconds(1));

  constructor(kernel: Kernel, link: IpLink, parameters: NeighbourParameters) {
    this.#kernel = kernel;
    this.#link = link;
    const random = kernel.world.random(`host/${kernel.name}/${link.name}/arp`);
    this.table = new NeighbourTable(parameters, kernel.timers, random, {
      solicit: (target, to, first) => this.#solicit(target, to, first),
      transmit: (to, bytes) => link.sendFrame(to, ETHER_TYPES.ipv4, bytes),
      giveUp: (packet) => kernel.hostUnreachable(packet, link.name),
      changed: (ip, { kind, ...rest }) =>
        kernel.trace("neighbour", `${ip} dev=${link.name} ${kind}${"mac" in rest ? ` ${rest.mac}` : ""}`),
    });
  }

  /** An ARP packet from the network; `toAll` where its frame was not for this host alone. */
  input(bytes: Uint8Array, toAll: boolean): void {
    if (!this.#concerns(bytes)) return;
    const arp = decodeArp(bytes);
    const { senderIp, targetIp, operation } = arp;
    if (isMulticast(targetIp) || targetIp.startsWith("127.")) return;
    if (senderIp === targetIp && this.#link.conf4.drop_gratuitous_arp !== 0) return;
    const asked = operation === "request" && this.#kernel.isLocal(targetIp, this.#link.name);
    if (senderIp === UNSPECIFIED_V4) {
      // RFC 5227 section 2.1.1: a probe is answered and teaches nothing.
      if (asked && this.#mayAnswer(senderIp, targetIp)) this.#reply(arp);
      return;
    }
    // Whoever claims our own address is not believed.
    if (this.#kernel.isLocal(senderIp, this.#link.name)) return;
    if (asked) {
      if (!this.#mayAnswer(senderIp, targetIp)) return;
      this.table.learn(senderIp, { mac: arp.senderMac, as: "stale", override: "always" }, true);
      return this.#reply(arp);
    }
    this.#learn(arp, toAll);
  }

  /** On a large network most requests are for others, from stations that are known: they are not worth decoding. */
  #concerns(bytes: Uint8Array): boolean {
    if (bytes.length < ARP_LENGTH || bytes[OPERATION] !== REQUEST) return true;
    if (this.#link.conf4.arp_accept !== 0 || this.table.parameters.gratuitous.kind !== "sysctl") return true;
    if (this.#kernel.isLocalNumber(ipv4Number(bytes, TARGET_IP))) return true;
    return this.table.isNews(ipv4Number(bytes, SENDER_IP), bytes, SENDER_MAC);
  }

  #learn(arp: Arp, toAll: boolean): void {
    const { senderIp, senderMac, operation } = arp;
    const verdict = this.#judge(arp);
    if (verdict === "ignore") return;
    // RFC 1122 section 2.3.2.1 wants no news from what was not asked for: only a reply to this host proves reachability.
    const as = operation === "reply" && !toAll ? "reachable" : "stale";
    const override = verdict === "gratuitous" || !this.table.isLocked(senderIp) ? "always" : "never";
    this.table.learn(senderIp, { mac: senderMac, as, override }, this.#mayCreate(arp, verdict));
  }

  #judge(arp: Arp): "ordinary" | "gratuitous" | "ignore" {
    const { operation, senderIp, targetIp, senderMac, targetMac } = arp;
    const { gratuitous, gratuitousReplies } = this.table.parameters;
    if (senderIp !== targetIp) return "ordinary";
    if (gratuitous.kind === "sysctl") {
      // A gratuitous reply names its sender as its target too; a broadcast there makes it an ordinary reply.
      return operation === "request" || targetMac === senderMac ? "gratuitous" : "ordinary";
    }
    if (gratuitous.kind === "ignore" || (operation === "reply" && !gratuitousReplies)) return "ignore";
    if (gratuitous.kind === "rateLimited" && !this.#limit.allows(this.#kernel.timers.now, gratuitous.perSecond)) {
      this.#kernel.trace("neighbour", `${senderIp} dev=${this.#link.name} ignored: too many announcements`);
      return "ignore";
    }
    return "ordinary";
  }

  #mayCreate(arp: Arp, verdict: "ordinary" | "gratuitous"): boolean {
    const { gratuitous } = this.table.parameters;
    if (gratuitous.kind !== "sysctl") return gratuitous.kind === "create" && arp.senderIp === arp.targetIp;
    const accept = this.#link.conf4.arp_accept;
    if (accept === 0 || (accept === 2 && !this.#onSubnet(arp.senderIp))) return false;
    return verdict === "gratuitous" || arp.operation === "reply";
  }

  /** Whether one subnet of this interface contains all of `ips`. */
  #onSubnet(...ips: readonly Ipv4[]): boolean {
    return this.#link.addresses.some(
      ({ ip, length }) => isIpv4(ip) && ips.every((other) => maskTo(ip, length) === maskTo(other, length)),
    );
  }

  /** arp_ignore. */
  #mayAnswer(senderIp: Ipv4, targetIp: Ipv4): boolean {
    const mode = this.#link.conf4.arp_ignore;
    if (mode === 0) return true;
    if (mode === 1) return this.#link.hasAddress(targetIp);
    if (mode === 2) return this.#link.hasAddress(targetIp) && this.#onSubnet(senderIp);
    return false;
  }

  #reply(request: Arp): void {
    const { senderMac, senderIp, targetIp } = request;
    this.#send(senderMac, {
      operation: "reply",
      senderMac: this.#link.mac,
      senderIp: targetIp,
      targetMac: senderMac,
      targetIp: senderIp,
    });
  }

  #solicit(target: Ip, to: Mac | undefined, first: IpPacket | undefined): void {
    if (!isIpv4(target)) return;
    const request: Arp = {
      operation: "request",
      senderMac: this.#link.mac,
      senderIp: this.#sourceFor(target, first),
      targetMac: ZERO_MAC,
      targetIp: target,
    };
    this.#send(to, request);
  }

  /** arp_announce: the source of the packet that waits, or the address of this interface that the target knows best. */
  #sourceFor(target: Ipv4, first: IpPacket | undefined): Ipv4 {
    const mode = this.#link.conf4.arp_announce;
    const offered = first?.source;
    if (offered !== undefined && isIpv4(offered) && mode < 2 && this.#kernel.isLocal(offered, this.#link.name)) {
      if (mode === 0 || this.#onSubnet(target, offered)) return offered;
    }
    let other: Ipv4 | undefined;
    for (const { ip, length } of this.#link.addresses) {
      if (!isIpv4(ip)) continue;
      if (maskTo(ip, length) === maskTo(target, length)) return ip;
      other ??= ip;
    }
    return other ?? UNSPECIFIED_V4;
  }

  /** RFC 5227 section 2.3: says where the host's own addresses are, after a bond moved to another port. */
  announce(): void {
    for (const { ip } of this.#link.addresses) {
      if (!isIpv4(ip)) continue;
      const { mac } = this.#link;
      this.#send(undefined, { operation: "request", senderMac: mac, senderIp: ip, targetMac: ZERO_MAC, targetIp: ip });
    }
  }

  #send(to: Mac | undefined, arp: Arp): void {
    this.#link.sendFrame(to === undefined ? BROADCAST_BYTES : macToBytes(to), ETHER_TYPES.arp, encodeArp(arp));
  }
}
