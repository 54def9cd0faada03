// Watches BGP in a simulated world while it runs, and tells what became of it.
import { objectKey, type KubeObject, type Service } from "../../../impl/api/kubernetes.ts";
import { type Ip, readIp } from "../../../impl/wire/ip.ts";
import { type Micros, millis } from "../../../impl/wire/time.ts";
import { type Simulation } from "../../drivers/sim/driver.ts";
import { ingressOf } from "../../invariants/addresses.ts";
import { type Topology } from "../../topology/model.ts";
import { type NodeView, viewOf } from "../show/node-view.ts";
import { loadBalancers } from "../services.ts";
import { type Timeline } from "../timeline.ts";
import { type Announcement, announcementsOf, silenceOf } from "./announcements.ts";
import { type FlowForecast, forecastFlows } from "./forecast.ts";
import { type RouteChange, RouteWatch } from "./route-watch.ts";
import { type RouterRoute, routesOf } from "./routes.ts";
import { SessionWatch } from "./session-watch.ts";

/** What there is to say of BGP when a simulation ends. */
export interface BgpReport {
  /** Those whose speakers run. */
  readonly nodes: readonly NodeView[];
  /** The others. */
  readonly silent: readonly string[];
  readonly announcements: readonly Announcement[];
  readonly routes: readonly RouterRoute[];
  /** Of the routes as they were before the first fault, else in the end. */
  readonly forecasts: readonly FlowForecast[];
}

/** How often sessions and routes are looked at … */
const OFTEN: Micros = millis(10);
/** … and how often where there are so many of them that looking would be what takes the time. */
const SELDOM: Micros = millis(100);
const MANY = 200;

export class BgpWitness {
  readonly #run: Simulation;
  readonly #topology: Topology;
  readonly #sessions: SessionWatch;
  readonly #routes: RouteWatch;
  readonly #peers: readonly KubeObject[];
  /** How long until the next look. */
  readonly step: Micros;
  #undisturbed: readonly FlowForecast[] | undefined;

  /** `objects` are those of the manifests. */
  constructor(run: Simulation, topology: Topology, timeline: Timeline, objects: readonly KubeObject[]) {
    this.#run = run;
    this.#topology = topology;
    this.#sessions = new SessionWatch(timeline);
    this.#routes = new RouteWatch(run.world, timeline, (ip) => this.#nameOf(ip));
    this.#peers = objects.filter(({ kind, apiVersion }) => kind === "BGPPeer" && apiVersion.startsWith("metallb.io/"));
    const services = objects.filter(({ kind }) => kind === "Service").length;
    const work = services * Math.max(1, topology.nodes.length * this.#peers.length);
    this.step = this.active && work <= MANY ? OFTEN : SELDOM;
  }

  /** Without a BGPPeer there is nothing to see. */
  get active(): boolean {
    return this.#peers.length > 0;
  }

  get changes(): readonly RouteChange[] {
    return this.#routes.changes;
  }

  /** A node that routers send to; undefined: none. */
  get firstWay(): string | undefined {
    const way = this.#routes.firstWay;
    return way !== undefined && this.#topology.nodes.includes(way) ? way : undefined;
  }

  async look(): Promise<void> {
    if (!this.active) return;
    const at = this.#run.world.now();
    for (const node of this.#topology.nodes) this.#sessions.look(node, this.view(node), at);
    await this.#routes.look(at);
  }

  /** Call it before each fault. */
  async foresee(): Promise<void> {
    if (!this.active || this.#undisturbed !== undefined) return;
    const vips = vipsOf(await loadBalancers(this.#run.world));
    this.#undisturbed = forecastFlows(await this.#routesTo(vips), vips);
  }

  /** Undefined while a node has no speaker. */
  view(node: string): NodeView | undefined {
    const speaker = this.#run.speaker(node);
    return speaker === undefined ? undefined : viewOf(node, speaker.process, speaker.now);
  }

  /** Undefined where BGP is not asked for. */
  async report(): Promise<BgpReport | undefined> {
    if (!this.active) return undefined;
    const services = await loadBalancers(this.#run.world);
    const { nodes } = this.#topology;
    const views = new Map(nodes.map((node) => [node, this.view(node)]));
    const announcements = announcementsOf({
      nodes,
      viewOf: (node) => views.get(node),
      services,
      // Those that the API server took.
      peers: await this.#run.world.kubernetes.list("BGPPeer"),
    });
    const vips = vipsOf(services);
    const routes = await this.#routesTo(vips);
    return {
      nodes: [...views.values()].flatMap((view) => view ?? []),
      silent: nodes.filter((node) => views.get(node) === undefined),
      announcements,
      routes,
      forecasts: this.#undisturbed ?? forecastFlows(routes, vips),
    };
  }

  #routesTo(vips: readonly Ip[]): Promise<readonly RouterRoute[]> {
    return routesOf(this.#run.world, vips, (ip) => this.#nameOf(ip));
  }

  #nameOf(ip: Ip): string {
    const owner = this.#topology.stations.find(({ interfaces }) =>
      interfaces.some(({ addresses }) => addresses.some((address) => address.ip === ip)),
    );
    return owner?.name ?? ip;
  }
}

const vipsOf = (services: readonly Service[]): readonly Ip[] =>
  services.flatMap((service) => ingressOf(service).flatMap((text) => readIp(text) ?? []));

/** How BGP serves one Service. */
export interface BgpStanding {
  readonly announced: boolean;
  /** Why it is not, or why it is of no use; undefined where all is well or BGP is not asked for. */
  readonly because: string | undefined;
}

export function standingOf(service: Service, { announcements, routes }: BgpReport): BgpStanding {
  const own = announcements.filter((each) => each.service === objectKey(service));
  const told = own.flatMap((each) => each.told);
  if (told.length === 0) return { announced: false, because: silenceOf(own) };
  const prefixes = new Set(told.map(({ prefix }) => prefix));
  const unused = [...prefixes].filter(
    (prefix) => !routes.some((each) => each.prefix === prefix && each.nextHops.length > 0),
  );
  if (unused.length < prefixes.size) return { announced: true, because: undefined };
  return { announced: true, because: `announced, and no router forwards by ${unused.join(" or ")}` };
}
