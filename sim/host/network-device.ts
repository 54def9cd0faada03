// The link layer of a host: a device takes frames from below (a cable, or other devices), filters them as a NIC does, and
// hands them to its VLANs, its master, its captures and the IP layer, in that order.
import { type Ip } from "../../impl/wire/ip.ts";
import { type Mac, macToBytes, multicastMac } from "../../impl/wire/mac.ts";
import { type CableEnd, type Device } from "../ethernet/device.ts";

/** A frame's address field as one number, to compare and to key by. */
export function macKeyAt(frame: Uint8Array, offset: number): number {
  const high = ((frame[offset] ?? 0) << 8) | (frame[offset + 1] ?? 0);
  const low =
    ((frame[offset + 2] ?? 0) << 24) |
    ((frame[offset + 3] ?? 0) << 16) |
    ((frame[offset + 4] ?? 0) << 8) |
    (frame[offset + 5] ?? 0);
  return high * 2 ** 32 + (low >>> 0);
}

export const macKey = (mac: Mac): number => macKeyAt(macToBytes(mac), 0);

const BROADCAST_KEY = 2 ** 48 - 1;
const VLAN = 0x8100;
export const ETHERNET_HEADER = 14;

export const etherTypeOf = (frame: Uint8Array): number => ((frame[12] ?? 0) << 8) | (frame[13] ?? 0);

/** What a device stands on. */
export interface Lower {
  readonly running: boolean;
  transmit(frame: Uint8Array): void;
}

/** A bridge or a bond, seen from one of its ports. */
export interface Master {
  readonly name: string;
  /** True where the port's captures see the frame too (a bond's do, a bridge's do not). */
  readonly sharesWithCaptures: boolean;
  input(port: NetworkDevice, frame: Uint8Array): void;
  portChanged(): void;
}

/** What the rest of the kernel does with a device. */
export interface DeviceOwner {
  /** False after a loss of power and while the kernel hangs: no frame goes in or out. */
  readonly alive: boolean;
  /** A frame for the IP layer. */
  input(device: NetworkDevice, frame: Uint8Array, toAll: boolean): void;
  runningChanged(device: NetworkDevice): void;
}

export interface DeviceSpec {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
}

export type Capture = (frame: Uint8Array) => void;

export class NetworkDevice implements Device {
  readonly index: number;
  readonly mtu: number;
  readonly #owner: DeviceOwner;
  readonly #groups = new Map<number, number>();
  readonly #captures = new Set<Capture>();
  readonly #vlans = new Map<number, NetworkDevice>();
  #name: string;
  #mac: Mac;
  #macKey: number;
  #lower: Lower;
  #up = true;
  #running = false;
  #master: Master | undefined;

  constructor(spec: DeviceSpec, owner: DeviceOwner, lower: Lower = NO_CABLE) {
    this.index = spec.index;
    this.mtu = spec.mtu;
    this.#owner = owner;
    this.#name = spec.name;
    this.#mac = spec.mac;
    this.#macKey = macKey(spec.mac);
    this.#lower = lower;
    this.#running = lower.running;
  }

  get name(): string {
    return this.#name;
  }

  rename(name: string): void {
    this.#name = name;
  }

  get mac(): Mac {
    return this.#mac;
  }

  setMac(mac: Mac): void {
    this.#mac = mac;
    this.#macKey = macKey(mac);
  }

  /** IFF_UP. */
  get up(): boolean {
    return this.#up;
  }

  setUp(up: boolean): void {
    this.#up = up;
    this.changed();
  }

  /** IFF_RUNNING: up, and with carrier. */
  get running(): boolean {
    return this.#running;
  }

  get master(): Master | undefined {
    return this.#master;
  }

  setMaster(master: Master | undefined): void {
    const before = this.#master;
    this.#master = master;
    before?.portChanged();
    master?.portChanged();
  }

  /** The VLAN devices on this one. */
  get vlans(): Iterable<NetworkDevice> {
    return this.#vlans.values();
  }

  addVlan(id: number, device: NetworkDevice): void {
    this.#vlans.set(id, device);
  }

  removeVlan(id: number): void {
    this.#vlans.delete(id);
  }

  /** Plugs this device into its cable. */
  attach(end: CableEnd): void {
    this.#lower = {
      get running() {
        return end.carrier;
      },
      transmit: (frame) => end.transmit(frame),
    };
    this.changed();
  }

  carrier(_port: string, _up: boolean): void {
    this.changed();
  }

  /** Looks again whether the device runs, and tells those who depend on it. */
  changed(): void {
    const running = this.#up && this.#lower.running;
    if (running === this.#running) return;
    this.#running = running;
    this.#master?.portChanged();
    for (const vlan of this.#vlans.values()) vlan.changed();
    this.#owner.runningChanged(this);
  }

  capture(capture: Capture): Disposable {
    this.#captures.add(capture);
    return { [Symbol.dispose]: () => this.#captures.delete(capture) };
  }

  /** Lets frames for a group through the filter, as often as it was asked. */
  addGroup(group: Ip): void {
    const key = macKey(multicastMac(group));
    this.#groups.set(key, (this.#groups.get(key) ?? 0) + 1);
  }

  removeGroup(group: Ip): void {
    const key = macKey(multicastMac(group));
    const count = this.#groups.get(key) ?? 0;
    if (count > 1) this.#groups.set(key, count - 1);
    else this.#groups.delete(key);
  }

  transmit(frame: Uint8Array): void {
    if (this.#up && this.#owner.alive) this.#lower.transmit(frame);
  }

  receive(_port: string, frame: Uint8Array): void {
    this.input(frame);
  }

  /** A frame from below. Frames shorter than a header are no frames. */
  input(frame: Uint8Array): void {
    if (!this.#up || !this.#owner.alive || frame.length < ETHERNET_HEADER) return;
    if (etherTypeOf(frame) === VLAN && this.#vlanInput(frame)) return;
    const master = this.#master;
    if (master !== undefined) {
      if (master.sharesWithCaptures) this.#toCaptures(frame);
      return master.input(this, frame);
    }
    this.accept(frame);
  }

  /** Takes a frame for this host itself, if the address filter lets it through. */
  accept(frame: Uint8Array): void {
    const destination = macKeyAt(frame, 0);
    const toAll = destination === BROADCAST_KEY || this.#groups.has(destination);
    if (!toAll && destination !== this.#macKey) return;
    this.#toCaptures(frame);
    this.#owner.input(this, frame, toAll);
  }

  #toCaptures(frame: Uint8Array): void {
    for (const capture of this.#captures) capture(frame);
  }

  /** IEEE 802.1Q: a tagged frame belongs to the device of its VLAN; the tag of VLAN 0 carries only a priority. */
  #vlanInput(frame: Uint8Array): boolean {
    const id = (((frame[14] ?? 0) << 8) | (frame[15] ?? 0)) & 0xfff;
    const vlan = this.#vlans.get(id);
    if (vlan === undefined && id !== 0) return this.#master === undefined;
    const untagged = new Uint8Array(frame.length - 4);
    untagged.set(frame.subarray(0, 12));
    untagged.set(frame.subarray(16), 12);
    if (vlan === undefined) this.input(untagged);
    else vlan.input(untagged);
    return true;
  }
}

/** Nothing plugged in: no carrier, and what is sent is lost. */
const NO_CABLE: Lower = { running: false, transmit: () => undefined };
