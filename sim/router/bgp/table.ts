// What one VRF knows by BGP: paths, the choice between them, and what of it the kernel forwards by.
import { type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { isLinkLocal } from "../../../impl/wire/ip.ts";
import { DISTANCES, type Fib } from "../fib.ts";
import { type NextHops, type Resolution } from "../next-hops.ts";
import { type BgpConfig } from "../config/model.ts";
import { type DecisionContext } from "./decision.ts";
import { type Choice, LocRib } from "./loc-rib.ts";
import { isLocalPath, type Path } from "./path.ts";

export interface TableOwner {
  readonly nextHops: NextHops;
  readonly fib: Fib;
  config(): BgpConfig;
  /** The kernel has a route to the prefix that no daemon replaces. */
  isTaken(prefix: Prefix): boolean;
  changed(choice: Choice): void;
  trace(what: string, detail: string): void;
}

export class BgpTable {
  readonly #owner: TableOwner;
  readonly #rib = new LocRib();

  constructor(owner: TableOwner) {
    this.#owner = owner;
  }

  set(path: Path): void {
    this.#rib.set(path);
    this.#decide(path.prefix);
  }

  remove(prefix: Prefix, source: string): void {
    if (this.#rib.remove(prefix, source)) this.#decide(prefix);
  }

  find(prefix: Prefix, source: string): Path | undefined {
    return this.#rib.find(prefix, source);
  }

  choice(prefix: Prefix): Choice | undefined {
    return this.#rib.choice(prefix);
  }

  prefixes(): Iterable<Prefix> {
    return this.#rib.prefixes();
  }

  paths(): Iterable<readonly [Path, Choice]> {
    return this.#rib.paths();
  }

  /** Links, routes or settings have changed: every choice may be another, and so may its ways. */
  reconsider(): void {
    for (const prefix of this.#rib.prefixes()) {
      this.#decide(prefix);
      const choice = this.#rib.choice(prefix);
      if (choice !== undefined) this.#install(choice);
    }
  }

  #decide(prefix: Prefix): void {
    const choice = this.#rib.decide(prefix, this.#context(prefix));
    if (choice === undefined) return;
    const { best, multipath } = choice;
    const names = multipath.map(({ source, nextHop }) => `${source.key}(${nextHop})`).join();
    this.#owner.trace("rib", `${prefix} ${best === undefined ? "no path" : names}`);
    this.#install(choice);
    this.#owner.changed(choice);
  }

  #context(prefix: Prefix): DecisionContext {
    const { bestPath, families } = this.#owner.config();
    return {
      config: bestPath,
      maximumPaths: families[prefixFamily(prefix)].maximumPaths,
      metric: (path) => (isLocalPath(path) ? 0 : this.#resolve(path)?.metric),
    };
  }

  #resolve(path: Path): Resolution | undefined {
    const { nextHop, linkLocal, source, prefersGlobal, prefix } = path;
    const { nextHops } = this.#owner;
    // RFC 2545 section 3: on a shared link the link-local address is the one to send to.
    const onLink = linkLocal ?? (isLinkLocal(nextHop) ? nextHop : undefined);
    if (onLink !== undefined && source.device !== undefined && !prefersGlobal) {
      return nextHops.resolve(onLink, source.device);
    }
    const resolution = nextHops.resolve(nextHop, source.device, prefix);
    return source.onLink && resolution?.onLink !== true ? undefined : resolution;
  }

  #install({ prefix, best, multipath }: Choice): void {
    const isOurs = best === undefined || isLocalPath(best) || this.#owner.isTaken(prefix);
    const ways = isOurs ? [] : multipath.flatMap((path) => this.#resolve(path)?.ways ?? []);
    const distance = best?.source.internal === true ? DISTANCES.ibgp : DISTANCES.ebgp;
    this.#owner.fib.set("bgp", prefix, { ways, distance });
  }
}
