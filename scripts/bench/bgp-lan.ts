// Nodes and one router on a switch: simulated kernels, real frames, the router's daemons with an frr.conf of their own.
import { type Process } from "../../impl/ports.ts";
import { Runner } from "../../impl/shell/runner.ts";
import { type Ipv4, ipFromBigInt, isIpv4 } from "../../impl/wire/ip.ts";
import { macFromBytes } from "../../impl/wire/mac.ts";
import { createWorld, type World } from "../../sim/create-world.ts";
import { connect } from "../../sim/ethernet/cable.ts";
import { Switch } from "../../sim/ethernet/switch.ts";
import { Host } from "../../sim/host/host.ts";
import { type HostProcess } from "../../sim/host/process-ports.ts";
import { readFrrConfig } from "../../sim/router/config/read.ts";
import { Router } from "../../sim/router/router.ts";
import { OWN_ASN, ROUTER_ASN } from "./bgp-speaker-of.ts";

export const ROUTER_IP = "10.0.255.254" as Ipv4;
const FIRST_NODE = 0x0a00_0001n;
const PREFIX_LENGTH = 16;
const NO_API = { request: () => {}, abort: () => {} };
/** Linux keeps 1,024 neighbours at most: a router of a segment so large is always told to keep more. */
const NEIGHBOURS = 16_384;

/** For FRR, for BIRD as the driver for namespaces translates it, and for the simulated router. */
export const ROUTER_CONFIG = `frr version 10.5
frr defaults traditional
hostname router
!
interface eth1
 ip address ${ROUTER_IP}/${PREFIX_LENGTH}
exit
!
router bgp ${ROUTER_ASN}
 bgp router-id ${ROUTER_IP}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 neighbor nodes peer-group
 neighbor nodes remote-as ${OWN_ASN}
 neighbor nodes bfd profile fast
 bgp listen limit 5000
 bgp listen range 10.0.0.0/16 peer-group nodes
 !
 address-family ipv4 unicast
  neighbor nodes activate
 exit-address-family
exit
!
bfd
 profile fast
  transmit-interval 300
  receive-interval 300
  detect-multiplier 3
 exit
exit
`;

export function nodeIp(index: number): Ipv4 {
  const ip = ipFromBigInt(FIRST_NODE + BigInt(index), "ipv4");
  if (!isIpv4(ip)) throw new Error(ip);
  return ip;
}

export interface BgpLan {
  readonly world: World;
  readonly routerHost: Host;
  readonly router: Router;
}

/** `processOf` makes what runs on the node of an index; its name is what its random numbers come from. */
export function bgpLan(nodes: number, processOf: (index: number, world: World, name: string) => Process): BgpLan {
  const world = createWorld({ seed: "bgp" });
  const sw = new Switch(world, "sw");
  const routerHost = plug(world, sw, "router", "eth1", 0xffff);
  routerHost.sysctl("net.ipv4.neigh.default.gc_thresh3", NEIGHBOURS);
  const read = readFrrConfig(ROUTER_CONFIG);
  if ("problems" in read) throw new Error(JSON.stringify(read.problems));
  const router = new Router(world, routerHost, read.config, "frr");
  router.start();
  for (let index = 0; index < nodes; index++) {
    const name = `node-${String(index).padStart(4, "0")}`;
    const host = plug(world, sw, name, "eth0", index);
    host.addAddress("eth0", { ip: nodeIp(index), length: PREFIX_LENGTH });
    const process = processOf(index, world, name);
    const ports: HostProcess = host.openPorts(name, (input) => runner.deliver(input), NO_API);
    const runner = new Runner(process, ports);
    ports.start();
  }
  return { world, routerHost, router };
}

function plug(world: World, sw: Switch, name: string, link: string, number: number): Host {
  const host = new Host(world, { name });
  host.addInterface({ name: link, mac: macFromBytes(Uint8Array.of(2, 0, 0, 0, number >>> 8, number)) });
  const cable = connect(
    world,
    { device: host.interface(link).device, port: link, name },
    { device: sw, port: name, name: "sw" },
  );
  host.plug(link, cable.a);
  sw.plug(name, cable.b);
  return host;
}
