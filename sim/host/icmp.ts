// RFC 792 and RFC 1122 section 3.2.2 (ICMP), RFC 4443 (ICMPv6); neighbour and listener discovery are handed on.
import { decodeIcmp4, encodeIcmp4, UNREACHABLE_CODES } from "../../impl/wire/icmp4.ts";
import { decodeIcmp6, encodeIcmp6, type Icmp6, UNREACHABLE6_CODES } from "../../impl/wire/icmp6.ts";
import { type Ip, type Ipv6, isIpv4, isIpv6, isLinkLocal, isMulticast, isUnspecified } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { NDP_HOP_LIMIT } from "../../impl/wire/ndp.ts";
import { type IpEndpoint, type IpPacket, type ProtocolHandler, type UnreachablePacket } from "./hooks.ts";
import { type Interface } from "./interface.ts";
import { encodeIp, readQuoted } from "./ip-codec.ts";
import { type ErrorReporter } from "./ip-layer.ts";
import { answersThrough } from "./socket-scope.ts";

type Reason = UnreachablePacket["because"];

const CODES4: Readonly<Record<Reason, number>> = {
  network: UNREACHABLE_CODES.network,
  host: UNREACHABLE_CODES.host,
  port: UNREACHABLE_CODES.port,
  prohibited: UNREACHABLE_CODES.prohibited,
};
const CODES6: Readonly<Record<Reason, number>> = {
  network: UNREACHABLE6_CODES.noRoute,
  host: UNREACHABLE6_CODES.address,
  port: UNREACHABLE6_CODES.port,
  prohibited: UNREACHABLE6_CODES.prohibited,
};
const TIME_EXCEEDED4 = 11;
const TIME_EXCEEDED6 = 3;
/** RFC 1812 section 4.3.2.3 and RFC 4443 section 2.4 (c): as much as fits into the smallest MTU of all. */
const MOST_QUOTED = { ipv4: 548, ipv6: 1232 } as const;

/** A socket for echo requests, as ping has one. */
export interface EchoSocket {
  send(to: Ip, sequence: number, payload?: Uint8Array): void;
  close(): void;
}

export interface EchoEvents {
  reply(from: Ip, sequence: number): void;
  unreachable?(to: Ip, because: Reason): void;
}

const NOTHING = new Uint8Array();

export class Icmp implements ErrorReporter {
  readonly #host: IpEndpoint;
  readonly #interfaces: ReadonlyMap<string, Interface>;
  readonly #protocol: (number: number) => ProtocolHandler | undefined;
  readonly #echoes = new Map<number, EchoEvents>();
  #identifier = 0;

  constructor(
    host: IpEndpoint,
    interfaces: ReadonlyMap<string, Interface>,
    protocol: (number: number) => ProtocolHandler | undefined,
  ) {
    this.#host = host;
    this.#interfaces = interfaces;
    this.#protocol = protocol;
  }

  /** What the IP layer calls for ICMP and ICMPv6. */
  handler(): ProtocolHandler {
    return {
      receive: (packet, link) => {
        if (isIpv4(packet.source)) this.#receive4(packet, link);
        else this.#receive6(packet, link);
      },
      unreachable: (sent) => this.#ownUnreachable(sent),
    };
  }

  #receive4(packet: IpPacket, link: string): void {
    const message = decodeIcmp4(packet.payload);
    if (message.kind === "echoRequest") {
      // RFC 1122 section 3.2.2.6 allows silence to groups and broadcasts; Linux keeps it.
      if (!this.#host.isLocal(packet.destination, link)) return;
      const payload = encodeIcmp4({ ...message, kind: "echoReply" });
      this.#answer(packet, IP_PROTOCOLS.icmp, payload, link);
    } else if (message.kind === "echoReply") {
      this.#echoes.get(message.identifier)?.reply(packet.source, message.sequence);
    } else if (message.kind === "unreachable") {
      this.#heardUnreachable(message.original, reasonOf(CODES4, message.code), false, link);
    }
  }

  #receive6(packet: IpPacket, link: string): void {
    const { source, destination } = packet;
    if (!isIpv6(source) || !isIpv6(destination)) return;
    const message = decodeIcmp6(packet.payload, source, destination);
    if (message.kind === "echoRequest") {
      if (!this.#host.isLocal(destination, link)) return;
      const payload = encodeIcmp6({ ...message, kind: "echoReply" }, destination, source);
      this.#answer(packet, IP_PROTOCOLS.icmp6, payload, link);
    } else if (message.kind === "echoReply") {
      this.#echoes.get(message.identifier)?.reply(source, message.sequence);
    } else if (message.kind === "unreachable") {
      this.#heardUnreachable(message.original, reasonOf(CODES6, message.code), true, link);
    } else {
      this.#discovery(message, packet.ttl, source, destination, link);
    }
  }

