// Clients that try every address from the moment that its Service has it.
import { objectKey, type Service, type ServicePort } from "../../impl/api/kubernetes.ts";
import { familyOf, type Ip, readIp } from "../../impl/wire/ip.ts";
import { contains, maskTo } from "../../impl/wire/prefix.ts";
import { micros, millis, type Micros } from "../../impl/wire/time.ts";
import { type Station, type Topology } from "../topology/model.ts";
import { type Probe, type ProbeReport, type World } from "../world.ts";
import { type Served, served } from "./outages.ts";

export interface ClientReport extends Pick<ProbeReport, "sent" | "ok" | "resets">, Served {
  readonly client: string;
  readonly service: string;
  readonly vip: Ip;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  readonly every: Micros;
}

interface Running {
  readonly about: Pick<ClientReport, "client" | "service" | "vip" | "port" | "protocol" | "every">;
  readonly started: Micros;
  readonly probe: Probe;
}

/** Requests per second of all clients together: beyond that they would be what takes the time. */
const MOST_REQUESTS = 1000;
const FASTEST: Micros = millis(10);

/** A port that clients know how to try. */
function portOf(service: Service): (ServicePort & { readonly protocol: "TCP" | "UDP" }) | undefined {
  for (const port of service.spec.ports ?? []) {
    const protocol = port.protocol ?? "TCP";
    if (protocol === "TCP" || protocol === "UDP") return { ...port, protocol };
  }
  return undefined;
}

function hasWay({ interfaces, routes }: Station, vip: Ip): boolean {
  const subnets = interfaces.flatMap(({ addresses }) => addresses.map(({ ip, length }) => maskTo(ip, length)));
  return [...subnets, ...routes.map(({ prefix }) => prefix)].some((prefix) => contains(prefix, vip));
}

export class Prober {
  readonly #world: World;
  readonly #topology: Topology;
  readonly #running = new Map<string, Running>();
  readonly #every: Micros;

  /** `addresses` is about how many there will be. */
  constructor(world: World, topology: Topology, addresses: number) {
    this.#world = world;
    this.#topology = topology;
    const probes = Math.max(1, addresses * topology.clients.length);
    this.#every = micros(Math.max(FASTEST, Math.ceil((probes / MOST_REQUESTS) * 100) * 10_000));
  }

  /** Starts probes at addresses that are new. */
  async follow(services: readonly Service[]): Promise<void> {
    for (const service of services) {
      const port = portOf(service);
      for (const { ip } of service.status?.loadBalancer?.ingress ?? []) {
        const vip = readIp(ip ?? "");
        if (vip === undefined || port === undefined) continue;
        for (const client of this.#clientsFor(vip)) await this.#start(client, service, vip, port.port, port.protocol);
      }
    }
  }

  async #start(client: string, service: Service, vip: Ip, port: number, protocol: "TCP" | "UDP"): Promise<void> {
    const id = `${client} ${objectKey(service)} ${vip}`;
    if (this.#running.has(id)) return;
    const started = this.#world.now();
    const probe = await this.#world.client(client).probe({ vip, port, protocol, every: this.#every });
    const about = { client, service: objectKey(service), vip, port, protocol, every: this.#every };
    this.#running.set(id, { about, started, probe });
  }

  /** Those with a way to an address; where nobody has one, all that speak its family, so that it shows. */
  #clientsFor(vip: Ip): readonly string[] {
    const { stations } = this.#topology;
    const speaking = stations.filter(
      ({ name, interfaces }) =>
        this.#world.clients.includes(name) &&
        interfaces.some(({ addresses }) => addresses.some(({ ip }) => familyOf(ip) === familyOf(vip))),
    );
    const able = speaking.filter((station) => hasWay(station, vip));
    return (able.length > 0 ? able : speaking).map(({ name }) => name);
  }

  async end(): Promise<readonly ClientReport[]> {
    const running = [...this.#running.values()];
    await Promise.all(running.map(({ probe }) => probe.end()));
    return Promise.all(
      running.map(async ({ about, started, probe }) => {
        const { sent, ok, resets, gaps } = await probe.report();
        return { ...about, sent, ok, resets, ...served(gaps, started, ok > 0) };
      }),
    );
  }
}
