// What kube-proxy makes the kernel of a node do to flows for Services: the iptables rules of pkg/proxy/iptables/proxier.go,
// or the virtual servers of pkg/proxy/ipvs, over connection tracking.
import { type EndpointSlice, type Service } from "../../impl/api/kubernetes.ts";
import { type Random } from "../../impl/ports.ts";
import { unreachable } from "../../impl/wire/brand.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { contains, type Prefix } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { Conntrack } from "./conntrack.ts";
import { inverse, keyOf, type Tuple, translate, tupleOf } from "./conntrack-tuple.ts";
import { type IpPacket, type IpStack, type Verdict } from "./hooks.ts";
import { rejectWithPortUnreachable } from "./proxy-reject.ts";
import { type Backend, backendKey, type Frontend, frontendKey } from "./proxy-rules.ts";
import { ProxyTable } from "./proxy-table.ts";

export interface ProxyOptions {
  /** From an update of the API objects to the kernel's rules: kube-proxy gathers changes for up to a second. */
  readonly programmingDelay: Micros;
  /** `iptables` draws an endpoint for each flow; `ipvs` goes round, and puts every Service address on the host. */
  readonly mode: "iptables" | "ipvs";
  /** The name under which endpoints call this node; that of the host unless told. */
  readonly nodeName?: string;
  /** Where pods have their addresses (--cluster-cidr). */
  readonly podPrefixes?: readonly Prefix[];
  /** Told in ipvs mode which addresses `kube-ipvs0` shall have: without strict ARP the host then answers for them all. */
  readonly bind?: (addresses: readonly Ip[]) => void;
}

/** Where a flow comes from: outside, a pod of the cluster, or the node itself. */
type Origin = "outside" | "pod" | "node";

/** A packet between prerouting and postrouting: its source is translated last, as Netfilter does. */
interface Passage {
  readonly payload: Uint8Array;
  readonly from: Tuple;
  readonly to: Tuple;
}

const FIRST_MASQUERADE_PORT = 1024;
const MASQUERADE_PORTS = 65_536 - FIRST_MASQUERADE_PORT;

export class ServiceProxy {
  readonly #world: SimWorld;
  readonly #host: IpStack;
  readonly #options: ProxyOptions;
  readonly #random: Random;
  readonly #conntrack: Conntrack;
  readonly #table: ProxyTable;
  readonly #turns = new Map<string, number>();
  #pending: Scheduled | undefined;
  #passage: Passage | undefined;

  constructor(world: SimWorld, host: IpStack, options: ProxyOptions) {
    this.#world = world;
    this.#host = host;
    this.#options = options;
    this.#random = world.random(`${host.name}/proxy`);
    this.#conntrack = new Conntrack(() => world.scheduler.now);
    this.#table = new ProxyTable(options.nodeName ?? host.name);
    host.addPrerouting((packet) => this.#arrive(packet, false));
    host.addOutput((packet) => this.#arrive(packet, true));
    host.addPostrouting((packet) => this.#leave(packet));
    host.onPower((on) => this.#power(on));
  }

  /** Takes the API's state; it is in force after the programming delay. Objects must not change once given. */
  update(services: readonly Service[], slices: readonly EndpointSlice[]): void {
    this.#table.replace(services, slices);
    this.#schedule();
  }

  setService(service: Service): void {
    this.#table.setService(service);
    this.#schedule();
  }

  /** `key` is `namespace/name`. */
  removeService(key: string): void {
    this.#table.removeService(key);
    this.#schedule();
  }

  setSlice(slice: EndpointSlice): void {
    this.#table.setSlice(slice);
    this.#schedule();
  }

  removeSlice(key: string): void {
    this.#table.removeSlice(key);
    this.#schedule();
  }

  /** Flows that are remembered; those that have expired count until they are looked at. */
  get flows(): number {
    return this.#conntrack.size;
  }

  #schedule(): void {
    if (!this.#table.isChanged || this.#pending !== undefined) return;
    this.#pending = this.#host.after(this.#options.programmingDelay, () => this.#program());
  }

  #program(): void {
    this.#pending = undefined;
    this.#forgetStale(this.#table.apply());
    if (this.#options.mode === "ipvs") {
      const addresses = new Set(Array.from(this.#table.frontends(), ({ ip }) => ip));
      this.#options.bind?.([...addresses].sort());
    }
    this.#trace(`programmed ${this.#table.size} frontends`);
  }

  /** kube-proxy deletes UDP flows to endpoints that no longer serve (pkg/proxy/conntrack); TCP flows stay as they are. */
  #forgetStale(old: readonly Frontend[]): void {
    const addresses = new Set<string>();
    for (const { protocol, ip, port } of old) {
      if (protocol === IP_PROTOCOLS.udp) addresses.add(frontendKey(protocol, ip, port));
    }
    if (addresses.size === 0) return;
    const count = this.#conntrack.forget((original, reply) => {
      const address = frontendKey(original.protocol, original.destination, original.destinationPort);
      if (!addresses.has(address)) return false;
      const endpoint = backendKey({ ip: reply.source, port: reply.sourcePort });
      return this.#table.find(address)?.serving.has(endpoint) !== true;
    });
    if (count > 0) this.#trace(`forgot ${count} stale udp flows`);
  }

  #power(on: boolean): void {
    this.#pending = undefined;
    this.#passage = undefined;
    if (on) return this.#schedule();
    this.#conntrack.clear();
    this.#table.clear();
  }

  // The way of a packet.

  #arrive(packet: IpPacket, fromHere: boolean): Verdict {
    const tuple = tupleOf(packet);
    if (tuple === undefined) return packet;
    const tracking = this.#conntrack.track(packet, tuple);
    if (tracking.kind === "known") return this.#pass(packet, tuple, tracking.to);
    const frontend = this.#table.find(frontendKey(tuple.protocol, tuple.destination, tuple.destinationPort));
    if (frontend === undefined) return packet;
    switch (tracking.kind) {
      case "invalid":
        // KUBE-FORWARD drops what connection tracking calls INVALID.
        return { drop: "conntrack: invalid" };
      case "new":
        return this.#begin(packet, tuple, frontend, fromHere);
      default:
        return unreachable(tracking);
    }
  }

