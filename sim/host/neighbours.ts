// The neighbour table of one interface and family: entries in the states of nud.ts, the packets that wait for them, their
// timers, and the collection of those that nobody uses.
import { type Random } from "../../impl/ports.ts";
import { type Ip, ipToBytes, isIpv4 } from "../../impl/wire/ip.ts";
import { type Mac, macToBytes } from "../../impl/wire/mac.ts";
import { type Micros, minus, plus, seconds } from "../../impl/wire/time.ts";
import { type Scheduled } from "../world.ts";
import { type IpPacket } from "./hooks.ts";
import { type KernelTimers } from "./kernel-timers.ts";
import { drawReachable, type NeighbourParameters } from "./neighbour-parameters.ts";
import {
  isValid,
  type Learned,
  type Neighbour,
  type NudEvent,
  type NudParameters,
  step,
  timerOf,
  unknownNeighbour,
} from "./nud.ts";

/** Linux draws the reachable time anew every five minutes. */
const REDRAW = seconds(300);
/** What the kernel's accounting adds to a small packet. */
const PACKET_OVERHEAD = 704;
/** Forced collection spares what changed within so long. */
const RECENT = seconds(5);

/** How a table asks and sends, by ARP or by NDP. */
export interface NeighbourLink {
  /** `to` is undefined for a question to everyone. `first` is a packet that waits: its source is the best to ask from. */
  solicit(target: Ip, to: Mac | undefined, first: IpPacket | undefined): void;
  transmit(to: Uint8Array, bytes: Uint8Array): void;
  /** The neighbour did not answer: the packet is lost, and its sender may be told. */
  giveUp(packet: IpPacket): void;
  /** The neighbour has an address that it did not have, or it has failed. */
  changed(ip: Ip, neighbour: Neighbour): void;
}

interface Waiting {
  readonly bytes: Uint8Array;
  readonly packet: IpPacket;
}

interface Entry {
  neighbour: Neighbour;
  /** Of the address, kept for the frames. */
  macBytes: Uint8Array;
  timer: Scheduled | undefined;
  readonly waiting: Waiting[];
  waitingBytes: number;
}

const NO_MAC = new Uint8Array(6);

