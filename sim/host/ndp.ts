// RFC 4861 section 7.2 as Linux does it (net/ipv6/ndisc.c: ndisc_recv_ns, ndisc_recv_na, ndisc_solicit).
// The checks of sections 7.1.1 and 7.1.2 on one message are made where it is decoded (impl/wire/ndp.ts).
import { ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { encodeIcmp6, type Icmp6 } from "../../impl/wire/icmp6.ts";
import {
  ALL_NODES,
  type Ip,
  type Ipv6,
  isIpv6,
  isLinkLocal,
  isMulticast,
  solicitedNodeGroup,
  UNSPECIFIED_V6,
} from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { type Mac, macToBytes, multicastMac } from "../../impl/wire/mac.ts";
import { NDP_HOP_LIMIT, type NeighborAdvertisement, type NeighborSolicitation } from "../../impl/wire/ndp.ts";
import { maskTo } from "../../impl/wire/prefix.ts";
import { seconds } from "../../impl/wire/time.ts";
import { type IpPacket } from "./hooks.ts";
import { type IpLink, type Kernel } from "./kernel.ts";
import { type NeighbourParameters } from "./neighbour-parameters.ts";
import { NeighbourTable } from "./neighbours.ts";
import { RateLimit } from "./rate-limit.ts";

/** What duplicate address detection wants to hear. */
export interface AddressWatch {
  isTentative(ip: Ipv6): boolean;
  /** Somebody else probes for it or has it. */
  duplicate(ip: Ipv6): void;
}

export class NdpProtocol {
  readonly table: NeighbourTable;
  readonly #kernel: Kernel;
  readonly #link: IpLink;
  readonly #watch: AddressWatch;
  readonly #limit = new RateLimit(seconds(1));

  constructor(kernel: Kernel, link: IpLink, parameters: NeighbourParameters, watch: AddressWatch) {
    this.#kernel = kernel;
    this.#link = link;
    this.#watch = watch;
    const random = kernel.world.random(`host/${kernel.name}/${link.name}/ndp`);
    this.table = new NeighbourTable(parameters, kernel.timers, random, {
      solicit: (target, to, first) => this.#solicit(target, to, first),
      transmit: (to, bytes) => link.sendFrame(to, etherTypeOf(bytes), bytes),
      giveUp: (packet) => kernel.hostUnreachable(packet, link.name),
      changed: (ip, { kind, router, ...rest }) =>
        kernel.trace(
          "neighbour",
          `${ip} dev=${link.name} ${kind}${"mac" in rest ? ` ${rest.mac}` : ""}${router ? " router" : ""}`,
        ),
    });
  }

  solicitation(message: NeighborSolicitation, source: Ipv6, destination: Ipv6): void {
    const { target, sourceLinkLayer } = message;
    if (!this.#link.hasAddress(target)) return;
    const probe = source === UNSPECIFIED_V6;
    if (this.#watch.isTentative(target)) {
      // RFC 4862 section 5.4.3: another host is trying the same address.
      if (probe) this.#watch.duplicate(target);
      return;
    }
    const toGroup = isMulticast(destination);
    if (probe) return this.#advertise(target, ALL_NODES, { solicited: false, override: true });
    const create = !toGroup || sourceLinkLayer !== undefined;
    this.table.learn(source, { mac: sourceLinkLayer, as: "stale", override: "always" }, create);
    if (!this.table.has(source)) return;
    this.#advertise(target, source, { solicited: true, override: toGroup });
  }

  advertisement(message: NeighborAdvertisement, source: Ipv6): void {
    const { target, solicited, override, router, targetLinkLayer } = message;
    if (!solicited && this.#link.conf6.drop_unsolicited_na !== 0) return;
    if (this.#link.hasAddress(target)) {
      if (this.#watch.isTentative(target)) this.#watch.duplicate(target);
      return;
    }
    const known = this.table.get(target);
    // RFC 4861 section 7.2.5: who is not asking needs no answer; an entry that failed counts as none.
    if (known?.kind === "failed" || (!solicited && !this.#takesUnsolicited(target))) return;
    const created = known === undefined;
    this.table.learn(
      target,
      {
        mac: targetLinkLayer,
        as: solicited && !created ? "reachable" : "stale",
        override: override ? "always" : "weakly",
        router,
      },
      targetLinkLayer !== undefined && this.#mayCreate(source),
    );
  }

  #takesUnsolicited(target: Ipv6): boolean {
    const { gratuitous } = this.table.parameters;
    if (gratuitous.kind === "ignore") return false;
    if (gratuitous.kind !== "rateLimited" || this.#limit.allows(this.#kernel.timers.now, gratuitous.perSecond))
      return true;
    this.#kernel.trace("neighbour", `${target} dev=${this.#link.name} ignored: too many announcements`);
    return false;
  }

  /** RFC 9131: routers may take addresses that they did not ask for, if accept_untracked_na says so. */
  #mayCreate(source: Ipv6): boolean {
    const { gratuitous } = this.table.parameters;
    if (gratuitous.kind !== "sysctl") return gratuitous.kind === "create";
    const { forwarding, accept_untracked_na: accept } = this.#link.conf6;
    if (forwarding === 0 || accept === 0) return false;
    return accept === 1 || this.#onSubnet(source);
  }

  #onSubnet(ip: Ipv6): boolean {
    return this.#link.addresses.some((own) => isIpv6(own.ip) && maskTo(own.ip, own.length) === maskTo(ip, own.length));
  }

  #advertise(target: Ipv6, to: Ipv6, flags: Pick<NeighborAdvertisement, "solicited" | "override">): void {
    const message: NeighborAdvertisement = {
      kind: "neighborAdvertisement",
      target,
      router: this.#link.conf6.forwarding !== 0,
      ...flags,
      // RFC 4861 section 7.2.4: an answer to a unicast question may leave it out; Linux does.
      targetLinkLayer: flags.override ? this.#link.mac : undefined,
    };
    this.send(message, target, to);
  }

  /** RFC 4861 section 7.2.6: tells the neighbours of the host's own addresses, after a bond moved to another port. */
  announce(): void {
    for (const { ip } of this.#link.addresses) {
      if (isIpv6(ip) && !this.#watch.isTentative(ip))
        this.#advertise(ip, ALL_NODES, { solicited: false, override: true });
    }
  }

  /** RFC 4862 section 5.4.2. */
  probe(target: Ipv6): void {
    this.send({ kind: "neighborSolicitation", target }, UNSPECIFIED_V6, solicitedNodeGroup(target));
  }

  #solicit(target: Ip, to: Mac | undefined, first: IpPacket | undefined): void {
    if (!isIpv6(target)) return;
    const source = this.#sourceFor(first);
    if (source === undefined) return;
    const message: NeighborSolicitation = { kind: "neighborSolicitation", target, sourceLinkLayer: this.#link.mac };
    if (to === undefined) return this.send(message, source, solicitedNodeGroup(target));
    this.#link.sendFrame(macToBytes(to), ETHER_TYPES.ipv6, ndpPacket(message, source, target));
  }

  /** RFC 4861 section 7.2.2: the source of the packet that waits, if it is of this interface; else link-local. */
  #sourceFor(first: IpPacket | undefined): Ipv6 | undefined {
    if (first !== undefined && isIpv6(first.source) && this.#link.hasAddress(first.source)) return first.source;
    const own = this.#link.addresses.map(({ ip }) => ip).filter(isIpv6);
    return own.find(isLinkLocal) ?? own.at(0);
  }

  /** Sends an NDP message to a group, or to a neighbour through the table. */
  send(message: Icmp6, source: Ipv6, destination: Ipv6): void {
    const bytes = ndpPacket(message, source, destination);
    if (isMulticast(destination)) {
      return this.#link.sendFrame(macToBytes(multicastMac(destination)), ETHER_TYPES.ipv6, bytes);
    }
    const packet = {
      source,
      destination,
      protocol: IP_PROTOCOLS.icmp6,
      ttl: NDP_HOP_LIMIT,
      payload: bytes.subarray(40),
    };
    this.table.send(destination, bytes, packet);
  }
}

function ndpPacket(message: Icmp6, source: Ipv6, destination: Ipv6): Uint8Array {
  return encodeIpv6({
    source,
    destination,
    nextHeader: IP_PROTOCOLS.icmp6,
    hopLimit: NDP_HOP_LIMIT,
    trafficClass: 0,
    flowLabel: 0,
    payload: encodeIcmp6(message, source, destination),
  });
}

/** RFC 8950: IPv4 packets may go to a neighbour of IPv6. */
const etherTypeOf = (packet: Uint8Array): number => ((packet[0] ?? 0) >> 4 === 4 ? ETHER_TYPES.ipv4 : ETHER_TYPES.ipv6);
