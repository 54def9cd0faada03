// RFC 4862 section 5.4 (duplicate address detection), for hosts that do it.
import { type Ipv6 } from "../../impl/wire/ip.ts";
import { micros, type Micros, seconds } from "../../impl/wire/time.ts";
import { type Scheduled } from "../world.ts";
import { type Kernel } from "./kernel.ts";
import { type AddressWatch } from "./ndp.ts";

/** RFC 4862 section 5.1: one probe, then RetransTimer. */
const WAIT = seconds(1);
/** RFC 4861 section 10, MAX_RTR_SOLICITATION_DELAY: joining hosts do not all probe at once. */
const MOST_DELAY = seconds(1);

/** The addresses of one interface that are still being tried. */
export class AddressDetection implements AddressWatch {
  readonly #kernel: Kernel;
  readonly #link: string;
  readonly #probe: (ip: Ipv6) => void;
  readonly #remove: (ip: Ipv6) => void;
  readonly #tentative = new Map<Ipv6, Scheduled>();

  constructor(kernel: Kernel, link: string, probe: (ip: Ipv6) => void, remove: (ip: Ipv6) => void) {
    this.#kernel = kernel;
    this.#link = link;
    this.#probe = probe;
    this.#remove = remove;
  }

  start(ip: Ipv6): void {
    const random = this.#kernel.world.random(`host/${this.#kernel.name}/${this.#link}/dad`);
    this.#set(ip, micros(random.next() * MOST_DELAY), () => {
      this.#probe(ip);
      this.#set(ip, WAIT, () => this.#tentative.delete(ip));
    });
  }

  #set(ip: Ipv6, delay: Micros, next: () => void): void {
    this.#tentative.set(ip, this.#kernel.timers.after(delay, next));
  }

  isTentative(ip: Ipv6): boolean {
    return this.#tentative.has(ip);
  }

  duplicate(ip: Ipv6): void {
    this.#tentative.get(ip)?.cancel();
    this.#tentative.delete(ip);
    this.#kernel.trace("address", `${ip} dev=${this.#link} duplicate`);
    this.#remove(ip);
  }
}
