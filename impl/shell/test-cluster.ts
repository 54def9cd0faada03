// A speaker process with an API server that lists what it holds, and the trace of what it does.
import { type KubeObject } from "../api/kubernetes.ts";
import { type Effect, type Input, type Instant, type KubeRequest, type Link, type Random } from "../ports.ts";
import { decodeArp, encodeArp } from "../wire/arp.ts";
import { decodeEthernet, encodeEthernet, ETHER_TYPES } from "../wire/ethernet.ts";
import { parseIpv4 } from "../wire/ip.ts";
import { BROADCAST, parseMac, ZERO_MAC } from "../wire/mac.ts";
import { parseInterfaceAddress } from "../wire/prefix.ts";
import { type Micros, micros, seconds } from "../wire/time.ts";
import { createSpeaker, type SpeakerOptions, type SpeakerProcess } from "./speaker-process.ts";

/** sha256sum puts n1 (1dd7…) before n2 (4ddd…). */
const VIP = "192.0.2.101";
export const MAC = parseMac("02:00:00:00:00:0a");

export type Item = KubeObject & Readonly<Record<string, unknown>>;

export const meta = (name: string, namespace?: string, more: object = {}) => ({
  name,
  uid: `uid-${name}`,
  resourceVersion: "1",
  ...(namespace === undefined ? {} : { namespace }),
  ...more,
});
export const inSystem = (name: string, more: object = {}) => meta(name, "metallb-system", more);

function objects(): Record<string, Item[]> {
  return {
    services: [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: meta("web", "default"),
        spec: { type: "LoadBalancer" },
        status: { loadBalancer: { ingress: [{ ip: VIP }] } },
      },
    ],
    endpointslices: [
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: meta("web-1", "default", { labels: { "kubernetes.io/service-name": "web" } }),
        addressType: "IPv4",
        endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true }, nodeName: "n1" }],
      },
    ],
    nodes: ["n1", "n2"].map((name) => ({ apiVersion: "v1", kind: "Node", metadata: meta(name), status: {} })),
    pods: [1, 2].map((index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: inSystem(`speaker-${index}`, { labels: { component: "speaker" } }),
      status: { podIP: `192.0.2.1${index}`, phase: "Running" },
    })),
    ipaddresspools: [
      {
        apiVersion: "metallb.io/v1beta1",
        kind: "IPAddressPool",
        metadata: inSystem("first"),
        spec: { addresses: ["192.0.2.96/28"] },
      },
    ],
    l2advertisements: [
      { apiVersion: "metallb.io/v1beta1", kind: "L2Advertisement", metadata: inSystem("all"), spec: {} },
    ],
  };
}

/** An API server that lists what it holds, watches in silence until told, and takes every write. */
export class Cluster {
  now: Micros = micros(0);
  readonly items = objects();
  readonly trace: string[] = [];
  readonly process: SpeakerProcess;
  readonly #watches = new Map<string, string>();
  readonly #inbox: Input[] = [];
  #version = 1;
  #busy = false;
  reachable = true;
  /** Takes part of what the process does off the trace. */
  network: (effect: Effect) => boolean = () => false;

  constructor(options: Partial<SpeakerOptions> = {}) {
    let seed = 1;
    const random: Random = { next: () => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647 };
    this.process = createSpeaker({
      nodeName: "n1",
      podName: "speaker-1",
      namespace: "metallb-system",
      lbClass: "",
      ignoreExcludeLb: false,
      excludeInterfaces: [],
      random,
      members: undefined,
      ...options,
    });
  }

  start(...addresses: readonly string[]): this {
    return this.links(...addresses).deliver({ kind: "started" });
  }

  /** The addresses of eth0. */
  links(...addresses: readonly string[]): this {
    const flags = { mtu: 1500, up: true, running: true, broadcast: true, noArp: false, master: undefined };
    const link: Link = {
      index: 1,
      name: "eth0",
      mac: MAC,
      addresses: addresses.map((text) => parseInterfaceAddress(text)),
      ...flags,
    };
    return this.deliver({ kind: "links", links: [link] });
  }

  deliver(input: Input): this {
    this.#inbox.push(input);
    if (this.#busy) return this;
    this.#busy = true;
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      const now: Instant = { monotonic: this.now, wall: micros(this.now + seconds(1_700_000_000)) };
      for (const effect of this.process.handle(next, now)) this.#run(effect);
    }
    this.#busy = false;
    return this;
  }

  wait(time: Micros): this {
    const until = micros(this.now + time);
    for (let at = this.process.deadline(); at !== undefined && at <= until; at = this.process.deadline()) {
      this.now = micros(Math.max(at, this.now));
      this.deliver({ kind: "wake" });
    }
    this.now = until;
    return this;
  }

