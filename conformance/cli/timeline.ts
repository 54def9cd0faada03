// Turns what a driver saw into the few lines that a person wants to read.
import { type EventObject, type KubeObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { readIp } from "../../impl/wire/ip.ts";
import { addressOf, bitsOf, contains, lengthOf, type Prefix, prefixFamily } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { ingressOf } from "../invariants/addresses.ts";
import { type Observation } from "../invariants/invariant.ts";
import { formatDuration } from "./output.ts";
import { NEAR } from "./outages.ts";
import { type ClientReport } from "./prober.ts";

export interface Entry {
  readonly at: Micros;
  readonly kind: "address" | "owner" | "session" | "bfd" | "route" | "fault" | "event" | "client";
  readonly text: string;
}

const asEvent = (object: KubeObject): EventObject | undefined =>
  object.kind === "Event" ? (object as EventObject) : undefined;

/** Sessions are followed by what speakers tell of them, whether or not an event reaches the API server. */
const isOfSession = ({ involvedObject, reason }: EventObject): boolean =>
  involvedObject.kind === "BGPPeer" && reason.startsWith("Session");

export class Timeline {
  readonly #entries: Entry[] = [];
  /** By address, in the order in which addresses were first claimed. */
  readonly #owners = new Map<string, string>();
  readonly #users = new Map<string, Set<string>>();
  readonly #said = new Set<string>();
  #services = 0;

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** In order of time. */
  get entries(): readonly Entry[] {
    return this.#entries.toSorted((a, b) => a.at - b.at);
  }

  /** How often Services have changed. */
  get serviceChanges(): number {
    return this.#services;
  }

  observe(observation: Observation, at: Micros): void {
    if (observation.kind === "claim") this.#claim(observation.claim.ip, observation.node, observation.link, at);
    if (observation.kind !== "object" || observation.deleted) return;
    const { object, previous } = observation;
    if (object.kind === "Service") this.#service(object as Service, previous as Service | undefined, at);
    const event = asEvent(object);
    if (event?.type === "Warning" && !isOfSession(event)) this.#warning(event, at);
  }

  /** Services that have an address in a prefix. */
  usersWithin(prefix: Prefix): readonly string[] {
    const isHost = lengthOf(prefix) === bitsOf(prefixFamily(prefix));
    if (isHost) return [...(this.#users.get(addressOf(prefix)) ?? [])];
    const within = [...this.#users].filter(([text]) => {
      const ip = readIp(text);
      return ip !== undefined && contains(prefix, ip);
    });
    return [...new Set(within.flatMap(([, users]) => [...users]))];
  }

  /** The node that claimed an address last. */
  ownerOf(ip: string): string | undefined {
    return this.#owners.get(ip);
  }

  /** The node that claimed the first address last. */
  get firstOwner(): string | undefined {
    return [...this.#owners.values()][0];
  }

  #service(service: Service, previous: Service | undefined, at: Micros): void {
    this.#services += 1;
    const before = ingressOf(previous);
    const after = ingressOf(service);
    if (before.join() === after.join()) return;
    const key = objectKey(service);
    for (const ip of before) this.#users.get(ip)?.delete(key);
    for (const ip of after) this.#users.set(ip, (this.#users.get(ip) ?? new Set()).add(key));
    const text =
      after.length === 0
        ? `${key} loses ${before.join(" and ")}`
        : `${key} gets ${after.join(" and ")}${before.length === 0 ? "" : ` instead of ${before.join(" and ")}`}`;
    this.add({ at, kind: "address", text });
  }

  #usersOf(ip: string): string {
    const users = [...(this.#users.get(ip) ?? [])];
    return users.length === 0 ? "no Service" : users.join(", ");
  }

  #claim(ip: string, node: string, link: string, at: Micros): void {
    const before = this.#owners.get(ip);
    if (before === node) return;
    this.#owners.set(ip, node);
    const moved = before === undefined ? `is announced by ${node}` : `moves from ${before} to ${node}`;
    this.add({ at, kind: "owner", text: `${ip} (${this.#usersOf(ip)}) ${moved} on ${link}` });
  }

  #warning(event: EventObject, at: Micros): void {
    const { kind, name, namespace } = event.involvedObject;
    const text = `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}: ${event.message}`;
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.add({ at, kind: "event", text });
  }

  /** What clients lived through; `end` is when they stopped. */
  addClients(reports: readonly ClientReport[], end: Micros): void {
    for (const { client, vip, service, since, outages, every } of reports) {
      const who = `${client}: ${vip} (${service})`;
      if (since !== undefined) this.add({ at: since, kind: "client", text: `${who} answers` });
      for (const { from, to, missed, total } of outages) {
        const requests = Math.max(missed, Math.round((to - from) / every));
        this.add({
          at: from,
          kind: "client",
          text: `${who} ${total ? "is silent" : "leaves some requests unanswered"}`,
        });
        // What reaches to the end of the run is not known to be over.
        if (to > end - (total ? 2 * every : NEAR)) continue;
        const length = formatDuration(to - from);
        const text = total
          ? `answers again, after ${length}`
          : `answers all again: ${missed} of ${requests} were lost in ${length}`;
        this.add({ at: to, kind: "client", text: `${who} ${text}` });
      }
    }
  }
}
