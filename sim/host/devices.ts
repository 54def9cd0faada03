import { unreachable } from "../../impl/wire/brand.ts";
import { ConfigError } from "../../impl/wire/errors.ts";
import { type Mac, ZERO_MAC } from "../../impl/wire/mac.ts";
import { Bond } from "./bond.ts";
import { Bridge } from "./bridge.ts";
import { type Kernel } from "./kernel.ts";
import { type DeviceOwner, type Lower, NetworkDevice } from "./network-device.ts";
import { Vlan } from "./vlan.ts";
import { Vrf } from "./vrf.ts";

export type InterfaceKind =
  | { readonly kind: "plain" }
  /** Ports are put under a bridge or a bond with setMaster. */
  | { readonly kind: "bridge" }
  | { readonly kind: "bond"; readonly mode?: "active-backup" }
  | { readonly kind: "vlan"; readonly parent: string; readonly id: number }
  /** Interfaces are put into a VRF with setMaster; their routes are then in its table. */
  | { readonly kind: "vrf"; readonly table: number };

export interface InterfaceSpec {
  readonly name: string;
  readonly mac: Mac;
  readonly mtu?: number;
  readonly kind?: InterfaceKind;
}

export const LOOPBACK = "lo";
const LOOPBACK_MTU = 65_536;

/** The loopback device carries nothing: the IP layer turns packets to oneself around before they get here. */
const TURNS_AROUND: Lower = { running: true, transmit: () => undefined };

/** The devices of one host, and which is part of which. */
export class Devices {
  readonly #kernel: Kernel;
  readonly #owner: DeviceOwner;
  readonly #devices = new Map<string, NetworkDevice>();
  readonly #masters = new Map<string, Bridge | Bond | Vrf>();
  readonly #vlans = new Map<string, { readonly parent: NetworkDevice; readonly id: number }>();
  readonly #onFailover: (bond: NetworkDevice) => void;
  #index = 0;

  constructor(kernel: Kernel, owner: DeviceOwner, onFailover: (bond: NetworkDevice) => void) {
    this.#kernel = kernel;
    this.#owner = owner;
    this.#onFailover = onFailover;
  }

  get(name: string): NetworkDevice | undefined {
    return this.#devices.get(name);
  }

  addLoopback(): NetworkDevice {
    return this.#keep({ name: LOOPBACK, mac: ZERO_MAC, mtu: LOOPBACK_MTU }, TURNS_AROUND);
  }

  add(spec: InterfaceSpec): NetworkDevice {
    const { kind = { kind: "plain" } } = spec;
    switch (kind.kind) {
      case "plain":
        return this.#keep(spec);
      case "bridge": {
        const bridge = new Bridge(this.#kernel.world);
        return this.#keepMaster(spec, bridge);
      }
      case "bond": {
        const bond: Bond = new Bond(this.#kernel.timers, () => this.#onFailover(device));
        const device = this.#keepMaster(spec, bond);
        return device;
      }
      case "vlan": {
        const parent = this.require(kind.parent);
        const device = this.#keep(spec, new Vlan(parent, kind.id));
        parent.addVlan(kind.id, device);
        this.#vlans.set(spec.name, { parent, id: kind.id });
        return device;
      }
      case "vrf":
        return this.#keepMaster(spec, new Vrf());
      default:
        return unreachable(kind);
    }
  }

  #keep({ name, mac, mtu = 1500 }: InterfaceSpec, lower?: Lower): NetworkDevice {
    if (this.#devices.has(name)) throw new ConfigError(`${this.#kernel.name}.${name}`, "is there already");
    const device = new NetworkDevice({ index: ++this.#index, name, mac, mtu }, this.#owner, lower);
    this.#devices.set(name, device);
    return device;
  }

  #keepMaster(spec: InterfaceSpec, master: Bridge | Bond | Vrf): NetworkDevice {
    const device = this.#keep(spec, master);
    master.bind(device);
    this.#masters.set(spec.name, master);
    return device;
  }

  require(name: string): NetworkDevice {
    const device = this.#devices.get(name);
    if (device === undefined) throw new ConfigError(`${this.#kernel.name}.${name}`, "is no interface");
    return device;
  }

  /** Makes `name` a port of a bridge, a bond or a VRF, or, without one, a device of its own again. */
  setMaster(name: string, master: string | undefined): void {
    const port = this.require(name);
    if (port.master !== undefined) this.#masters.get(port.master.name)?.remove(port);
    if (master === undefined) return;
    const to = this.#masters.get(master);
    if (to === undefined) throw new ConfigError(`${this.#kernel.name}.${master}`, "is no bridge, bond or VRF");
    to.add(port);
  }

  rename(name: string, to: string): void {
    const device = this.require(name);
    if (this.#devices.has(to)) throw new ConfigError(`${this.#kernel.name}.${to}`, "is there already");
    this.#devices.delete(name);
    this.#devices.set(to, device);
    device.rename(to);
    move(this.#masters, name, to);
    move(this.#vlans, name, to);
  }

  remove(name: string): void {
    const device = this.require(name);
    this.setMaster(name, undefined);
    const vlan = this.#vlans.get(name);
    vlan?.parent.removeVlan(vlan.id);
    device.setUp(false);
    this.#devices.delete(name);
    this.#masters.delete(name);
    this.#vlans.delete(name);
  }

  values(): Iterable<NetworkDevice> {
    return this.#devices.values();
  }
}

function move<T>(map: Map<string, T>, from: string, to: string): void {
  const value = map.get(from);
  if (value === undefined) return;
  map.delete(from);
  map.set(to, value);
}
