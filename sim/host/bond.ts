// Linux Documentation/networking/bonding.rst, mode active-backup.
import { millis, minus, times } from "../../impl/wire/time.ts";
import { type KernelTimers } from "./kernel-timers.ts";
import { type Lower, type Master, type NetworkDevice } from "./network-device.ts";

/** How often the ports' carriers are looked at (miimon). */
const POLL = millis(100);

/** One port carries everything; when its carrier goes, another that has carrier takes over. */
export class Bond implements Lower, Master {
  readonly sharesWithCaptures = true;
  readonly #timers: KernelTimers;
  readonly #ports: NetworkDevice[] = [];
  #self: NetworkDevice | undefined;
  #active: NetworkDevice | undefined;
  #polling = false;
  readonly #onFailover: () => void;

  /** `onFailover` announces the host's addresses behind the new port (NETDEV_NOTIFY_PEERS). */
  constructor(timers: KernelTimers, onFailover: () => void) {
    this.#timers = timers;
    this.#onFailover = onFailover;
  }

  bind(self: NetworkDevice): void {
    this.#self = self;
  }

  get name(): string {
    return this.#self?.name ?? "";
  }

  get running(): boolean {
    return this.#active?.running ?? false;
  }

  get active(): string | undefined {
    return this.#active?.name;
  }

  /** All ports carry the bond's address (fail_over_mac none). */
  add(port: NetworkDevice): void {
    this.#ports.push(port);
    if (this.#self !== undefined) port.setMac(this.#self.mac);
    port.setMaster(this);
  }

  remove(port: NetworkDevice): void {
    this.#ports.splice(this.#ports.indexOf(port), 1);
    port.setMaster(undefined);
    if (this.#active === port) this.#elect();
  }

  portChanged(): void {
    // The first port is taken at once; a change afterwards is noticed at the next look.
    if (this.#active === undefined) return this.#elect();
    if (this.#polling) return;
    this.#polling = true;
    const { now } = this.#timers;
    const next = times(POLL, Math.floor(now / POLL) + 1);
    this.#timers.after(minus(next, now), () => {
      this.#polling = false;
      this.#elect();
    });
  }

  #elect(): void {
    const before = this.#active;
    if (before?.running !== true) {
      this.#active = this.#ports.find((port) => port.running) ?? before;
    }
    this.#self?.changed();
    if (before !== undefined && this.#active !== before) this.#onFailover();
  }

  transmit(frame: Uint8Array): void {
    this.#active?.transmit(frame);
  }

  /** Frames at a backup port are copies of what the active one gets. */
  input(port: NetworkDevice, frame: Uint8Array): void {
    if (port === this.#active) this.#self?.input(frame);
  }
}
