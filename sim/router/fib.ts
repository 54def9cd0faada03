import { compareIp, type Ip } from "../../impl/wire/ip.ts";
import { type Prefix } from "../../impl/wire/prefix.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { Alarm, type Daemon } from "./daemon.ts";
import { type Way } from "./next-hops.ts";

/** The routes of one VRF that the kernel was given, and those that wait for it. */
export class Fib {
  readonly #daemon: Daemon;
  readonly #vrf: string | undefined;
  readonly #delay: Micros;
  readonly #installed = new Map<Prefix, string>();
  readonly #waiting = new Map<Prefix, readonly Way[]>();
  readonly #queue: Alarm;
  readonly #changed: () => void;

  /** `changed` is called after the kernel's table changed. */
  constructor(daemon: Daemon, vrf: string | undefined, delay: Micros, changed: () => void) {
    this.#daemon = daemon;
    this.#vrf = vrf;
    this.#delay = delay;
    this.#changed = changed;
    this.#queue = new Alarm(daemon, () => this.#work());
  }

  /** No way means no route. */
  set(prefix: Prefix, ways: readonly Way[]): void {
    this.#waiting.set(prefix, ways);
    if (this.#delay === 0) this.#work();
    else if (!this.#queue.isSet) this.#queue.set(this.#delay);
  }

  #work(): void {
    let changed = false;
    for (const [prefix, ways] of this.#waiting) changed = this.#apply(prefix, distinct(ways)) || changed;
    this.#waiting.clear();
    if (changed) this.#changed();
  }

  #apply(prefix: Prefix, ways: readonly Way[]): boolean {
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

const compareVia = (one: Ip | undefined, other: Ip | undefined): number =>
  one === undefined || other === undefined
    ? Number(other === undefined) - Number(one === undefined)
    : compareIp(one, other);