  /**
   * A flow begins here, though perhaps not at its beginning: a segment from the middle of a connection that another node
   * has translated so far starts a flow too (nf_conntrack_tcp_loose). It goes to an endpoint that is drawn anew, under this
   * node's address or to a pod of this node, so its TCP knows no such connection and answers with RST. That is what a
   * client sees when a VIP moves.
   */
  #begin(packet: IpPacket, tuple: Tuple, frontend: Frontend, fromHere: boolean): Verdict {
    const origin = this.#originOf(tuple.source, fromHere);
    // KUBE-EXT: what comes from the cluster itself is not held to the local endpoints.
    const onlyLocal = frontend.external && frontend.onlyLocal && origin === "outside";
    const backend = this.#choose(frontend, onlyLocal ? frontend.here : frontend.everywhere);
    if (backend === undefined) {
      if (onlyLocal && frontend.everywhere.length > 0) return { drop: `${frontend.name} has no local endpoints` };
      rejectWithPortUnreachable(this.#host, packet);
      return { drop: `${frontend.name} has no endpoints` };
    }
    const to = this.#target(tuple, frontend, backend, origin);
    this.#conntrack.begin(packet, tuple, to);
    const middle = tuple.protocol === IP_PROTOCOLS.tcp && ((packet.payload[13] ?? 0) & 0x02) === 0;
    this.#trace(`${frontend.name} ${describe(tuple)} as ${describe(to)}${middle ? " picked up mid-stream" : ""}`);
    return this.#pass(packet, tuple, to);
  }

  #originOf(source: Ip, fromHere: boolean): Origin {
    if (fromHere) return "node";
    return this.#options.podPrefixes?.some((prefix) => contains(prefix, source)) === true ? "pod" : "outside";
  }

  #choose({ name, ip }: Frontend, backends: readonly Backend[]): Backend | undefined {
    if (this.#options.mode === "iptables") return backends[Math.floor(this.#random.next() * backends.length)];
    const turn = this.#turns.get(`${name} ${ip}`) ?? 0;
    this.#turns.set(`${name} ${ip}`, turn + 1);
    return backends[turn % backends.length];
  }

  /** The first packet's name after translation. */
  #target(tuple: Tuple, frontend: Frontend, backend: Backend, origin: Origin): Tuple {
    const to = { ...tuple, destination: backend.ip, destinationPort: backend.port };
    const masquerade = this.#masquerades(tuple, frontend, backend, origin);
    const source = masquerade ? (this.#host.sourceFor(backend.ip) ?? tuple.source) : tuple.source;
    const named = { ...to, source };
    // MASQUERADE --random-fully; without it the port stays, unless its answers would be taken for another flow's.
    if (!masquerade && !this.#conntrack.has(inverse(named))) return named;
    for (let tried = 0; tried < MASQUERADE_PORTS; tried++) {
      const sourcePort = FIRST_MASQUERADE_PORT + Math.floor(this.#random.next() * MASQUERADE_PORTS);
      if (!this.#conntrack.has(inverse({ ...named, sourcePort }))) return { ...named, sourcePort };
    }
    return named;
  }

  /** The marks of KUBE-MARK-MASQ. What stays on the host does not pass POSTROUTING, where they count. */
  #masquerades(tuple: Tuple, frontend: Frontend, backend: Backend, origin: Origin): boolean {
    if (origin === "node" || this.#host.isLocal(backend.ip)) return false;
    if (tuple.source === backend.ip) return true;
    if (frontend.external) return !frontend.onlyLocal;
    return origin === "outside";
  }

  /** The destination is translated before routing, the source after it; what stays on the host gets both at once. */
  #pass(packet: IpPacket, from: Tuple, to: Tuple): IpPacket {
    if (this.#host.isLocal(to.destination)) return translate(packet, from, to);
    const half = { ...from, destination: to.destination, destinationPort: to.destinationPort };
    const passing = translate(packet, from, half);
    this.#passage = { payload: passing.payload, from: half, to };
    return passing;
  }

  #leave(packet: IpPacket): IpPacket {
    const passage = this.#passage;
    if (passage === undefined || passage.payload !== packet.payload) return packet;
    this.#passage = undefined;
    return keyOf(passage.from) === keyOf(passage.to) ? packet : translate(packet, passage.from, passage.to);
  }

  #trace(detail: string): void {
    this.#world.trace.write(this.#host.name, "proxy", detail);
  }
}

const describe = (tuple: Tuple): string =>
  `${tuple.source}:${tuple.sourcePort}>${tuple.destination}:${tuple.destinationPort}`;