  #discovery(message: Icmp6, hopLimit: number, source: Ipv6, destination: Ipv6, link: string): void {
    const from = this.#interfaces.get(link);
    if (from === undefined) return;
    if (message.kind === "mldQuery") {
      // RFC 3810 section 6.2: from a link-local address, and not through a router.
      if (hopLimit === 1 && isLinkLocal(source)) from.groups.query(message);
      return;
    }
    // RFC 4861 sections 7.1.1 and 7.1.2: a message that came through a router is not believed.
    if (hopLimit !== NDP_HOP_LIMIT) return;
    if (message.kind === "neighborSolicitation") from.ndp.solicitation(message, source, destination);
    else if (message.kind === "neighborAdvertisement") from.ndp.advertisement(message, source);
  }

  #answer({ source, destination }: IpPacket, protocol: number, payload: Uint8Array, link: string): void {
    const device = answersThrough(this.#host, link, source);
    this.#host.sendIp({ source: destination, destination: source, protocol, payload, device });
  }

  /** RFC 1122 section 3.2.2.1: the protocol that sent the packet decides what it means. */
  #heardUnreachable(original: Uint8Array, because: Reason, version6: boolean, link: string): void {
    const sent = readQuoted(original, version6);
    if (sent === undefined || !this.#host.isLocal(sent.source, link)) return;
    const { protocol, ...packet } = sent;
    this.#protocol(protocol)?.unreachable?.({ ...packet, because });
  }

  #ownUnreachable({ destination, because, payload }: UnreachablePacket): void {
    const identifier = ((payload[4] ?? 0) << 8) | (payload[5] ?? 0);
    this.#echoes.get(identifier)?.unreachable?.(destination, because);
  }

  openEcho(events: EchoEvents): EchoSocket {
    const identifier = ++this.#identifier & 0xffff;
    this.#echoes.set(identifier, events);
    return {
      send: (to, sequence, payload = NOTHING) => this.#sendEcho(to, identifier, sequence, payload),
      close: () => this.#echoes.delete(identifier),
    };
  }

  #sendEcho(destination: Ip, identifier: number, sequence: number, payload: Uint8Array): void {
    const source = this.#host.sourceFor(destination);
    if (source === undefined) return this.#echoes.get(identifier)?.unreachable?.(destination, "network");
    const message = { kind: "echoRequest", identifier, sequence, payload } as const;
    if (isIpv6(source) && isIpv6(destination)) {
      const bytes = encodeIcmp6(message, source, destination);
      this.#host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp6, payload: bytes });
    } else {
      this.#host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp, payload: encodeIcmp4(message) });
    }
  }

  unreachable(packet: IpPacket, because: Reason, link: string): void {
    const device = answersThrough(this.#host, link, packet.source);
    const source = this.#sourceOfError(packet, device);
    if (source === undefined) return;
    const original = quote(packet);
    const destination = packet.source;
    if (isIpv6(source) && isIpv6(destination)) {
      const message = { kind: "unreachable", code: CODES6[because], original } as const;
      const payload = encodeIcmp6(message, source, destination);
      this.#host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp6, payload, device });
    } else {
      const payload = encodeIcmp4({ kind: "unreachable", code: CODES4[because], original });
      this.#host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp, payload, device });
    }
  }

  timeExceeded(packet: IpPacket, link: string): void {
    const device = answersThrough(this.#host, link, packet.source);
    const source = this.#sourceOfError(packet, device);
    if (source === undefined) return;
    const destination = packet.source;
    const body = Uint8Array.of(0, 0, 0, 0, ...quote(packet));
    if (isIpv6(source) && isIpv6(destination)) {
      const message = { kind: "unknown", type: TIME_EXCEEDED6, code: 0, body } as const;
      const payload = encodeIcmp6(message, source, destination);
      this.#host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp6, payload, device });
    } else {
      const payload = encodeIcmp4({ kind: "unknown", type: TIME_EXCEEDED4, code: 0, body });
      this.#host.sendIp({ source, destination, protocol: IP_PROTOCOLS.icmp, payload, device });
    }
  }

  /** RFC 1122 section 3.2.2 and RFC 4443 section 2.4 (e): no error about an error, a group, or nobody. */
  #sourceOfError({ source, destination, protocol, payload }: IpPacket, device: string | undefined): Ip | undefined {
    if (isUnspecified(source) || isMulticast(source) || isMulticast(destination)) return undefined;
    const type = payload[0] ?? 0;
    if (protocol === IP_PROTOCOLS.icmp && type !== 0 && type !== 8) return undefined;
    if (protocol === IP_PROTOCOLS.icmp6 && type < 128) return undefined;
    return this.#host.sourceFor(source, device);
  }
}

function quote(packet: IpPacket): Uint8Array {
  return encodeIp(packet).subarray(0, MOST_QUOTED[isIpv4(packet.source) ? "ipv4" : "ipv6"]);
}

function reasonOf(codes: Readonly<Record<Reason, number>>, code: number): Reason {
  for (const reason of ["network", "host", "port", "prohibited"] as const) if (codes[reason] === code) return reason;
  return "host";
}
