// The daemons of one life of a router: zebra's part, and a BGP instance for each VRF.
import { type Random } from "../../impl/ports.ts";
import { Advertisements, type Advertising, UNNUMBERED } from "./advertisements.ts";
import { BfdSessions, type BfdView } from "./bfd/sessions.ts";
import { bfdKey, configuredWishes, neighborWishes } from "./bfd/wishes.ts";
import { BgpInstance } from "./bgp/instance.ts";
import { type BgpConfig, type RouterConfig } from "./config/model.ts";
import { type Daemon } from "./daemon.ts";
import { Fib } from "./fib.ts";
import { applyInterfaces } from "./interfaces.ts";
import { NextHops } from "./next-hops.ts";
import { type Habits } from "./profile.ts";
import { StaticRoutes } from "./static-routes.ts";
import { micros } from "../../impl/wire/time.ts";

export interface DaemonsContext {
  readonly daemon: Daemon;
  readonly habits: Habits;
  /** A stream for each thing that draws. */
  readonly random: (name: string) => Random;
}

/** What one VRF has beside its BGP. */
interface Vrf {
  readonly nextHops: NextHops;
  readonly fib: Fib;
  readonly statics: StaticRoutes;
  instance: BgpInstance | undefined;
}

export class RoutingDaemons {
  readonly #context: DaemonsContext;
  readonly #restarted: boolean;
  readonly #vrfs = new Map<string | undefined, Vrf>();
  readonly #bfd: BfdSessions;
  readonly #advertisements: Advertisements;
  #bfdIsDue = false;
  #config: RouterConfig;
  #applied: RouterConfig | undefined;

  constructor(context: DaemonsContext, config: RouterConfig, restarted: boolean) {
    this.#context = context;
    this.#config = config;
    this.#restarted = restarted;
    this.#advertisements = new Advertisements(context.daemon, (link, peer) => {
      for (const instance of this.instances()) instance.neighborHeard(link, peer);
      this.#bfdSoon();
    });
    this.#bfd = new BfdSessions({
      daemon: context.daemon,
      random: context.random("bfd"),
      down: (key, controlPlaneIndependent) => this.#bfdDown(key, controlPlaneIndependent),
    });
  }

  start(): void {
    this.#apply();
  }

  configure(config: RouterConfig): void {
    this.#config = config;
    this.#apply();
  }

  instances(): readonly BgpInstance[] {
    return [...this.#vrfs.values()].flatMap(({ instance }) => instance ?? []);
  }

  /** Those that a listen range brought. */
  dynamicNeighbors(): readonly { readonly vrf: string | undefined; readonly key: string }[] {
    return this.instances().flatMap((instance) =>
      instance.neighbors().flatMap(({ identity: { key, dynamic } }) => (dynamic ? { vrf: instance.vrf, key } : [])),
    );
  }

  #apply(): void {
    const config = this.#config;
    applyInterfaces(this.#context.daemon.host, this.#applied, config);
    this.#applied = config;
    this.#applyStatics();
    for (const [name, vrf] of this.#vrfs) {
      if (vrf.instance === undefined || config.bgp.some((each) => each.vrf === name)) continue;
      vrf.instance.stop();
      vrf.instance = undefined;
    }
    for (const bgp of config.bgp) this.#applyBgp(bgp);
    this.#advertisements.apply(advertisedLinks(config));
    this.#bfdSoon();
  }

  /** After everything that happens at this instant. */
  #bfdSoon(): void {
    if (this.#bfdIsDue) return;
    this.#bfdIsDue = true;
    this.#context.daemon.after(micros(0), () => {
      this.#bfdIsDue = false;
      this.#applyBfd();
    });
  }

  #applyBfd(): void {
    const wishes = new Map(configuredWishes(this.#config));
    for (const { instance, nextHops } of this.#vrfs.values()) {
      if (instance === undefined) continue;
      for (const [key, wish] of neighborWishes(instance, nextHops)) wishes.set(key, wish);
    }
    this.#bfd.apply(wishes);
  }

  #bfdDown(key: string, controlPlaneIndependent: boolean): void {
    for (const instance of this.instances()) {
      for (const neighbor of instance.neighbors()) {
        if (bfdKey(instance.vrf, neighbor) === key) instance.bfdDown(neighbor, controlPlaneIndependent);
      }
    }
  }

  bfdViews(): readonly BfdView[] {
    return this.#bfd.views();
  }

  #applyStatics(): void {
    const names = new Set([undefined, ...this.#config.vrfs, ...this.#config.bgp.map(({ vrf }) => vrf)]);
    for (const name of names) {
      if (name !== undefined && !this.#context.daemon.host.hasDevice(name)) continue;
      const { nextHops, statics } = this.#vrf(name);
      nextHops.forget();
      statics.apply(this.#config.staticRoutes.filter(({ vrf }) => vrf === name));
    }
  }

  #vrf(name: string | undefined): Vrf {
    const known = this.#vrfs.get(name);
    if (known !== undefined) return known;
    const { daemon, habits } = this.#context;
    const nextHops = new NextHops(daemon.host, name, () => this.#config.resolveViaDefault);
    const fib = new Fib(daemon, name, habits.installDelay, () => {
      nextHops.forget();
      this.#vrfs.get(name)?.instance?.routesChanged();
    });
    const created: Vrf = { nextHops, fib, statics: new StaticRoutes(fib, nextHops), instance: undefined };
    this.#vrfs.set(name, created);
    return created;
  }

  #applyBgp(bgp: BgpConfig): void {
    const vrf = this.#vrf(bgp.vrf);
    if (vrf.instance !== undefined) return vrf.instance.configure(bgp, this.#config);
    vrf.instance = this.#createInstance(bgp, vrf);
    vrf.instance.start();
  }

  #createInstance(bgp: BgpConfig, vrf: Vrf): BgpInstance {
    const { daemon, habits, random } = this.#context;
    const { nextHops, fib, statics } = vrf;
    return new BgpInstance(
      {
        daemon,
        habits,
        random: random(bgp.vrf === undefined ? "bgp" : `bgp/${bgp.vrf}`),
        nextHops,
        fib,
        restarted: this.#restarted,
        isStatic: (prefix) => statics.has(prefix),
        neighborsChanged: () => this.#bfdSoon(),
      },
      bgp,
      this.#config,
    );
  }

  /** Links went, came, or changed their addresses. */
  surroundingsChanged(): void {
    this.#applyStatics();
    this.#advertisements.linksChanged();
    for (const instance of this.instances()) instance.surroundingsChanged();
    this.#bfdSoon();
  }
}

/** Where the configuration asks for advertisements, and where unnumbered neighbours need them. */
function advertisedLinks({ interfaces, bgp }: RouterConfig): ReadonlyMap<string, Advertising> {
  const links = new Map<string, Advertising>();
  for (const { neighbors } of bgp) {
    for (const { peer } of neighbors) if (peer.kind === "interface") links.set(peer.device, UNNUMBERED);
  }
  for (const { name, advertisements } of interfaces) if (advertisements !== undefined) links.set(name, advertisements);
  return links;
}
