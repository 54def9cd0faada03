// A topology in the few lines that a person needs to see what it means.
import { type RemoteAs, type RouterConfig } from "../../sim/router/config/model.ts";
import { type InterfaceSpec, type PortSpec, type Station, type SwitchSpec, type Topology } from "./model.ts";

function kindWords(kind: InterfaceSpec["kind"]): readonly string[] {
  if (kind.kind === "vlan") return [`VLAN ${kind.id} on ${kind.parent}`];
  if (kind.kind === "vrf") return [`VRF with table ${kind.table}`];
  return kind.kind === "plain" ? [] : [kind.kind];
}

function interfaceText({ name, kind, addresses, master, up, noArp, mtu }: InterfaceSpec): string {
  const words = [
    name,
    ...kindWords(kind),
    ...(master === undefined ? [] : [`in ${master}`]),
    ...addresses.map(({ ip, length }) => `${ip}/${length}`),
    ...(up ? [] : ["down"]),
    ...(noArp ? ["without ARP"] : []),
    ...(mtu === 1500 ? [] : [`MTU ${mtu}`]),
  ];
  return words.join(" ");
}

/** The sessions that a router is ready for. */
function bgpLines({ bgp }: RouterConfig): readonly string[] {
  return bgp.flatMap(({ asn, vrf, neighbors, listen, families }) => [
    `  AS ${asn}${vrf === undefined ? "" : ` in ${vrf}`}${multipathText(families)}`,
    ...neighbors.map(({ peer, remoteAs }) => {
      return `    neighbor ${peer.kind === "interface" ? peer.device : peer.ip} ${asText(remoteAs)}`;
    }),
    ...listen.ranges.map(({ prefix, settings }) => `    neighbors in ${prefix} ${asText(settings.remoteAs)}`),
  ]);
}

/** `, multipath 16`; where iBGP or IPv6 differ, with their numbers. */
function multipathText({ ipv4, ipv6 }: RouterConfig["bgp"][number]["families"]): string {
  const text = ({ ebgp, ibgp }: typeof ipv4.maximumPaths): string =>
    ebgp === ibgp ? `${ebgp}` : `${ebgp} (iBGP ${ibgp})`;
  const [four, six] = [text(ipv4.maximumPaths), text(ipv6.maximumPaths)];
  return `, multipath ${four === six ? four : `${four}, IPv6 ${six}`}`;
}

const asText = (remoteAs: RemoteAs): string => (typeof remoteAs === "number" ? `AS ${remoteAs}` : remoteAs);

function stationLines({ name, role, interfaces, routes, sysctls, neighbours, frr }: Station): readonly string[] {
  const kept = neighbours.timeout === undefined ? "" : `, keeps neighbours for ${neighbours.timeout / 1e6} s`;
  return [
    `${role} ${name}: ${interfaces.map(interfaceText).join(", ")}${kept}`,
    ...routes.map(({ prefix, via, device, vrf }) => {
      const words = [via && `via ${via}`, device && `on ${device}`, vrf && `in ${vrf}`];
      const way = words.map((word) => (word === undefined ? "" : ` ${word}`)).join("");
      return `  route ${prefix}${way}`;
    }),
    ...sysctls.map(([key, value]) => `  ${key} = ${value}`),
    ...(frr === undefined ? [] : bgpLines(frr.config)),
  ];
}

function portText({ isolated, access, trunk, mtu }: PortSpec): string {
  return [
    ...(isolated ? ["isolated"] : []),
    ...(access === undefined ? [] : [`VLAN ${access}`]),
    ...(trunk.length === 0 ? [] : [`tagged ${trunk.join(",")}`]),
    ...(mtu === undefined ? [] : [`MTU ${mtu}`]),
  ].join(" ");
}

function switchLines({ name, profile, ageing, ports }: SwitchSpec, { cables }: Topology): readonly string[] {
  const plugged = cables.flatMap(([a, b]) => {
    const [own, other] = a.name === name ? [a, b] : [b, a];
    if (own.name !== name) return [];
    const spec = ports.get(own.port);
    const special = spec === undefined ? "" : ` (${portText(spec)})`;
    return [`${own.port} ${other.name}:${other.port}${special}`];
  });
  const forgets = ageing === undefined ? "" : `, forgets after ${ageing / 1e6} s`;
  return [`switch ${name}: ${profile}${forgets}`, ...plugged.map((text) => `  ${text}`)];
}

export function describeTopology(topology: Topology, management: string): readonly string[] {
  const { name, nodes, clients, stations, switches, podSubnets, serviceSubnets } = topology;
  const visible = switches.filter((item) => item.name !== management);
  return [
    `${name}: ${nodes.length} nodes, ${clients.length} clients, ${visible.length} switches`,
    `pods ${podSubnets.join(", ") || "none"}; cluster addresses ${serviceSubnets.join(", ") || "none"}`,
    ...stations.flatMap(stationLines),
    ...visible.flatMap((item) => switchLines(item, topology)),
  ];
}
