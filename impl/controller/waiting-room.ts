import { type Release } from "./allocator.ts";
import { type Claim } from "./claim.ts";

/** What a waiting Service waits for: these very addresses, or any of a pool. */
export type Topic = `ip ${string}` | `pool ${"ipv4" | "ipv6"} ${string}`;

/** Services that ask for exactly the same: what one of them cannot get, none of them can. */
export class Queue {
  readonly signature: string;
  readonly topics: readonly Topic[];
  /** Those that miss only their second family come before those that have nothing. */
  readonly holdsOne: boolean;
  /** Of one member; they only differ in names. */
  readonly claim: Claim;
  readonly #members: string[] = [];

  constructor(signature: string, topics: readonly Topic[], holdsOne: boolean, claim: Claim) {
    this.signature = signature;
    this.topics = topics;
    this.holdsOne = holdsOne;
    this.claim = claim;
  }

  get first(): string | undefined {
    return this.#members[0];
  }

  add(service: string): void {
    const index = this.#indexOf(service);
    if (this.#members[index] !== service) this.#members.splice(index, 0, service);
  }

  delete(service: string): void {
    const index = this.#indexOf(service);
    if (this.#members[index] === service) this.#members.splice(index, 1);
  }

  #indexOf(service: string): number {
    let low = 0;
    let high = this.#members.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#members[middle] ?? "") < service) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The Services that want an address which is not there, so that a release looks only at those it concerns. */
export class WaitingRoom {
  readonly #queues = new Map<string, Queue>();
  readonly #byTopic = new Map<Topic, Set<Queue>>();
  readonly #queueOf = new Map<string, Queue>();

  enter(claim: Claim, topics: readonly Topic[], holdsOne: boolean, wish: string): void {
    // Ports only matter to those who would share.
    const ports = claim.sharing === "" ? [] : claim.ports;
    const signature = JSON.stringify([topics, holdsOne, wish, claim.sharing, claim.backend, ports]);
    let queue = this.#queues.get(signature);
    if (queue === undefined) {
      queue = new Queue(signature, topics, holdsOne, claim);
      this.#queues.set(signature, queue);
      for (const topic of topics) {
        const interested = this.#byTopic.get(topic);
        if (interested === undefined) this.#byTopic.set(topic, new Set([queue]));
        else interested.add(queue);
      }
    }
    queue.add(claim.service);
    this.#queueOf.set(claim.service, queue);
  }

  leave(service: string): void {
    const queue = this.#queueOf.get(service);
    if (queue === undefined) return;
    this.#queueOf.delete(service);
    queue.delete(service);
    if (queue.first !== undefined) return;
    this.#queues.delete(queue.signature);
    for (const topic of queue.topics) {
      const interested = this.#byTopic.get(topic);
      interested?.delete(queue);
      if (interested?.size === 0) this.#byTopic.delete(topic);
    }
  }

  waits(service: string): boolean {
    return this.#queueOf.has(service);
  }

  /** The queues that a release concerns, with the releases that concern each. */
  concerned(releases: readonly Release[]): Map<Queue, Release[]> {
    const concerned = new Map<Queue, Release[]>();
    for (const release of releases) {
      const topics: Topic[] = [`ip ${release.address.ip}`, `pool ${release.family} ${release.pool}`];
      for (const queue of topics.flatMap((topic) => [...(this.#byTopic.get(topic) ?? [])])) {
        const found = concerned.get(queue);
        if (found === undefined) concerned.set(queue, [release]);
        else found.push(release);
      }
    }
    return concerned;
  }
}

/** Order of service between the heads of two queues. */
export function compareQueues(a: Queue, b: Queue): number {
  if (a.holdsOne !== b.holdsOne) return a.holdsOne ? -1 : 1;
  return (a.first ?? "") < (b.first ?? "") ? -1 : 1;
}
