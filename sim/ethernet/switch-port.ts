// IEEE 802.1Q section 6.9: which VLAN a frame that comes in belongs to, and how it goes out.
import { type VlanTag } from "../../impl/wire/ethernet.ts";
import { type CableEnd } from "./device.ts";

export type PortVlans =
  | { readonly kind: "access"; readonly vlan: number }
  /** Without `native`, untagged frames are dropped; without `allowed`, every VLAN passes. */
  | { readonly kind: "trunk"; readonly native?: number; readonly allowed?: readonly number[] };

export interface PortOptions {
  readonly vlans?: PortVlans;
  /** Isolated ports reach all ports but isolated ones. */
  readonly isolated?: boolean;
  /** The longest payload of a frame; longer ones vanish. */
  readonly mtu?: number;
  /** ARP that comes in here is not inspected. */
  readonly trusted?: boolean;
}

export interface SwitchPort {
  readonly name: string;
  readonly end: CableEnd;
  readonly vlans: PortVlans;
  readonly isolated: boolean;
  readonly mtu: number;
  readonly trusted: boolean;
}

const DEFAULT_VLANS: PortVlans = { kind: "access", vlan: 1 };
const DEFAULT_MTU = 1500;

export function switchPort(name: string, end: CableEnd, options: PortOptions): SwitchPort {
  const { vlans = DEFAULT_VLANS, isolated = false, mtu = DEFAULT_MTU, trusted = false } = options;
  return { name, end, vlans, isolated, mtu, trusted };
}

/** The VLAN of a frame that came in with `tag`; undefined where the port does not take it. A VID of 0 is no tag. */
export function vlanOfIncoming(vlans: PortVlans, tag: VlanTag | undefined): number | undefined {
  const untagged = vlans.kind === "access" ? vlans.vlan : vlans.native;
  const vlan = tag === undefined || tag.id === 0 ? untagged : tag.id;
  return vlan !== undefined && formOfOutgoing(vlans, vlan) !== undefined ? vlan : undefined;
}

/** How a frame of `vlan` leaves; undefined where the VLAN does not reach the port. */
export function formOfOutgoing(vlans: PortVlans, vlan: number): "tagged" | "untagged" | undefined {
  if (vlans.kind === "access") return vlan === vlans.vlan ? "untagged" : undefined;
  if (vlan === vlans.native) return "untagged";
  return vlans.allowed === undefined || vlans.allowed.includes(vlan) ? "tagged" : undefined;
}

/** The VLANs that a port names; a trunk for all of them names none but its native one. */
export function vlansOf(vlans: PortVlans): readonly number[] {
  if (vlans.kind === "access") return [vlans.vlan];
  const { native, allowed = [] } = vlans;
  return native === undefined ? allowed : [native, ...allowed];
}
