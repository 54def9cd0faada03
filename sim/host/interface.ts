import { type Ip, type Ipv6, ipv6FromBytes, isIpv6, solicitedNodeGroup } from "../../impl/wire/ip.ts";
import { type Mac, macToBytes, ZERO_MAC } from "../../impl/wire/mac.ts";
import { type InterfaceAddress } from "../../impl/wire/prefix.ts";
import { type Link } from "../../impl/ports.ts";
import { AddressDetection } from "./address-detection.ts";
import { ArpProtocol } from "./arp.ts";
import { type IpLink, type Kernel } from "./kernel.ts";
import { MulticastGroups } from "./multicast-groups.ts";
import { NdpProtocol } from "./ndp.ts";
import { type NeighbourParameters } from "./neighbour-parameters.ts";
import { ETHERNET_HEADER, type NetworkDevice } from "./network-device.ts";
import { type Conf4, type Conf6, type LinkSetting } from "./sysctl.ts";

export interface InterfaceOptions {
  readonly conf4: Conf4;
  readonly conf6: Conf6;
  readonly neighbours4: NeighbourParameters;
  readonly neighbours6: NeighbourParameters;
}

/** RFC 4291 appendix A: fe80::/64 and the modified EUI-64 of the MAC address. */
export function linkLocalOf(mac: Mac): Ipv6 {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = macToBytes(mac);
  return ipv6FromBytes(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f));
}

/** IP on one device: its addresses, its neighbours, its groups. */
export class Interface implements IpLink {
  readonly device: NetworkDevice;
  readonly conf4: Conf4;
  readonly conf6: Conf6;
  readonly arp: ArpProtocol;
  readonly ndp: NdpProtocol;
  readonly groups: MulticastGroups;
  readonly detection: AddressDetection;
  #addresses: readonly InterfaceAddress[] = [];
  /** IFF_NOARP: ARP is neither asked for nor answered here. */
  noArp = false;
  #macBytes: Uint8Array;

  constructor(kernel: Kernel, device: NetworkDevice, options: InterfaceOptions) {
    this.device = device;
    this.conf4 = options.conf4;
    this.conf6 = options.conf6;
    this.#macBytes = macToBytes(device.mac);
    const probe = (ip: Ipv6): void => this.ndp.probe(ip);
    this.detection = new AddressDetection(kernel, device.name, probe, (ip) => kernel.removeAddress(this.name, ip));
    this.arp = new ArpProtocol(kernel, this, options.neighbours4);
    this.ndp = new NdpProtocol(kernel, this, options.neighbours6, this.detection);
    this.groups = new MulticastGroups(kernel, this, device);
  }

  get name(): string {
    return this.device.name;
  }

  get mac(): Mac {
    return this.device.mac;
  }

  setMac(mac: Mac): void {
    this.device.setMac(mac);
    this.macChanged();
  }

  /** Joining a bond gives a port the bond's address. */
  macChanged(): void {
    this.#macBytes = macToBytes(this.device.mac);
  }

  get mtu(): number {
    return this.device.mtu;
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#addresses;
  }

  hasAddress(ip: Ip): boolean {
    return this.#addresses.some((address) => address.ip === ip);
  }

  addAddress(address: InterfaceAddress): void {
    if (this.hasAddress(address.ip)) return;
    this.#addresses = [...this.#addresses, address];
    const { ip } = address;
    if (!isIpv6(ip)) return;
    this.groups.join(solicitedNodeGroup(ip));
    if (this.conf6.accept_dad !== 0) this.detection.start(ip);
  }

  removeAddress(ip: Ip): void {
    if (!this.hasAddress(ip)) return;
    this.#addresses = this.#addresses.filter((address) => address.ip !== ip);
    if (isIpv6(ip)) this.groups.leave(solicitedNodeGroup(ip));
  }

  sendFrame(to: Uint8Array, etherType: number, payload: Uint8Array): void {
    const frame = new Uint8Array(ETHERNET_HEADER + payload.length);
    frame.set(to);
    frame.set(this.#macBytes, 6);
    frame[12] = etherType >> 8;
    frame[13] = etherType & 0xff;
    frame.set(payload, ETHERNET_HEADER);
    this.device.transmit(frame);
  }

  /** arp_evict_nocarrier, ndisc_evict_nocarrier; arp_notify, ndisc_notify. */
  runningChanged(): void {
    if (this.device.running) {
      this.groups.reportAll();
      if (this.conf4.arp_notify !== 0) this.arp.announce();
      if (this.conf6.ndisc_notify !== 0) this.ndp.announce();
      return;
    }
    if (this.conf4.arp_evict_nocarrier !== 0) this.arp.table.flush();
    if (this.conf6.ndisc_evict_nocarrier !== 0) this.ndp.table.flush();
  }

  /** The kernel ended: only the configuration stays. */
  forgetAll(): void {
    this.arp.table.flush();
    this.ndp.table.flush();
    this.groups.forgetAll();
  }

  start(): void {
    for (const { ip } of this.#addresses) if (isIpv6(ip)) this.groups.join(solicitedNodeGroup(ip));
  }

  set(setting: LinkSetting): void {
    if (setting.kind === "conf4") this.conf4[setting.key] = setting.value;
    else if (setting.kind === "conf6") this.conf6[setting.key] = setting.value;
    else (setting.family === "ipv4" ? this.arp : this.ndp).table.configure(setting.change);
  }

  /** As rtnetlink tells it. */
  toLink(): Link {
    const { index, name, mac, mtu, up, running, master } = this.device;
    const { noArp } = this;
    const addresses = [...this.#addresses];
    const broadcast = mac !== ZERO_MAC;
    return { index, name, mac, mtu, up, running, broadcast, noArp, master: master?.name, addresses };
  }
}
