// Where the pools of the manifests lie in a topology.
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { type Family, familyOf, type Ip, readIp } from "../../impl/wire/ip.ts";
import { addressOf, contains, maskTo, type Prefix, prefixFamily, readPrefix } from "../../impl/wire/prefix.ts";
import { MANAGEMENT_LINK } from "../topology/load.ts";
import { type InterfaceSpec, type Station, type Topology } from "../topology/model.ts";
import { list, part } from "./workloads.ts";

const linksOf = (station: Station): readonly InterfaceSpec[] =>
  station.interfaces.filter(({ name }) => name !== MANAGEMENT_LINK);

const subnetsOf = (station: Station): readonly Prefix[] =>
  linksOf(station).flatMap(({ addresses }) => addresses.map(({ ip, length }) => maskTo(ip, length)));

/** What a pool writes as one item: a prefix or a range. */
interface PoolRange {
  readonly pool: string;
  readonly text: string;
  readonly first: Ip;
  /** A subnet that a LAN with these addresses would have. */
  readonly subnet: Prefix;
}

const USUAL_LENGTH: Readonly<Record<Family, number>> = { ipv4: 24, ipv6: 64 };

function rangeOf(pool: string, text: string): PoolRange | undefined {
  const prefix = readPrefix(text);
  const first = prefix === undefined ? readIp((text.split("-")[0] ?? "").trim()) : addressOf(prefix);
  if (first === undefined) return undefined;
  const usual = maskTo(first, USUAL_LENGTH[familyOf(first)]);
  const wide = prefix !== undefined && contains(prefix, addressOf(usual));
  return { pool, text, first, subnet: wide ? prefix : usual };
}

export function poolRanges(objects: readonly KubeObject[]): readonly PoolRange[] {
  return objects.flatMap((object) => {
    if (object.kind !== "IPAddressPool") return [];
    const addresses = part(object, "spec", "addresses");
    if (!Array.isArray(addresses)) return [];
    return addresses.flatMap(
      (text: unknown) => (typeof text === "string" ? rangeOf(object.metadata.name, text) : undefined) ?? [],
    );
  });
}

/** Ranges that no subnet of the topology has. */
export function outsideRanges(objects: readonly KubeObject[], topology: Topology): readonly PoolRange[] {
  const subnets = topology.stations.flatMap(subnetsOf);
  return poolRanges(objects).filter(({ first }) => !subnets.some((subnet) => contains(subnet, first)));
}

export const subnetsText = (topology: Topology): string =>
  [...new Set(topology.stations.flatMap(subnetsOf))].join(", ");

const speaks = (link: InterfaceSpec, prefix: Prefix): boolean =>
  link.addresses.some(({ ip }) => familyOf(ip) === prefixFamily(prefix));

/** The same topology, whose clients take more subnets for their own LAN. */
export function withClientRoutes(topology: Topology, subnets: readonly Prefix[]): Topology {
  const stations = topology.stations.map((station): Station => {
    if (station.role !== "client") return station;
    const routes = subnets.flatMap((prefix) => {
      const link = linksOf(station).find((candidate) => speaks(candidate, prefix));
      return link === undefined ? [] : [{ prefix, via: undefined, device: link.name, vrf: undefined }];
    });
    return { ...station, routes: [...station.routes, ...routes] };
  });
  return { ...topology, stations };
}

/** Whether some pool or Service of the manifests needs a cluster that speaks IPv6. */
export function asksForIpv6(objects: readonly KubeObject[]): boolean {
  const families = objects.flatMap((object) => {
    if (object.kind !== "Service") return [];
    const asked: unknown = part(object, "spec", "ipFamilies");
    return [part(object, "spec", "ipFamilyPolicy"), ...(Array.isArray(asked) ? (asked as unknown[]) : [])];
  });
  return (
    families.some((value) => value === "IPv6" || value === "RequireDualStack") ||
    poolRanges(objects).some(({ first }) => familyOf(first) === "ipv6")
  );
}

/** Whether an advertisement of a kind is for a pool. Labels of pools are not looked at: whoever selects by them may mean it. */
function isAdvertised(kind: string, pool: string, objects: readonly KubeObject[]): boolean {
  return objects.some((object) => {
    if (object.kind !== kind) return false;
    const names = list(part(object, "spec", "ipAddressPools"));
    const selectors = list(part(object, "spec", "ipAddressPoolSelectors"));
    return selectors.length > 0 || names.length === 0 || names.includes(pool);
  });
}

/** Addresses that only routers learn of may be anywhere. */
export const isOnlyRouted = (pool: string, objects: readonly KubeObject[]): boolean =>
  isAdvertised("BGPAdvertisement", pool, objects) && !isAdvertised("L2Advertisement", pool, objects);
