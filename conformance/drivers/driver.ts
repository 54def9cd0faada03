import { type Micros } from "../../impl/wire/time.ts";
import { type Topology } from "../topology/model.ts";
import { type Capability, type Settings, type World } from "../world.ts";

/** Builds worlds of one sort. */
export interface Driver {
  readonly name: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Why this machine cannot run the driver at all; undefined where it can. */
  unavailable(): string | undefined;
  /** How many worlds may run at once; one unless told. */
  readonly parallel?: number;
  /** Why this machine cannot build a topology; undefined where it can. Drivers without it build them all. */
  refuses?(topology: Topology): Promise<string | undefined>;
  open(topology: Topology, options: WorldOptions): Promise<OpenWorld>;
}

export interface WorldOptions {
  readonly seed: string;
  readonly settings: Settings;
  /** Insert objects and start processes in another order; what happens must not depend on it. */
  readonly shuffle: boolean;
  /** Keep every frame for a pcapng. */
  readonly capture: boolean;
  /** How many lines of the trace to keep; Infinity keeps all. */
  readonly lines: number;
}

/** A world that runs, and what is left of it when it ends. */
export interface OpenWorld {
  readonly world: World;
  /** Ends the world: liveness is checked, everything is taken down. Never rejects because of the scenario. */
  close(): Promise<Remains>;
}

export interface Remains {
  /** Hash of the trace; undefined where the driver's worlds are not deterministic. */
  readonly hash: string | undefined;
  readonly lines: readonly string[];
  /** Broken invariants, the first first. */
  readonly violations: readonly string[];
  readonly elapsed: Micros;
  readonly pcapng: Uint8Array | undefined;
  /** Figures that a person may want to see, such as outages and how near a deadline was. */
  readonly notes?: readonly string[];
}
