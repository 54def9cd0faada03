import { type Ip, isIpv4 } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type Host } from "./host.ts";

/** The dummy interface on which kube-proxy in ipvs mode puts every Service address. */
const IPVS_INTERFACE = "kube-ipvs0";

/**
 * Makes the interface, and what ServiceProxy calls as `bind`. Unless arp_ignore and arp_announce say otherwise (strictARP)
 * the host then answers ARP for every VIP on every interface, whoever announces it (kubernetes issue 59976).
 */
export function bindToIpvsInterface(host: Host, mac: Mac): (addresses: readonly Ip[]) => void {
  host.addInterface({ name: IPVS_INTERFACE, mac });
  let bound: readonly Ip[] = [];
  return (addresses) => {
    for (const ip of bound) if (!addresses.includes(ip)) host.removeAddress(IPVS_INTERFACE, ip);
    for (const ip of addresses) host.addAddress(IPVS_INTERFACE, { ip, length: isIpv4(ip) ? 32 : 128 });
    bound = addresses;
  };
}
