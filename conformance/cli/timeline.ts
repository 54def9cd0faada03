// Turns what a driver saw into the few lines that a person wants to read.
import { type EventObject, type KubeObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { inMillis, inSeconds, type Micros } from "../../impl/wire/time.ts";
import { ingressOf } from "../invariants/addresses.ts";
import { type Observation } from "../invariants/invariant.ts";
import { paint } from "./output.ts";

export interface Entry {
  readonly at: Micros;
  readonly kind: "address" | "owner" | "fault" | "event" | "outage";
  readonly text: string;
}

const asEvent = (object: KubeObject): EventObject | undefined =>
  object.kind === "Event" ? (object as EventObject) : undefined;

export class Timeline {
  readonly entries: Entry[] = [];
  readonly #onEntry: (entry: Entry) => void;
  readonly #owners = new Map<string, string>();
  readonly #users = new Map<string, string>();
  readonly #said = new Set<string>();

  constructor(onEntry: (entry: Entry) => void = () => {}) {
    this.#onEntry = onEntry;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    this.#onEntry(entry);
  }

  observe(observation: Observation, at: Micros): void {
    if (observation.kind === "claim") this.#claim(observation.claim.ip, observation.node, observation.link, at);
    if (observation.kind !== "object" || observation.deleted) return;
    const { object, previous } = observation;
    if (object.kind === "Service") this.#service(object as Service, previous as Service | undefined, at);
    const event = asEvent(object);
    if (event?.type === "Warning") this.#warning(event, at);
  }

  /** The node that claimed an address last. */
  ownerOf(ip: string): string | undefined {
    return this.#owners.get(ip);
  }

  #service(service: Service, previous: Service | undefined, at: Micros): void {
    const before = ingressOf(previous);
    const after = ingressOf(service);
    if (before.join() === after.join()) return;
    const key = objectKey(service);
    for (const ip of after) this.#users.set(ip, key);
    const text =
      after.length === 0
        ? `${key} loses ${before.join(" and ")}`
        : `${key} gets ${after.join(" and ")}${before.length === 0 ? "" : ` instead of ${before.join(" and ")}`}`;
    this.add({ at, kind: "address", text });
  }

  #claim(ip: string, node: string, link: string, at: Micros): void {
    const before = this.#owners.get(ip);
    if (before === node) return;
    this.#owners.set(ip, node);
    const moved = before === undefined ? `is announced by ${node}` : `moves from ${before} to ${node}`;
    this.add({ at, kind: "owner", text: `${ip} (${this.#users.get(ip) ?? "?"}) ${moved} on ${link}` });
  }

  #warning(event: EventObject, at: Micros): void {
    const { kind, name, namespace } = event.involvedObject;
    const text = `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}: ${event.message}`;
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.add({ at, kind: "event", text });
  }
}

const COLOURS = { address: "green", owner: "cyan", fault: "red", event: "yellow", outage: "magenta" } as const;

/** ` 10.000 s  fault    node k8s-worker lost power`. */
export function formatEntry({ at, kind, text }: Entry): string {
  return `${inSeconds(at).toFixed(3).padStart(9)} s  ${paint(COLOURS[kind], kind.padEnd(8))} ${text}`;
}

export const formatOutage = (time: Micros): string =>
  time >= 1e6 ? `${inSeconds(time).toFixed(2)} s` : `${inMillis(time).toFixed(0)} ms`;
