// A learning Ethernet switch. IEEE 802.1Q sections 6.9 (VLANs), 8.6 (forwarding) and 8.7 (learning).
import { DecodeError } from "../../impl/wire/errors.ts";
import { decodeEthernet, encodeEthernet, type Ethernet } from "../../impl/wire/ethernet.ts";
import { type Ipv4 } from "../../impl/wire/ip.ts";
import { isMulticastMac, type Mac } from "../../impl/wire/mac.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { AgeingTable } from "./ageing-table.ts";
import { ArpGuards } from "./arp-guards.ts";
import { type CableEnd, type Device } from "./device.ts";
import { type ForwardingEntry } from "./forwarding-table.ts";
import { MulticastSnooping, type QueryTarget } from "./multicast-snooping.ts";
import {
  formOfOutgoing,
  type PortOptions,
  type SwitchPort,
  switchPort,
  vlanOfIncoming,
  vlansOf,
} from "./switch-port.ts";
import { SWITCH_PROFILES, type SwitchProfile } from "./switch-profile.ts";

/** IEEE 802.1Q table 8-1: bridges keep these to themselves (STP, LACP, LLDP). */
const RESERVED = /^01:80:c2:00:00:0/;

/** Learns from the source of each frame, and sends it where its destination was last heard, or everywhere. */
export class Switch implements Device {
  readonly name: string;
  readonly #world: SimWorld;
  readonly #profile: SwitchProfile;
  /** By name, so that a flood leaves in the same order however the ports were plugged in. */
  #ports: ReadonlyMap<string, SwitchPort> = new Map();
  readonly #stations: AgeingTable;
  readonly #guards: ArpGuards;
  readonly #snooping: MulticastSnooping | undefined;
  readonly #flushes = new Map<string, Scheduled>();

