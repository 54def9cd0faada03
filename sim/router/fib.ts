// What zebra does: of several daemons' routes to a prefix the one of the least distance goes into the kernel's table.
import { compareIp, type Ip } from "../../impl/wire/ip.ts";
import { type Prefix } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { Alarm, type Daemon } from "./daemon.ts";
import { type Way } from "./next-hops.ts";

/** FRR's administrative distances; static routes have their own. */
export const DISTANCES = { ebgp: 20, ibgp: 200 } as const;

export interface Candidate {
  /** None: there is no route. */
  readonly ways: readonly Way[];
  readonly distance: number;
}

/** Who offers a route. */
export type FibSource = "static" | "bgp";

/** The routes of one VRF that the kernel was given, and those that wait for it. */
export class Fib {
  readonly #daemon: Daemon;
  readonly #vrf: string | undefined;
  readonly #delay: Micros;
  readonly #candidates: Readonly<Record<FibSource, Map<Prefix, Candidate>>> = { static: new Map(), bgp: new Map() };
  readonly #installed = new Map<Prefix, string>();
  readonly #waiting = new Map<Prefix, Candidate>();
  readonly #queue: Alarm;
  readonly #changed: () => void;

  /** What BGP offers waits for `delay`; `changed` is called after the kernel's table changed. */
  constructor(daemon: Daemon, vrf: string | undefined, delay: Micros, changed: () => void) {
    this.#daemon = daemon;
    this.#vrf = vrf;
    this.#delay = delay;
    this.#changed = changed;
    this.#queue = new Alarm(daemon, () => this.#work());
  }

  set(source: FibSource, prefix: Prefix, candidate: Candidate): void {
    if (source === "static" || this.#delay === 0) {
      if (this.#offer(source, prefix, candidate)) this.#changed();
      return;
    }
    this.#waiting.set(prefix, candidate);
    if (!this.#queue.isSet) this.#queue.set(this.#delay);
  }

  #work(): void {
    let changed = false;
    for (const [prefix, candidate] of this.#waiting) changed = this.#offer("bgp", prefix, candidate) || changed;
    this.#waiting.clear();
    if (changed) this.#changed();
  }

  /** True where the kernel's table is another now. */
  #offer(source: FibSource, prefix: Prefix, candidate: Candidate): boolean {
    if (candidate.ways.length === 0) this.#candidates[source].delete(prefix);
    else this.#candidates[source].set(prefix, candidate);
    const { static: fixed, bgp } = this.#candidates;
    const [best] = [fixed.get(prefix), bgp.get(prefix)]
      .filter((each) => each !== undefined)
      .toSorted((one, other) => one.distance - other.distance);
    return this.#install(prefix, distinct(best?.ways ?? []));
  }

  #install(prefix: Prefix, ways: readonly Way[]): boolean {
    const { host } = this.#daemon;
    const text = ways.map(({ via, device }) => `${via ?? ""}%${device}`).join();
    if (text === (this.#installed.get(prefix) ?? "")) return false;
    host.trace("fib", `${prefix}${this.#vrf === undefined ? "" : ` vrf=${this.#vrf}`} ${text === "" ? "gone" : text}`);
    if (ways.length === 0) {
      this.#installed.delete(prefix);
      host.removeRoute(prefix, undefined, this.#vrf);
    } else {
      this.#installed.set(prefix, text);
      const nextHops = ways.map(({ via, device }) => (via === undefined ? { device } : { via, device }));
      host.setRoute(prefix, { nextHops, vrf: this.#vrf });
    }
    return true;
  }
}

/** Each way once, in the order of zebra's next hop groups: by address, then by device. */
function distinct(ways: readonly Way[]): readonly Way[] {
  const byName = new Map(ways.map((way) => [`${way.via ?? ""}%${way.device}`, way]));
  return [...byName.values()].toSorted(
    (one, other) => compareVia(one.via, other.via) || (one.device < other.device ? -1 : 1),
  );
}

function compareVia(one: Ip | undefined, other: Ip | undefined): number {
  if (one === undefined || other === undefined) return Number(other === undefined) - Number(one === undefined);
  return compareIp(one, other);
}