  change(plural: string, type: "ADDED" | "MODIFIED" | "DELETED", object: Item): this {
    const version = String(++this.#version);
    const changed = { ...object, metadata: { ...object.metadata, resourceVersion: version } };
    const request = this.#watches.get(plural);
    if (request === undefined) throw new Error(`nobody watches ${plural}`);
    return this.deliver({ kind: "chunk", request, text: `${JSON.stringify({ type, object: changed })}\n` });
  }

  /** What an ordinary client on the segment asks. */
  ask(): this {
    const arp = {
      operation: "request",
      senderMac: parseMac("02:00:00:00:00:c1"),
      senderIp: parseIpv4("192.0.2.1"),
      targetMac: ZERO_MAC,
      targetIp: parseIpv4(VIP),
    } as const;
    const bytes = encodeEthernet({
      destination: BROADCAST,
      source: arp.senderMac,
      etherType: ETHER_TYPES.arp,
      payload: encodeArp(arp),
    });
    return this.deliver({ kind: "frame", link: "eth0", bytes });
  }

  take(): readonly string[] {
    return this.trace.splice(0);
  }

  #run(effect: Effect): void {
    if (this.network(effect)) return;
    switch (effect.kind) {
      case "request":
        return this.#answer(effect);
      case "sendFrame": {
        if (decodeEthernet(effect.bytes).etherType !== ETHER_TYPES.arp) return;
        const { operation, targetMac } = decodeArp(decodeEthernet(effect.bytes).payload);
        this.trace.push(`${effect.link} arp ${operation} ${targetMac}`);
        return;
      }
      case "log":
        if (effect.level !== "debug") this.trace.push(`${effect.event} ${Object.values(effect.fields).join(" ")}`);
        return;
      case "sendDatagram":
      case "abortRequest":
        return;
      default:
        this.trace.push(effect.kind);
    }
  }

  #answer(request: KubeRequest): void {
    if (!this.reachable) return;
    const [path = "", parameters = ""] = request.path.split("?");
    const plural = path.split("/").findLast((part) => part in this.items || PLURALS.has(part)) ?? "";
    const respond = (status: number, body: object | undefined): void => {
      this.#inbox.push({ kind: "response", request: request.request, status, headers: {} });
      if (body === undefined) return;
      this.#inbox.push({ kind: "chunk", request: request.request, text: JSON.stringify(body) });
      this.#inbox.push({ kind: "responseEnd", request: request.request });
    };
    if (request.method === "GET" && parameters.includes("watch=true")) {
      this.#watches.set(plural, request.request);
      respond(200, undefined);
    } else if (request.method === "GET") {
      respond(200, { metadata: { resourceVersion: "1" }, items: this.items[plural] ?? [] });
    } else {
      this.#write(request, path, plural, respond);
    }
  }

  #write(request: KubeRequest, path: string, plural: string, respond: (status: number, body: object) => void): void {
    const body = JSON.parse(request.body ?? "{}") as {
      metadata?: { name?: string; generateName?: string };
      status?: unknown;
      reason?: string;
      message?: string;
    };
    const what = body.reason === undefined ? JSON.stringify(body.status ?? "") : `${body.reason}: ${body.message}`;
    this.trace.push(`${request.method} ${path.slice(path.indexOf(plural))} ${what}`);
    const name =
      body.metadata?.name ??
      (body.metadata?.generateName === undefined
        ? path
            .replace(/\/status$/, "")
            .split("/")
            .at(-1)
        : `${body.metadata.generateName}abc`);
    const held = (this.items[plural] ??= []);
    const before = held.find((item) => item.metadata.name === name);
    const version = String(++this.#version);
    const metadata = { ...before?.metadata, ...body.metadata, name, uid: `uid-${name}`, resourceVersion: version };
    const after = (request.method === "DELETE" ? before : { ...before, ...body, metadata }) as unknown as Item;
    this.items[plural] = [...held.filter((item) => item !== before), ...(request.method === "DELETE" ? [] : [after])];
    respond(request.method === "POST" ? 201 : 200, after);
    const watch = this.#watches.get(plural);
    const type = request.method === "DELETE" ? "DELETED" : before === undefined ? "ADDED" : "MODIFIED";
    const text = `${JSON.stringify({ type, object: after })}\n`;
    if (watch !== undefined) this.#inbox.push({ kind: "chunk", request: watch, text });
  }
}

const PLURALS = new Set([
  "events",
  "secrets",
  "namespaces",
  "servicel2statuses",
  "servicebgpstatuses",
  "configurationstates",
  "bgppeers",
  "bgpadvertisements",
  "bfdprofiles",
  "communities",
]);
