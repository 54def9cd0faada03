// The routers of a simulated world, as scenarios see and treat them.
import { type Ip, readIp } from "../../../impl/wire/ip.ts";
import { maskTo, parsePrefix, type Prefix } from "../../../impl/wire/prefix.ts";
import { type Host } from "../../../sim/host/host.ts";
import { readFrrConfig } from "../../../sim/router/config/read.ts";
import { type Router } from "../../../sim/router/router.ts";
import {
  type BfdPeer,
  type BgpNeighbor,
  type BgpPath,
  type Ending,
  type ForwardingEntry,
  type RouterControl,
  type Spread,
} from "../../world.ts";
import { ending } from "../ending.ts";
import { type SimCluster } from "./cluster.ts";

const asPrefix = (text: string): Prefix => {
  const ip = readIp(text);
  return ip === undefined ? parsePrefix(text) : maskTo(ip, ip.includes(":") ? 128 : 32);
};

export class SimRouter implements RouterControl {
  readonly name: string;
  readonly #cluster: SimCluster;
  readonly #router: Router;
  /** What its frr.conf says. */
  readonly #text: string;
  /** What was typed in configuration mode so far. */
  #typed: readonly string[] = [];

  constructor(cluster: SimCluster, name: string) {
    this.name = name;
    this.#cluster = cluster;
    this.#router = cluster.router(name);
    this.#text = cluster.topology.stations.find((station) => station.name === name)?.frr?.text ?? "";
  }

  get #host(): Host {
    return this.#cluster.host(this.name);
  }

  async spread(how: Spread): Promise<void> {
    this.#cluster.disturb(`${this.name}: spreads flows in another way`);
    this.#host.multipath = { ...this.#host.multipath, ...how };
  }

  async fib(prefix: string): Promise<ForwardingEntry | undefined> {
    const wanted = asPrefix(prefix);
    const tables = [undefined, ...this.#vrfs()];
    const [route] = tables.flatMap((vrf) => this.#host.routesTo(wanted, vrf));
    if (route === undefined) return undefined;
    const nextHops = route.nextHops
      .map(({ via, device }) => ({ ip: via ?? wanted, link: device, node: this.#nodeOf(via) }))
      .map(({ ip, link, node }) => ({ ip: ip as Ip, link, node }))
      .toSorted((a, b) => (a.ip < b.ip ? -1 : Number(a.ip > b.ip)));
    return { prefix: wanted, nextHops };
  }

  #vrfs(): readonly string[] {
    const station = this.#cluster.topology.stations.find(({ name }) => name === this.name);
    return (station?.interfaces ?? []).flatMap(({ name, kind }) => (kind.kind === "vrf" ? name : []));
  }

  #nodeOf(ip: Ip | undefined): string | undefined {
    return ip === undefined ? undefined : this.#cluster.nodeWith(ip);
  }

  async paths(prefix?: string): Promise<readonly BgpPath[]> {
    return this.#router
      .paths(prefix === undefined ? undefined : asPrefix(prefix))
      .map((path) => ({ ...path, node: this.#nodeOf(path.peer) }));
  }

  async neighbors(): Promise<readonly BgpNeighbor[]> {
    return this.#router.neighbors().map((neighbor) => ({ ...neighbor, node: this.#nodeOf(neighbor.address) }));
  }

  async bfdPeers(): Promise<readonly BfdPeer[]> {
    return this.#router.bfdPeers().map((peer) => ({ ...peer, node: this.#nodeOf(peer.peer) }));
  }

  async configure(...lines: readonly string[]): Promise<void> {
    this.#cluster.disturb(`${this.name}: ${lines.join("; ")}`);
    const typed = [...this.#typed, "end", ...lines];
    const result = readFrrConfig(this.#text, typed);
    if ("problems" in result) throw new Error(result.problems.map(({ problem }) => problem).join("; "));
    const refusal = this.#router.refusal(result.config);
    if (refusal !== undefined) throw new Error(`${this.name} does not take "${lines.join("; ")}": ${refusal}`);
    this.#typed = typed;
    this.#router.configure(result.config);
  }

  async clear(neighbor: Ip, how: "hard" | "soft"): Promise<void> {
    this.#cluster.disturb(`${this.name}: ${how} clear of ${neighbor}`);
    this.#router.clear(neighbor, how);
  }

  async crashDaemons(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: daemons killed`);
    this.#router.kill();
    return ending(() => {
      this.#router.start();
      fault();
    });
  }

  async pauseDaemons(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: daemons paused`);
    this.#router.pause();
    return ending(() => {
      this.#router.resume();
      fault();
    });
  }

  async powerOff(): Promise<Ending> {
    const fault = this.#cluster.lasting(`${this.name}: no power`);
    this.#host.powerOff();
    return ending(() => {
      this.#host.powerOn();
      fault();
    });
  }

  async linkDown(link: string): Promise<Ending> {
    return this.#cluster.linkDown(this.name, link);
  }
}
