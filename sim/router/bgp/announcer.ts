// What each neighbour of an instance is told, and what starts at the router itself.
import { type Announcement } from "../../../impl/wire/bgp/path-attributes.ts";
import { familyOf, type Ipv4 } from "../../../impl/wire/ip.ts";
import { parsePrefix, type Prefix, prefixFamily } from "../../../impl/wire/prefix.ts";
import { type BgpConfig, type RouterConfig } from "../config/model.ts";
import { type Daemon } from "../daemon.ts";
import { type NextHops } from "../next-hops.ts";
import { type Habits } from "../profile.ts";
import { type Neighbor } from "./neighbor.ts";
import { outboundText, policyText } from "./neighbor-change.ts";
import { localPath, originate } from "./origination.ts";
import { ownNextHop } from "./own-addresses.ts";
import { LOCAL, type Path } from "./path.ts";
import { judgeOutbound } from "./policy-out.ts";
import { type BgpTable } from "./table.ts";

const DEFAULT_ROUTES: readonly Prefix[] = [parsePrefix("0.0.0.0/0"), parsePrefix("::/0")];

export interface AnnouncerOwner {
  readonly daemon: Daemon;
  readonly habits: Habits;
  readonly table: BgpTable;
  readonly nextHops: NextHops;
  readonly config: BgpConfig;
  readonly lists: RouterConfig;
  readonly routerId: Ipv4;
  readonly isStatic: (prefix: Prefix) => boolean;
  neighbors(): readonly Neighbor[];
}

export class Announcer {
  readonly #owner: AnnouncerOwner;
  #originated: ReadonlyMap<Prefix, Path> = new Map();

  constructor(owner: AnnouncerOwner) {
    this.#owner = owner;
  }

  /** Everything that anybody may be told. */
  prefixes(): Iterable<Prefix> {
    return [...DEFAULT_ROUTES, ...this.#owner.table.prefixes()];
  }

  announcement(neighbor: Neighbor, prefix: Prefix): Announcement | undefined {
    const { agreement, socket, settings, identity } = neighbor;
    const best = this.#owner.table.choice(prefix)?.best ?? this.#defaultFor(neighbor, prefix);
    if (best === undefined || agreement === undefined || socket === undefined) return undefined;
    const { host } = this.#owner.daemon;
    const { nextHops, lists, config, habits, routerId } = this.#owner;
    const { ip } = socket.remote;
    const device = identity.device ?? socket.device ?? nextHops.linkTo(ip);
    return judgeOutbound(best, {
      lists,
      peer: ip,
      bgp: config,
      settings,
      agreement,
      routerId,
      neighbor: {
        key: identity.key,
        tellsBack: habits.tellsBack,
        hasCompany: () => this.#hasCompany(neighbor),
      },
      ownNextHop: (family) =>
        ownNextHop(host, family, { local: socket.local.ip, device, extendedNextHop: agreement.extendedNextHop }),
      sharesSubnet: (nextHop) =>
        device !== undefined && familyOf(nextHop) === familyOf(ip) && nextHops.linkTo(nextHop) === device,
    });
  }

  /** `default-originate`: told whether or not there is such a route. */
  #defaultFor({ settings }: Neighbor, prefix: Prefix): Path | undefined {
    const wanted =
      settings.families[prefixFamily(prefix)]?.defaultOriginate === true && DEFAULT_ROUTES.includes(prefix);
    return wanted ? localPath(prefix) : undefined;
  }

  /** FRR's update groups: neighbours of one kind with the same policy. */
  #hasCompany(neighbor: Neighbor): boolean {
    const { agreement } = neighbor;
    const policy = outboundText(neighbor.settings);
    return this.#owner
      .neighbors()
      .some(
        (each) =>
          each !== neighbor &&
          each.isEstablished &&
          each.agreement?.internal === agreement?.internal &&
          outboundText(each.settings) === policy,
      );
  }

  /** What starts here now goes into the table, and what does not any more leaves it. */
  originate(): void {
    const { daemon, table, config, lists, isStatic } = this.#owner;
    this.#replace(originate({ host: daemon.host, bgp: config, lists, isStatic }), table);
  }

  /** Nothing starts here any more. */
  stop(): void {
    this.#replace(new Map(), this.#owner.table);
  }

  #replace(now: ReadonlyMap<Prefix, Path>, table: BgpTable): void {
    for (const prefix of this.#originated.keys()) if (!now.has(prefix)) table.remove(prefix, LOCAL.key);
    for (const [prefix, path] of now) {
      if (policyText(path) !== policyText(this.#originated.get(prefix))) table.set(path);
    }
    this.#originated = now;
  }
}
