// A host on a cable, and at the other end a station that says only what the test tells it to.
import { type Arp, decodeArp, encodeArp } from "../../impl/wire/arp.ts";
import { decodeEthernet, encodeEthernet, ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { decodeIcmp6, encodeIcmp6, type Icmp6 } from "../../impl/wire/icmp6.ts";
import { ALL_NODES, type Ip, type Ipv4, type Ipv6, parseIpv4, parseIpv6 } from "../../impl/wire/ip.ts";
import { decodeIpv4 } from "../../impl/wire/ipv4.ts";
import { decodeIpv6, encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { BROADCAST, type Mac, multicastMac, parseMac, ZERO_MAC } from "../../impl/wire/mac.ts";
import { type NeighborAdvertisement } from "../../impl/wire/ndp.ts";
import { formatSeconds, micros, type Micros, plus, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Cable, connect } from "../ethernet/cable.ts";
import { type Device } from "../ethernet/device.ts";
import { Host } from "./host.ts";
import { type NeighbourProfile } from "./neighbour-parameters.ts";
import { isValid } from "./nud.ts";

export const HOST_MAC = parseMac("02:00:00:00:00:aa");
export const HOST_IP = parseIpv4("10.9.0.1");
export const HOST_IP6 = parseIpv6("fd00::1");
export const OLD = parseMac("02:00:00:00:00:01");
export const NEW = parseMac("02:00:00:00:00:02");
export const VIP = parseIpv4("10.9.0.100");
export const VIP6 = parseIpv6("fd00::100");

export class TestStation implements Device {
  readonly world: World;
  readonly host: Host;
  readonly cable: Cable;
  /** Answers requests for the VIPs with this address; undefined keeps silent. */
  answersWith: Mac | undefined;
  readonly #received: { readonly at: Micros; readonly frame: Uint8Array }[] = [];

  constructor(options: { neighbours?: NeighbourProfile; seed?: string; mac?: Mac } = {}) {
    this.world = createWorld({ seed: options.seed ?? "station", lines: Number.POSITIVE_INFINITY });
    this.host = new Host(this.world, { name: "a", neighbours: options.neighbours ?? { kind: "linux" } });
    const nic = this.host.addInterface({ name: "eth0", mac: options.mac ?? HOST_MAC });
    this.cable = connect(
      this.world,
      { device: nic, port: "eth0", name: "a" },
      { device: this, port: "p", name: "station" },
      { latency: micros(1) },
    );
    this.host.plug("eth0", this.cable.a);
    this.host.addAddress("eth0", `${HOST_IP}/24`);
    this.host.addAddress("eth0", `${HOST_IP6}/64`);
  }

  receive(_port: string, frame: Uint8Array): void {
    this.#received.push({ at: this.world.scheduler.now, frame });
    if (this.answersWith !== undefined) this.#answer(frame, this.answersWith);
  }

  carrier(): void {}

  run(duration: number): this {
    this.world.scheduler.advance(plus(this.world.scheduler.now, seconds(duration)));
    return this;
  }

  send(frame: Uint8Array): void {
    this.cable.b.transmit(frame);
  }

  arp(arp: Arp, to: Mac = BROADCAST): void {
    const payload = encodeArp(arp);
    this.send(encodeEthernet({ destination: to, source: arp.senderMac, etherType: ETHER_TYPES.arp, payload }));
  }

  icmp6(message: Icmp6, from: { mac: Mac; ip: Ipv6 }, to: Ipv6, hopLimit = 255, mac = multicastMac(to)): void {
    const payload = encodeIpv6({
      source: from.ip,
      destination: to,
      nextHeader: 58,
      hopLimit,
      trafficClass: 0,
      flowLabel: 0,
      payload: encodeIcmp6(message, from.ip, to),
    });
    this.send(encodeEthernet({ destination: mac, source: from.mac, etherType: ETHER_TYPES.ipv6, payload }));
  }

  #answer(frame: Uint8Array, mac: Mac): void {
    const { etherType, payload, source } = decodeEthernet(frame);
    if (etherType === ETHER_TYPES.arp) {
      const { operation, targetIp, senderIp, senderMac } = decodeArp(payload);
      if (operation !== "request" || targetIp !== VIP) return;
      const reply = {
        operation: "reply",
        senderMac: mac,
        senderIp: VIP,
        targetMac: senderMac,
        targetIp: senderIp,
      } as const;
      this.arp(reply, source);
    } else if (etherType === ETHER_TYPES.ipv6) {
      const packet = decodeIpv6(payload);
      if (packet.nextHeader !== 58) return;
      const message = decodeIcmp6(packet.payload, packet.source, packet.destination);
      if (message.kind !== "neighborSolicitation" || message.target !== VIP6) return;
      const flags = { router: false, solicited: true, override: true };
      const answer: NeighborAdvertisement = {
        kind: "neighborAdvertisement",
        target: VIP6,
        ...flags,
        targetLinkLayer: mac,
      };
      this.icmp6(answer, { mac, ip: VIP6 }, packet.source, 255, source);
    }
  }

  /** Lets the host resolve `vip` from a station with the address `mac`. */
  resolve(vip: Ip, mac: Mac): void {
    this.answersWith = mac;
    const echo = this.host.openEcho({ reply: () => undefined });
    echo.send(vip, 1);
    this.run(0.01);
    echo.close();
    this.answersWith = undefined;
  }

  /** As `ip neigh show` prints it: `02:00:00:00:00:01 REACHABLE`, or `none`. */
  neighbour(ip: Ip): string {
    const link = this.host.interface("eth0");
    const neighbour = (ip.includes(":") ? link.ndp : link.arp).table.get(ip);
    if (neighbour === undefined) return "none";
    const words = [
      isValid(neighbour) ? neighbour.mac : undefined,
      neighbour.router ? "router" : undefined,
      neighbour.kind.toUpperCase(),
    ];
    return words.filter((word) => word !== undefined).join(" ");
  }

  /** What the host sent since the last call, as short lines. */
  take(): readonly string[] {
    return this.#received.splice(0).map(({ at, frame }) => `${formatSeconds(at)} ${describe(frame)}`);
  }
}

export function garp(operation: "request" | "reply", mac: Mac, targetMac: Mac, ip: Ipv4 = VIP): Arp {
  return { operation, senderMac: mac, senderIp: ip, targetMac, targetIp: ip };
}

export function advertisement(mac: Mac, flags: Partial<NeighborAdvertisement>): NeighborAdvertisement {
  const none = { router: false, solicited: false, override: false };
  return { kind: "neighborAdvertisement", target: VIP6, ...none, ...flags, targetLinkLayer: mac };
}

/** `to` is short for the destination: the last byte of a MAC, or what it is. */
function describe(frame: Uint8Array): string {
  const { destination, etherType, payload } = decodeEthernet(frame);
  const to = destination === BROADCAST ? "all" : destination.startsWith("33:33") ? "group" : destination;
  if (etherType === ETHER_TYPES.arp) {
    const { operation, senderIp, targetIp, targetMac } = decodeArp(payload);
    const target = targetMac === ZERO_MAC ? "" : ` (${targetMac})`;
    return operation === "request"
      ? `${to}: who has ${targetIp}${target} tell ${senderIp}`
      : `${to}: ${senderIp} is at us, ${targetIp}${target}`;
  }
  if (etherType === ETHER_TYPES.ipv4) {
    const { source, destination: ip, protocol, ttl } = decodeIpv4(payload);
    return `${to}: ${source}>${ip} protocol ${protocol} ttl ${ttl}`;
  }
  const { source, destination: ip, nextHeader, hopLimit, payload: body } = decodeIpv6(payload);
  if (nextHeader !== 58) return `${to}: ${source}>${ip} protocol ${nextHeader} ttl ${hopLimit}`;
  return `${to}: ${source}>${ip} ${describeIcmp6(decodeIcmp6(body, source, ip))}`;
}

function describeIcmp6(message: Icmp6): string {
  switch (message.kind) {
    case "neighborSolicitation":
      return `NS ${message.target} from ${message.sourceLinkLayer ?? "-"}`;
    case "neighborAdvertisement": {
      const { router, solicited, override, target, targetLinkLayer } = message;
      const flags = `${router ? "R" : ""}${solicited ? "S" : ""}${override ? "O" : ""}`;
      return `NA ${target} ${flags} at ${targetLinkLayer ?? "-"}`;
    }
    case "mldReport":
      return `MLD ${message.records.map(({ type, group }) => `${type} ${group}`).join(", ")}`;
    default:
      return message.kind;
  }
}

export const ALL = ALL_NODES;