  constructor(world: SimWorld, name: string, profile: SwitchProfile = SWITCH_PROFILES["linux-bridge"]) {
    this.name = name;
    this.#world = world;
    this.#profile = profile;
    this.#stations = new AgeingTable(world, name, profile);
    this.#guards = new ArpGuards(profile);
    if (profile.querier === undefined) return;
    this.#snooping = new MulticastSnooping(world, name, profile.querier, (query, target) => {
      this.#sendQuery(query, target);
    });
  }

  /** Gives a port its end of a cable. */
  plug(port: string, end: CableEnd, options: PortOptions = {}): void {
    const ports = new Map(this.#ports).set(port, switchPort(port, end, options));
    this.#ports = new Map([...ports].sort(([one], [other]) => (one < other ? -1 : 1)));
  }

  receive(portName: string, received: Uint8Array): void {
    const port = this.#port(portName);
    // A view of its own for all that leaves: the capture tells a frame under way from an array that is sent again.
    const bytes = received.subarray();
    this.#world.capture.same(received, bytes);
    const admitted = this.#admit(port, bytes);
    if ("dropped" in admitted) return this.#drop(port, bytes, admitted.dropped);
    const { vlan, frame } = admitted;
    this.#stations.learn(vlan, frame.source, port.name);
    const { now } = this.#world.scheduler;
    const refusal = RESERVED.test(frame.destination) ? "reserved address" : this.#guards.refuse(port, frame, now);
    if (refusal !== undefined) return this.#drop(port, bytes, refusal);
    this.#snooping?.hear(vlan, port.name, frame);
    if (this.#blocks(vlan, frame)) return this.#drop(port, bytes, "unknown unicast");
    for (const out of this.#portsFor(vlan, frame, port)) this.#send(out, vlan, frame, bytes);
  }

  carrier(port: string, up: boolean): void {
    this.#flushes.get(port)?.cancel();
    if (up) return this.#snooping?.query({ port });
    const flush = this.#world.scheduler.after(this.#profile.flushAfter, () => {
      this.#stations.flush(port);
      this.#snooping?.flush(port);
    });
    this.#flushes.set(port, flush);
  }

  /** Which station is behind which port, by VLAN and address. */
  table(): readonly ForwardingEntry[] {
    return this.#stations.entries();
  }

  /** Tells ARP inspection that `ip` belongs to `mac`. */
  bind(ip: Ipv4, mac: Mac): void {
    this.#guards.bind(ip, mac);
  }

  /** Tells the switch what the spanning tree would: a link elsewhere came or went. */
  topologyChange(): void {
    this.#stations.topologyChange();
  }

  #port(name: string): SwitchPort {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`${this.name} has no port ${name}`);
    return port;
  }

  /** Sorts a frame into a VLAN, or says why it does not come in. */
  #admit(port: SwitchPort, bytes: Uint8Array): { vlan: number; frame: Ethernet } | { dropped: string } {
    const frame = readFrame(bytes);
    if (frame === undefined) return { dropped: "runt" };
    const vlan = vlanOfIncoming(port.vlans, frame.vlan);
    if (vlan === undefined) return { dropped: "VLAN not allowed" };
    if (frame.payload.length > port.mtu) return { dropped: `longer than the MTU of ${port.mtu}` };
    if (isMulticastMac(frame.source)) return { dropped: "multicast source" };
    return { vlan, frame };
  }

  /** To the one port where the station is; to all where that is not known, or where the frame is for a group. */
  #portsFor(vlan: number, frame: Ethernet, from: SwitchPort): readonly SwitchPort[] {
    const known = this.#stations.portOf(vlan, frame.destination);
    const candidates = known === undefined ? this.#floodPorts(vlan, frame) : [this.#port(known)];
    return candidates.filter((port) => {
      if (port === from || (port.isolated && from.isolated)) return false;
      return formOfOutgoing(port.vlans, vlan) !== undefined;
    });
  }

  #blocks(vlan: number, { destination }: Ethernet): boolean {
    if (this.#profile.blockUnknownUnicast !== true || isMulticastMac(destination)) return false;
    return this.#stations.portOf(vlan, destination) === undefined;
  }

  #floodPorts(vlan: number, frame: Ethernet): readonly SwitchPort[] {
    const live = [...this.#ports.values()].filter((port) => port.end.carrier);
    const listeners = isMulticastMac(frame.destination) ? this.#snooping?.listeners(vlan, frame) : undefined;
    return listeners === undefined ? live : live.filter((port) => listeners.has(port.name));
  }

  #send(port: SwitchPort, vlan: number, frame: Ethernet, bytes: Uint8Array): void {
    if (frame.payload.length > port.mtu) return this.#drop(port, bytes, `longer than the MTU of ${port.mtu}`);
    const tagged = formOfOutgoing(port.vlans, vlan) === "tagged";
    const asItCame = tagged ? frame.vlan?.id === vlan : frame.vlan === undefined;
    if (asItCame) return port.end.transmit(bytes);
    const tag = tagged ? { priority: frame.vlan?.priority ?? 0, id: vlan } : undefined;
    const changed = encodeEthernet({ ...frame, vlan: tag });
    this.#world.capture.same(bytes, changed);
    port.end.transmit(changed);
  }

  #drop(port: SwitchPort, bytes: Uint8Array, because: string): void {
    const point = `${this.name}:${port.name}`;
    this.#world.capture.frame(point, bytes, `dropped at ${point}: ${because}`);
  }

  #sendQuery(query: Uint8Array, target: QueryTarget): void {
    const frame = decodeEthernet(query);
    const bytes = query.subarray();
    this.#world.capture.frame(`${this.name}:querier`, query);
    this.#world.capture.same(query, bytes);
    const vlans = new Set([...this.#ports.values()].flatMap((port) => vlansOf(port.vlans)));
    for (const port of this.#ports.values()) {
      if (target.port !== undefined && target.port !== port.name) continue;
      for (const vlan of target.vlan === undefined ? vlans : [target.vlan]) {
        if (formOfOutgoing(port.vlans, vlan) !== undefined) this.#send(port, vlan, frame, bytes);
      }
    }
  }
}

function readFrame(bytes: Uint8Array): Ethernet | undefined {
  try {
    return decodeEthernet(bytes);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
