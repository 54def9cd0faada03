// IEEE 802.1Q section 8.8.3: dynamic entries go when their station was not heard for the ageing time.
import { type Mac } from "../../impl/wire/mac.ts";
import { micros, type Micros, minus, plus, seconds } from "../../impl/wire/time.ts";
import { type Scheduled, type SimWorld } from "../world.ts";
import { type ForwardingEntry, ForwardingTable } from "./forwarding-table.ts";
import { type SwitchProfile } from "./switch-profile.ts";

/** IEEE 802.1D-2004 table 17-1: forward delay, and how long a topology change is in force (plus the message age). */
const FORWARD_DELAY = seconds(15);
const TOPOLOGY_CHANGE = seconds(35);

/** A forwarding table that sweeps itself, and tells the trace what it learns and forgets. */
export class AgeingTable {
  readonly #world: SimWorld;
  readonly #owner: string;
  readonly #profile: SwitchProfile;
  readonly #table: ForwardingTable;
  #sweep: Scheduled | undefined;
  #topologyChange: Scheduled | undefined;

  constructor(world: SimWorld, owner: string, profile: SwitchProfile) {
    this.#world = world;
    this.#owner = owner;
    this.#profile = profile;
    this.#table = new ForwardingTable(profile.moveDampening);
  }

  learn(vlan: number, mac: Mac, port: string): void {
    const learned = this.#table.learn(vlan, mac, port, this.#world.scheduler.now);
    if (learned === "refreshed") return;
    this.#world.trace.write(this.#owner, learned, `vlan=${vlan} mac=${mac} port=${port}`);
    if (this.#sweep === undefined) this.#scheduleSweep();
  }

  portOf(vlan: number, mac: Mac): string | undefined {
    return this.#table.portOf(vlan, mac);
  }

  flush(port: string): void {
    this.#report("flushed", this.#table.flush(port));
  }

  /** Forgets silent stations quickly for a while. */
  topologyChange(): void {
    this.#world.trace.write(this.#owner, "topology", "changed");
    this.#topologyChange?.cancel();
    this.#topologyChange = this.#world.scheduler.after(TOPOLOGY_CHANGE, () => {
      this.#topologyChange = undefined;
      this.#scheduleSweep();
    });
    this.#scheduleSweep();
  }

  entries(): readonly ForwardingEntry[] {
    return this.#table.entries();
  }

  #ageing(): Micros {
    const { ageing } = this.#profile;
    return this.#topologyChange !== undefined && ageing > FORWARD_DELAY ? FORWARD_DELAY : ageing;
  }

  #scheduleSweep(): void {
    this.#sweep?.cancel();
    this.#sweep = undefined;
    const oldest = this.#table.oldest();
    if (oldest === undefined) return;
    const { sweepEvery } = this.#profile;
    const due = micros(Math.ceil(plus(oldest, this.#ageing()) / sweepEvery) * sweepEvery);
    this.#sweep = this.#world.scheduler.at(due, () => {
      this.#report("aged", this.#table.sweep(minus(this.#world.scheduler.now, this.#ageing())));
      this.#scheduleSweep();
    });
  }

  #report(what: string, entries: readonly ForwardingEntry[]): void {
    for (const { vlan, mac, port } of entries) {
      this.#world.trace.write(this.#owner, what, `vlan=${vlan} mac=${mac} port=${port}`);
    }
  }
}
