// Lets a simulation run, with its faults at their times.
import { micros, millis, type Micros } from "../../impl/wire/time.ts";
import { type Simulation } from "../drivers/sim/driver.ts";
import { FaultError, type PlannedFault } from "./fault.ts";
import { formatDuration } from "./output.ts";
import { type Prober } from "./prober.ts";
import { type Interrupt, type Progress } from "./progress.ts";
import { type Timeline } from "./timeline.ts";
import { loadBalancers } from "./verdict.ts";

interface Due {
  readonly at: Micros;
  readonly act: () => Promise<void>;
}

export interface Play {
  readonly run: Simulation;
  readonly faults: readonly PlannedFault[];
  readonly length: Micros;
  readonly timeline: Timeline;
  readonly prober: Prober;
  readonly progress: Progress;
  readonly interrupt: Interrupt;
}

const STEP: Micros = millis(100);

class Faults {
  readonly missed: string[] = [];
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
    const { run, timeline } = this.#play;
    const { world } = run;
    const { lasts } = fault;
    const at = world.now();
    try {
      const { what, ending } = await fault.start(world, () => timeline.firstOwner);
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

/** Resolves with the faults that struck nobody, and whether a person put an end to it. */
export async function play(
  given: Play,
): Promise<{ readonly missed: readonly string[]; readonly interrupted: boolean }> {
  const { run, length, timeline, prober, progress, interrupt } = given;
  const { world } = run;
  const faults = new Faults(given);
  let changes = -1;
  while (world.now() < length) {
    if (await interrupt.asked()) return { missed: faults.missed, interrupted: true };
    const { next } = faults;
    if (next !== undefined && next <= world.now()) {
      await faults.strike();
      continue;
    }
    await run.advance(micros(Math.min(world.now() + STEP, length, next ?? length)));
    if (timeline.serviceChanges !== changes) {
      changes = timeline.serviceChanges;
      await prober.follow(await loadBalancers(world));
    }
    progress.show(() => `${(world.now() / 1e6).toFixed(0)} s of ${length / 1e6} s simulated (Ctrl-C ends it here)`);
  }
  return { missed: faults.missed, interrupted: false };
}
