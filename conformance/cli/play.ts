// Lets a simulation run, with its faults at their times.
import { micros, millis, type Micros } from "../../impl/wire/time.ts";
import { type Simulation } from "../drivers/sim/driver.ts";
import { type BgpWitness } from "./bgp/witness.ts";
import { type StruckFault } from "./consequences.ts";
import { FaultError, type PlannedFault } from "./fault.ts";
import { formatDuration } from "./output.ts";
import { type Prober } from "./prober.ts";
import { type Interrupt, type Progress } from "./progress.ts";
import { type Timeline } from "./timeline.ts";
import { loadBalancers } from "./services.ts";

interface Due {
  readonly at: Micros;
  readonly act: () => Promise<void>;
}

export interface Play {
  readonly run: Simulation;
  readonly faults: readonly PlannedFault[];
  readonly length: Micros;
  readonly timeline: Timeline;
  /** Nobody tries the addresses without one. */
  readonly prober?: Prober;
  readonly witness: BgpWitness;
  readonly progress: Progress;
  readonly interrupt: Interrupt;
}

/** How often it is asked whether Services have changed. */
const STEP: Micros = millis(100);

class Faults {
  readonly missed: string[] = [];
  readonly struck: StruckFault[] = [];
  readonly #play: Play;
  readonly #due: Due[];

  constructor(play: Play) {
    this.#play = play;
    this.#due = play.faults.map((fault) => ({ at: fault.at, act: () => this.#start(fault) }));
  }

  get next(): Micros | undefined {
    this.#due.sort((a, b) => a.at - b.at);
    return this.#due[0]?.at;
  }

  async strike(): Promise<void> {
    await this.#due.shift()?.act();
  }

  async #start(fault: PlannedFault): Promise<void> {
    const { run, timeline, witness } = this.#play;
    const { world } = run;
    const { lasts } = fault;
    const at = world.now();
    await witness.foresee();
    try {
      const { what, nodes, ending } = await fault.start(world, () => timeline.firstOwner ?? witness.firstWay);
      this.struck.push({ at, what, nodes });
      timeline.add({ at, kind: "fault", text: `${what}${lasts === undefined ? "" : ` for ${formatDuration(lasts)}`}` });
      if (lasts === undefined || ending === undefined) return;
      const act = async (): Promise<void> => {
        await ending.end();
        timeline.add({ at: world.now(), kind: "fault", text: `${what}: over` });
      };
      this.#due.push({ at: micros(at + lasts), act });
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      this.missed.push(`${fault.text}: ${error.message}`);
      timeline.add({ at, kind: "fault", text: `${fault.text}: strikes nobody, as ${error.message}` });
    }
  }
}

export interface Played {
  /** Faults that struck nobody. */
  readonly missed: readonly string[];
  readonly struck: readonly StruckFault[];
  /** A person put an end to it. */
  readonly interrupted: boolean;
}

export async function play(given: Play): Promise<Played> {
  const { run, length, timeline, prober, witness, progress, interrupt } = given;
  const { world } = run;
  const faults = new Faults(given);
  const played = (interrupted: boolean): Played => ({ missed: faults.missed, struck: faults.struck, interrupted });
  const step = Math.min(STEP, witness.step);
  let changes = -1;
  while (world.now() < length) {
    if (await interrupt.asked()) return played(true);
    const { next } = faults;
    if (next !== undefined && next <= world.now()) {
      await faults.strike();
      await witness.look();
      continue;
    }
    await run.advance(micros(Math.min(world.now() + step, length, next ?? length)));
    await witness.look();
    if (prober !== undefined && timeline.serviceChanges !== changes) {
      changes = timeline.serviceChanges;
      await prober.follow(await loadBalancers(world));
    }
    progress.show(() => `${(world.now() / 1e6).toFixed(0)} s of ${length / 1e6} s simulated (Ctrl-C ends it here)`);
  }
  return played(false);
}
