import { type Host } from "../host/host.ts";
import { type InterfaceConfig, type RouterConfig } from "./config/model.ts";

/** Gives the kernel what the configuration says of interfaces; those that the host does not have are passed over. */
export function applyInterfaces(
  host: Host,
  before: RouterConfig | undefined,
  { interfaces, forwarding }: RouterConfig,
): void {
  for (const each of interfaces) {
    if (!host.hasDevice(each.name)) continue;
    const former = before?.interfaces.find(({ name }) => name === each.name);
    applyAddresses(host, former, each);
    if ((former?.shutdown ?? false) !== each.shutdown) host.setUp(each.name, !each.shutdown);
  }
  const { ipv4, ipv6 } = forwarding;
  if (ipv4 !== undefined) host.sysctl("net.ipv4.conf.all.forwarding", Number(ipv4));
  if (ipv6 !== undefined) host.sysctl("net.ipv6.conf.all.forwarding", Number(ipv6));
}

function applyAddresses(host: Host, former: InterfaceConfig | undefined, { name, addresses }: InterfaceConfig): void {
  for (const { ip } of former?.addresses ?? []) {
    if (!addresses.some((address) => address.ip === ip)) host.removeAddress(name, ip);
  }
  const present = host.interface(name);
  for (const address of addresses) if (!present.hasAddress(address.ip)) host.addAddress(name, address);
}
