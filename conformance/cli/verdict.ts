// What became of every Service, and why where it is not well.
import { type EventObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { familyOf, readIp } from "../../impl/wire/ip.ts";
import { ingressOf } from "../invariants/addresses.ts";
import { type World } from "../world.ts";
import { type ClientReport } from "./prober.ts";
import { type Timeline } from "./timeline.ts";

export interface Verdict {
  readonly service: string;
  readonly addresses: readonly string[];
  /** Who answers when a client asks who has the addresses. */
  readonly owners: readonly string[];
  /** Why it has no address or no owner, or why nobody is served; undefined where it is well. */
  readonly because: string | undefined;
}

/** Asking takes simulated time, so beyond this many addresses those who claimed them last are taken for their owners. */
const MOST_ASKED = 24;

export async function loadBalancers(world: World): Promise<readonly Service[]> {
  const services = (await world.kubernetes.list("Service")) as readonly Service[];
  return services.filter(({ spec }) => spec.type === "LoadBalancer");
}

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

export async function judge(
  world: World,
  timeline: Timeline,
  reports: readonly ClientReport[],
  refused: readonly string[],
): Promise<readonly Verdict[]> {
  const owners = new Owners(world, timeline);
  const verdicts: Verdict[] = [];
  for (const service of await loadBalancers(world)) {
    const key = objectKey(service);
    const addresses = ingressOf(service);
    const found = new Map<string, readonly string[]>();
    for (const ip of addresses) found.set(ip, await owners.of(ip));
    const ownerless = addresses.filter((ip) => (found.get(ip) ?? []).length === 0 && askable(ip, reports));
    const contested = addresses.filter((ip) => (found.get(ip) ?? []).length > 1);
    const silent = unserved(
      addresses,
      reports.filter((report) => report.service === key),
    );
    let because: string | undefined;
    if (addresses.length === 0) because = (await warningAbout(world, key)) ?? reasonOfNone(service, refused);
    else if (ownerless.length > 0)
      because = (await warningAbout(world, key)) ?? `nobody answers for ${listed(ownerless)}`;
    else if (contested.length > 0) because = `several nodes answer for ${listed(contested)}`;
    else if (silent.length > 0) because = `announced, and no client ever got an answer from ${listed(silent)}`;
    const all = [...new Set(addresses.flatMap((ip) => found.get(ip) ?? []))];
    verdicts.push({ service: key, addresses, owners: all, because });
  }
  return verdicts;
}

function reasonOfNone({ spec }: Service, refused: readonly string[]): string {
  const { loadBalancerClass } = spec;
  if (loadBalancerClass !== undefined) {
    return `its loadBalancerClass "${loadBalancerClass}" leaves it to another load balancer`;
  }
  return refused.length > 0 ? "part of the configuration was refused" : "no controller has looked at it yet";
}
