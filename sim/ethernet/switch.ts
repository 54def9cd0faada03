// A learning Ethernet switch. IEEE 802.1Q sections 6.9 (VLANs), 8.6 (forwarding) and 8.7 (learning and ageing).
import { type Random } from "../../impl/ports.ts";
import { DecodeError } from "../../impl/wire/errors.ts";
import { decodeEthernet, encodeEthernet, type Ethernet } from "../../impl/wire/ethernet.ts";
import { type Ipv4 } from "../../impl/wire/ip.ts";
import { isMulticastMac, type Mac, macFromBytes } from "../../impl/wire/mac.ts";
import { type Micros, micros, minus, plus, seconds } from "../../impl/wire/time.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { ArpInspection, arpIn, GratuitousArpLimit } from "./arp-guards.ts";
import { type CableEnd, type Device } from "./device.ts";
import { type ForwardingEntry, ForwardingTable } from "./forwarding-table.ts";
import { MulticastSnooping, type Where } from "./multicast-snooping.ts";
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
/** IEEE 802.1D-2004 section 17.14, table 17-1: forward delay, and how long a topology change is in force. */
const FORWARD_DELAY = seconds(15);
const TOPOLOGY_CHANGE = seconds(35);

export class Switch implements Device {
  readonly name: string;
  readonly #world: SimWorld;
  readonly #profile: SwitchProfile;
  /** By name, so that a flood leaves in the same order however the ports were plugged in. */
  #ports: ReadonlyMap<string, SwitchPort> = new Map();
  readonly #table: ForwardingTable;
  readonly #inspection = new ArpInspection();
  readonly #gratuitousArp: GratuitousArpLimit;
  readonly #snooping: MulticastSnooping | undefined;
  readonly #flushes = new Map<string, Scheduled>();
  #sweep: Scheduled | undefined;
  #topologyChange: Scheduled | undefined;

  constructor(world: SimWorld, name: string, profile: SwitchProfile = SWITCH_PROFILES["linux-bridge"]) {
    this.name = name;
    this.#world = world;
    this.#profile = profile;
    this.#table = new ForwardingTable(profile.moveDampening);
    this.#gratuitousArp = new GratuitousArpLimit(profile.gratuitousArpRate ?? Number.POSITIVE_INFINITY);
    this.#snooping =
      profile.querier &&
      new MulticastSnooping(world.scheduler, profile.querier, {
        mac: drawMac(world.random(`${name}/mac`)),
        send: (query, where) => this.#sendQuery(query, where),
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
    this.#learn(vlan, frame.source, port);
    const refusal = RESERVED.test(frame.destination) ? "reserved address" : this.#refuse(port, frame);
    if (refusal !== undefined) return this.#drop(port, bytes, refusal);
    this.#snooping?.hear(vlan, port.name, frame);
    for (const out of this.#portsFor(vlan, frame, port)) this.#send(out, vlan, frame, bytes);
  }

  carrier(portName: string, up: boolean): void {
    const port = this.#port(portName);
    this.#flushes.get(portName)?.cancel();
    if (up) return this.#snooping?.query({ port: portName });
    const flush = this.#world.scheduler.after(this.#profile.flushAfter, () => this.#flush(port));
    this.#flushes.set(portName, flush);
  }

  /** Which station is behind which port, by VLAN and address. */
  table(): readonly ForwardingEntry[] {
    return this.#table.entries();
  }

  /** Tells ARP inspection that `ip` belongs to `mac`. */
  bind(ip: Ipv4, mac: Mac): void {
    this.#inspection.bind(ip, mac);
  }

  /** What the spanning tree does when a link elsewhere comes or goes: forget silent stations quickly for a while. */
  topologyChange(): void {
    this.#world.trace.write(this.name, "topology", "changed");
    this.#topologyChange?.cancel();
    this.#topologyChange = this.#world.scheduler.after(TOPOLOGY_CHANGE, () => {
      this.#topologyChange = undefined;
      this.#scheduleSweep();
    });
    this.#scheduleSweep();
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

  #learn(vlan: number, mac: Mac, port: SwitchPort): void {
    const learned = this.#table.learn(vlan, mac, port.name, this.#world.scheduler.now);
    if (learned === "refreshed") return;
    this.#world.trace.write(this.name, learned, `vlan=${vlan} mac=${mac} port=${port.name}`);
    if (this.#sweep === undefined) this.#scheduleSweep();
  }

  #refuse(port: SwitchPort, frame: Ethernet): string | undefined {
    const { arpInspection, gratuitousArpRate } = this.#profile;
    if (arpInspection === undefined && gratuitousArpRate === undefined) return undefined;
    const arp = arpIn(frame);
    if (arp === undefined) return undefined;
    const inspected = arpInspection === true && !port.trusted;
    const refusal = inspected ? this.#inspection.refuse(port.name, arp) : undefined;
    return refusal ?? this.#gratuitousArp.refuse(port.name, arp, this.#world.scheduler.now);
  }

  /** To the one port where the station is; to all where that is not known, or where the frame is for a group. */
  #portsFor(vlan: number, frame: Ethernet, from: SwitchPort): readonly SwitchPort[] {
    const known = this.#table.portOf(vlan, frame.destination);
    const candidates = known === undefined ? this.#floodPorts(vlan, frame) : [this.#port(known)];
    return candidates.filter((port) => {
      if (port === from || (port.isolated && from.isolated)) return false;
      return formOfOutgoing(port.vlans, vlan) !== undefined;
    });
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

  #flush(port: SwitchPort): void {
    this.#report("flushed", this.#table.flush(port.name));
    this.#snooping?.flush(port.name);
  }

  #ageing(): Micros {
    const { ageing } = this.#profile;
    return this.#topologyChange !== undefined && ageing > FORWARD_DELAY ? FORWARD_DELAY : ageing;
  }

  #scheduleSweep(): void {
    this.#sweep?.cancel();
    const oldest = this.#table.oldest();
    this.#sweep = undefined;
    if (oldest === undefined) return;
    const { sweepEvery } = this.#profile;
    const due = micros(Math.ceil(plus(oldest, this.#ageing()) / sweepEvery) * sweepEvery);
    this.#sweep = this.#world.scheduler.at(due, () => {
      this.#report("aged", this.#table.sweep(minus(this.#world.scheduler.now, this.#ageing())));
      this.#scheduleSweep();
    });
  }

  #report(what: string, entries: readonly ForwardingEntry[]): void {
    for (const { vlan, mac, port } of entries) {
      this.#world.trace.write(this.name, what, `vlan=${vlan} mac=${mac} port=${port}`);
    }
  }

  #sendQuery(query: Uint8Array, where: Where): void {
    const frame = decodeEthernet(query);
    const bytes = query.subarray();
    this.#world.capture.frame(`${this.name}:querier`, query);
    this.#world.capture.same(query, bytes);
    const vlans = new Set([...this.#ports.values()].flatMap((port) => vlansOf(port.vlans)));
    for (const port of this.#ports.values()) {
      if (where.port !== undefined && where.port !== port.name) continue;
      for (const vlan of where.vlan === undefined ? vlans : [where.vlan]) {
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

/** A locally administered address. */
function drawMac(stream: Random): Mac {
  const byte = (): number => Math.floor(stream.next() * 256);
  return macFromBytes(Uint8Array.of(0x02, byte(), byte(), byte(), byte(), byte()));
}
