// A router: the daemons of FRR or BIRD on a simulated host, from a configuration that was read before.
import { type Ip } from "../../impl/wire/ip.ts";
import { type Prefix } from "../../impl/wire/prefix.ts";
import { type Host } from "../host/host.ts";
import { type SimWorld } from "../world.ts";
import { identityOf } from "./bgp/neighbors.ts";
import { type RouterConfig } from "./config/model.ts";
import { Daemon } from "./daemon.ts";
import { habitsOf, type RouterProfile } from "./profile.ts";
import { RoutingDaemons } from "./routing-daemons.ts";
import { bfdPeer, type BfdPeerView, bgpNeighbors, bgpPaths, type NeighborView, type PathView } from "./views.ts";

export class Router {
  readonly #world: SimWorld;
  readonly #host: Host;
  readonly #profile: RouterProfile;
  #config: RouterConfig;
  #life: { readonly daemon: Daemon; readonly daemons: RoutingDaemons } | undefined;
  /** The kernel goes on while the daemons are away, and keeps what they installed. */
  #wasKilled = false;
  /** It comes back with the power. */
  #returnsWithPower = false;

  constructor(world: SimWorld, host: Host, config: RouterConfig, profile: RouterProfile) {
    this.#world = world;
    this.#host = host;
    this.#config = config;
    this.#profile = profile;
    // FRR installs next hop groups, which pass over neighbours that do not answer; BIRD plain routes.
    host.multipath = { ...host.multipath, passOverSilent: profile === "frr" };
    host.onPower((on) => this.#power(on));
    host.onLinkChange(() => this.#life?.daemon.run(() => this.#life?.daemons.surroundingsChanged()));
  }

  get running(): boolean {
    return this.#life !== undefined;
  }

  start(): void {
    if (this.#life !== undefined || this.#host.state === "off") return;
    this.#host.trace("router", this.#wasKilled ? "daemons started again" : "daemons started");
    this.#forgetRoutes();
    const daemon = new Daemon(this.#host);
    const daemons = new RoutingDaemons(
      { daemon, habits: habitsOf(this.#profile), random: (name) => this.#world.random(`${this.#host.name}/${name}`) },
      this.#config,
      this.#wasKilled,
    );
    this.#life = { daemon, daemons };
    daemons.start();
  }

  /** Zebra sweeps what an earlier one left behind. */
  #forgetRoutes(): void {
    for (const vrf of [undefined, ...this.#config.vrfs]) {
      if (vrf !== undefined && !this.#host.hasDevice(vrf)) continue;
      for (const { prefix, protocol } of this.#host.routes(vrf)) {
        if (protocol === "daemon") this.#host.removeRoute(prefix, undefined, vrf);
      }
    }
  }

  /** The daemons are killed: the kernel closes their sockets, and what they installed stays. */
  kill(): void {
    if (this.#life === undefined) return;
    this.#host.trace("router", "daemons killed");
    const { daemon } = this.#life;
    this.#life = undefined;
    this.#wasKilled = true;
    daemon.kill();
  }

  /** SIGSTOP. */
  pause(): void {
    this.#host.trace("router", "daemons paused");
    this.#life?.daemon.pause();
  }

  /** SIGCONT. */
  resume(): void {
    this.#host.trace("router", "daemons resumed");
    this.#life?.daemon.resume();
  }

  #power(on: boolean): void {
    if (on) {
      if (this.#returnsWithPower) this.start();
      this.#returnsWithPower = false;
      return;
    }
    this.#returnsWithPower = this.#life !== undefined;
    this.#life?.daemon.vanish();
    this.#life = undefined;
    this.#wasKilled = false;
    this.#forgetRoutes();
  }

  /**
   * Why the daemons do not take a configuration: FRR gives no name to a neighbour that a listen range brought for as long
   * as it is there (bgpd/bgp_vty.c, peer_and_group_lookup_vty).
   */
  refusal(config: RouterConfig): string | undefined {
    if (habitsOf(this.#profile).namesDynamic) return undefined;
    const named = config.bgp.flatMap(({ vrf, neighbors }) => neighbors.map((each) => `${vrf} ${identityOf(each).key}`));
    for (const { vrf, key } of this.#life?.daemons.dynamicNeighbors() ?? []) {
      if (named.includes(`${vrf} ${key}`)) return `${key}: Operation not allowed on a dynamic neighbor`;
    }
    return undefined;
  }

  /** Applies what is different; sessions that it does not concern stay. */
  configure(config: RouterConfig): void {
    this.#config = config;
    this.#life?.daemon.run(() => this.#life?.daemons.configure(config));
  }

  /** `clear bgp NEIGHBOR`; soft asks for its routes again and tells it what has changed. */
  clear(neighbor: Ip, how: "hard" | "soft"): void {
    this.#life?.daemon.run(() => {
      for (const instance of this.#life?.daemons.instances() ?? []) {
        for (const each of instance.neighbors()) if (each.address === neighbor) instance.clear(each, how);
      }
    });
  }

  neighbors(): readonly NeighborView[] {
    return this.#life?.daemons.instances().flatMap(bgpNeighbors) ?? [];
  }

  paths(prefix?: Prefix): readonly PathView[] {
    const all = this.#life?.daemons.instances().flatMap(bgpPaths) ?? [];
    return prefix === undefined ? all : all.filter((path) => path.prefix === prefix);
  }

  bfdPeers(): readonly BfdPeerView[] {
    return this.#life?.daemons.bfdViews().map(bfdPeer) ?? [];
  }
}