/** An IPv4 address in a packet as one number, to look it up without spelling it. */
export function ipv4Number(bytes: Uint8Array, offset = 0): number {
  const high = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
  return high * 2 ** 16 + (((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0));
}

export class NeighbourTable {
  #parameters: NudParameters;
  readonly #timers: KernelTimers;
  readonly #random: Random;
  readonly #link: NeighbourLink;
  readonly #entries = new Map<Ip, Entry>();
  /** The same entries, where they are of IPv4. */
  readonly #byNumber = new Map<number, Entry>();
  #redrawAt: Micros;
  #collectedAt = 0 as Micros;

  constructor(parameters: NeighbourParameters, timers: KernelTimers, random: Random, link: NeighbourLink) {
    this.#parameters = { ...parameters, reachable: drawReachable(parameters, random) };
    this.#timers = timers;
    this.#random = random;
    this.#link = link;
    this.#redrawAt = plus(timers.now, REDRAW);
  }

  get parameters(): NeighbourParameters {
    return this.#parameters;
  }

  /** Takes effect for what happens from now on, and draws a new reachable time where the base changed. */
  configure(change: Partial<NeighbourParameters>): void {
    const parameters = { ...this.#parameters, ...change };
    const drawn = parameters.baseReachable === this.#parameters.baseReachable;
    this.#parameters = { ...parameters, reachable: drawn ? parameters.reachable : this.#draw(parameters) };
  }

  #draw(parameters: NeighbourParameters): Micros {
    this.#redrawAt = plus(this.#timers.now, REDRAW);
    return drawReachable(parameters, this.#random);
  }

  get(ip: Ip): Neighbour | undefined {
    return this.#entries.get(ip)?.neighbour;
  }

  has(ip: Ip): boolean {
    return this.#entries.has(ip);
  }

  /** Whether a request that shows the address at `macOffset` would change what is known of its sender. */
  isNews(ipNumber: number, bytes: Uint8Array, macOffset: number): boolean {
    const entry = this.#byNumber.get(ipNumber);
    if (entry === undefined) return false;
    if (!isValid(entry.neighbour)) return true;
    for (let index = 0; index < 6; index++) if (entry.macBytes[index] !== bytes[macOffset + index]) return true;
    return false;
  }

  entries(): readonly (readonly [Ip, Neighbour])[] {
    return [...this.#entries].map(([ip, { neighbour }]) => [ip, neighbour]);
  }

  /** Sends `bytes`, an encoded IP packet, to `nextHop`: now, or when its address is known. */
  send(nextHop: Ip, bytes: Uint8Array, packet: IpPacket): void {
    const entry = this.#entries.get(nextHop) ?? this.#create(nextHop);
    if (entry === undefined) return this.#link.giveUp(packet);
    if (entry.neighbour.kind === "reachable") return this.#link.transmit(entry.macBytes, bytes);
    if (isValid(entry.neighbour)) {
      this.#step(nextHop, entry, { kind: "send" });
      return this.#link.transmit(entry.macBytes, bytes);
    }
    // The packet waits first: the question is asked from its source.
    this.#queue(entry, { bytes, packet });
    this.#step(nextHop, entry, { kind: "send" });
  }

  /** ARP or NDP says something about `ip`. `create` is for those who may add an entry. */
  learn(ip: Ip, learned: Omit<Learned, "kind">, create: boolean): void {
    const entry = this.#entries.get(ip) ?? (create ? this.#create(ip) : undefined);
    if (entry !== undefined) this.#step(ip, entry, { kind: "learned", ...learned });
  }

  /** Whether an entry may be overridden by a message that comes right after another (net/ipv4/arp.c, "arp trashing"). */
  isLocked(ip: Ip): boolean {
    const { lockTime } = this.#parameters;
    const entry = lockTime === 0 ? undefined : this.#entries.get(ip);
    return entry !== undefined && this.#timers.now <= entry.neighbour.updated + lockTime;
  }

  confirm(ip: Ip): void {
    const entry = this.#entries.get(ip);
    if (entry !== undefined) this.#step(ip, entry, { kind: "confirm" });
  }

  remove(ip: Ip): void {
    const entry = this.#entries.get(ip);
    if (entry === undefined) return;
    entry.timer?.cancel();
    this.#entries.delete(ip);
    if (isIpv4(ip)) this.#byNumber.delete(ipv4Number(ipToBytes(ip)));
  }

  /** The carrier went, or the kernel ended: everything learned is gone, and what waited with it. */
  flush(): void {
    for (const ip of this.#entries.keys()) this.remove(ip);
  }

  #create(ip: Ip): Entry | undefined {
    this.#collect();
    if (this.#entries.size >= this.#parameters.mostEntries) return undefined;
    const neighbour = unknownNeighbour(this.#parameters, this.#timers.now);
    const entry: Entry = { neighbour, macBytes: NO_MAC, timer: undefined, waiting: [], waitingBytes: 0 };
    this.#entries.set(ip, entry);
    if (isIpv4(ip)) this.#byNumber.set(ipv4Number(ipToBytes(ip)), entry);
    return entry;
  }

  #queue(entry: Entry, waiting: Waiting): void {
    entry.waiting.push(waiting);
    entry.waitingBytes += waiting.bytes.length + PACKET_OVERHEAD;
    while (entry.waitingBytes > this.#parameters.queueBytes) {
      const oldest = entry.waiting.shift();
      if (oldest === undefined) break;
      entry.waitingBytes -= oldest.bytes.length + PACKET_OVERHEAD;
    }
  }

  #step(ip: Ip, entry: Entry, event: NudEvent): void {
    const { now } = this.#timers;
    if (now >= this.#redrawAt) this.#parameters = { ...this.#parameters, reachable: this.#draw(this.#parameters) };
    const old = entry.neighbour;
    const { neighbour, solicit } = step(old, event, this.#parameters, now);
    entry.neighbour = neighbour;
    this.#setTimer(ip, entry, old);
    const moved = isValid(neighbour) && (!isValid(old) || old.mac !== neighbour.mac);
    if (moved) entry.macBytes = macToBytes(neighbour.mac);
    if (moved || (neighbour.kind === "failed" && old.kind !== "failed")) this.#link.changed(ip, neighbour);
    if (solicit !== undefined) this.#solicit(ip, entry, solicit);
    if (isValid(neighbour) && !isValid(old)) this.#sendWaiting(entry);
    if (neighbour.kind === "failed" && old.kind !== "failed") this.#giveUpWaiting(ip, entry);
  }

  #setTimer(ip: Ip, entry: Entry, old: Neighbour): void {
    const at = timerOf(entry.neighbour);
    if (at === timerOf(old) && (at === undefined || entry.timer !== undefined)) return;
    entry.timer?.cancel();
    entry.timer =
      at === undefined
        ? undefined
        : this.#timers.after(minus(at, this.#timers.now), () => {
            entry.timer = undefined;
            this.#step(ip, entry, { kind: "timer" });
          });
  }

  #solicit(ip: Ip, entry: Entry, how: "unicast" | "group"): void {
    const { neighbour } = entry;
    const to = how === "unicast" && isValid(neighbour) ? neighbour.mac : undefined;
    this.#link.solicit(ip, to, entry.waiting.at(-1)?.packet);
  }

  #sendWaiting(entry: Entry): void {
    for (const { bytes } of this.#takeWaiting(entry)) this.#link.transmit(entry.macBytes, bytes);
  }

  #giveUpWaiting(ip: Ip, entry: Entry): void {
    const waiting = this.#takeWaiting(entry);
    // A router forgets what timed out; Linux keeps the failure until the table is collected.
    if (this.#parameters.ageing.kind === "timeout") this.remove(ip);
    for (const { packet } of waiting) this.#link.giveUp(packet);
  }

  #takeWaiting(entry: Entry): readonly Waiting[] {
    entry.waitingBytes = 0;
    return entry.waiting.splice(0);
  }

  /** Linux collects what is stale for long, if the table has grown; and at its limit, whatever is not fresh. */
  #collect(): void {
    const { now } = this.#timers;
    const { collectAbove, mostEntries, baseReachable, staleCollect } = this.#parameters;
    const size = this.#entries.size;
    if (size >= mostEntries) {
      this.#removeWhere(({ kind, updated }) => kind === "failed" || now > updated + RECENT);
    } else if (size >= collectAbove && now >= this.#collectedAt + baseReachable / 2) {
      this.#removeWhere(
        ({ kind, used, confirmed }) => kind === "failed" || now >= Math.max(used, confirmed) + staleCollect,
      );
      this.#collectedAt = now;
    }
  }

  #removeWhere(unwanted: (neighbour: Neighbour) => boolean): void {
    for (const [ip, { neighbour }] of this.#entries) {
      if (timerOf(neighbour) === undefined && unwanted(neighbour)) this.remove(ip);
    }
  }
}
