// What became of every Service, and why where it is not well.
import { type EventObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { familyOf, readIp } from "../../impl/wire/ip.ts";
import { ingressOf } from "../invariants/addresses.ts";
import { type World } from "../world.ts";
import { type BgpReport, type BgpStanding, standingOf } from "./bgp/witness.ts";
import { type ClientReport } from "./prober.ts";
import { loadBalancers } from "./services.ts";
import { type Timeline } from "./timeline.ts";

export interface Verdict {
  readonly service: string;
  readonly addresses: readonly string[];
  /** Who answers when a client asks who has the addresses. */
  readonly owners: readonly string[];
  /** Who announces it by BGP, to which BGPPeers; none where there are no peers. */
  readonly routed: readonly { readonly peer: string; readonly nodes: readonly string[] }[];
  /** Why it has no address or no owner, or why nobody is served; undefined where it is well. */
  readonly because: string | undefined;
}

/** Asking takes simulated time, so beyond this many addresses those who claimed them last are taken for their owners. */
const MOST_ASKED = 24;

/** The newest warning about a Service, which says why it has no address or owner. */
async function warningAbout(world: World, service: string): Promise<string | undefined> {
  const events: readonly EventObject[] = await world.kubernetes.events("Service", service);
  return events.filter(({ type }) => type === "Warning").at(-1)?.message;
}

class Owners {
  readonly #world: World;
  readonly #timeline: Timeline;
  readonly #known = new Map<string, readonly string[]>();

  constructor(world: World, timeline: Timeline) {
    this.#world = world;
    this.#timeline = timeline;
  }

  async of(ip: string): Promise<readonly string[]> {
    const known = this.#known.get(ip) ?? (await this.#find(ip));
    this.#known.set(ip, known);
    return known;
  }

  async #find(ip: string): Promise<readonly string[]> {
    const vip = readIp(ip);
    if (vip === undefined) return [];
    const claimed = this.#timeline.ownerOf(ip);
    if (this.#known.size >= MOST_ASKED || this.#world.clients.length === 0)
      return claimed === undefined ? [] : [claimed];
    const found = new Set<string>();
    for (const client of this.#world.clients.slice(0, 3)) {
      for (const { node, mac } of await this.#world.client(client).whoHas(vip))
        found.add(node ?? `a stranger (${mac})`);
    }
    return [...found].toSorted();
  }
}

const listed = (addresses: readonly string[]): string => addresses.join(" and ");

function unserved(addresses: readonly string[], reports: readonly ClientReport[]): readonly string[] {
  return addresses.filter((ip) => {
    const tried = reports.filter(({ vip }) => vip === ip);
    return tried.length > 0 && tried.every(({ since }) => since === undefined);
  });
}

/** Without a client that speaks its family nobody can say who answers for an address. */
function askable(ip: string, reports: readonly ClientReport[]): boolean {
  const vip = readIp(ip);
  return vip !== undefined && reports.some((report) => familyOf(report.vip) === familyOf(vip));
}

export interface Evidence {
  readonly timeline: Timeline;
  readonly reports: readonly ClientReport[];
  readonly refused: readonly string[];
  /** Undefined: there are no BGPPeers. */
  readonly bgp: BgpReport | undefined;
}

/** How an address of a Service is found, and by whom. */
interface Standing {
  readonly addresses: readonly string[];
  readonly owners: ReadonlyMap<string, readonly string[]>;
  readonly bgp: BgpStanding;
}

async function reasonOf(
  world: World,
  service: Service,
  found: Standing,
  evidence: Evidence,
): Promise<string | undefined> {
  const key = objectKey(service);
  const { addresses, owners, bgp } = found;
  const { reports, refused } = evidence;
  if (addresses.length === 0) return (await warningAbout(world, key)) ?? reasonOfNone(service, refused);
  const countOf = (ip: string): number => (owners.get(ip) ?? []).length;
  const ownerless = bgp.announced ? [] : addresses.filter((ip) => countOf(ip) === 0 && askable(ip, reports));
  if (ownerless.length > 0) {
    return bgp.because ?? (await warningAbout(world, key)) ?? `nobody answers for ${listed(ownerless)}`;
  }
  const contested = addresses.filter((ip) => countOf(ip) > 1);
  if (contested.length > 0) return `several nodes answer for ${listed(contested)}`;
  if (bgp.announced && bgp.because !== undefined && addresses.every((ip) => countOf(ip) === 0)) return bgp.because;
  const own = reports.filter((report) => report.service === key);
  const silent = unserved(addresses, own);
  return silent.length > 0 ? `announced, and no client ever got an answer from ${listed(silent)}` : undefined;
}

/** Nobody has to be asked who has an address where nothing tells a LAN that somebody has. */
async function hasLayer2(world: World): Promise<boolean> {
  return (await world.kubernetes.list("L2Advertisement")).length > 0;
}

export async function judge(world: World, evidence: Evidence): Promise<readonly Verdict[]> {
  const { timeline, bgp } = evidence;
  const owners = new Owners(world, timeline);
  const ask = bgp === undefined || (await hasLayer2(world));
  const verdicts: Verdict[] = [];
  for (const service of await loadBalancers(world)) {
    const addresses = ingressOf(service);
    const found = new Map<string, readonly string[]>();
    if (ask) for (const ip of addresses) found.set(ip, await owners.of(ip));
    const standing = bgp === undefined ? { announced: false, because: undefined } : standingOf(service, bgp);
    const because = await reasonOf(world, service, { addresses, owners: found, bgp: standing }, evidence);
    const all = [...new Set(addresses.flatMap((ip) => found.get(ip) ?? []))];
    verdicts.push({ service: objectKey(service), addresses, owners: all, routed: routedBy(service, bgp), because });
  }
  return verdicts;
}

function routedBy(service: Service, bgp: BgpReport | undefined): Verdict["routed"] {
  const peers = new Map<string, string[]>();
  for (const { service: key, peer, node, told } of bgp?.announcements ?? []) {
    if (key === objectKey(service) && told.length > 0) peers.set(peer, [...(peers.get(peer) ?? []), node]);
  }
  return [...peers].map(([peer, nodes]) => ({ peer, nodes }));
}

function reasonOfNone({ spec }: Service, refused: readonly string[]): string {
  const { loadBalancerClass } = spec;
  if (loadBalancerClass !== undefined) {
    return `its loadBalancerClass "${loadBalancerClass}" leaves it to another load balancer`;
  }
  return refused.length > 0 ? "part of the configuration was refused" : "no controller has looked at it yet";
}
