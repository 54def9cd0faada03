// What every command that simulates does before: reads the options and the manifests, and chooses the network.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type KubeObject, objectKey } from "../../impl/api/kubernetes.ts";
import { ConfigError } from "../../impl/wire/errors.ts";
import { type Micros, parseDuration } from "../../impl/wire/time.ts";
import { openSimulation, type Simulation } from "../drivers/sim/driver.ts";
import { findTopology } from "../topology/find.ts";
import { type Topology } from "../topology/model.ts";
import { problemLine } from "./check.ts";
import { type PlannedFault, readFault } from "./fault.ts";
import { type Manifests, readManifests } from "./manifests.ts";
import { paint, UsageError } from "./output.ts";
import { type Preflight, preflight } from "./preflight.ts";
import { readSources } from "./sources.ts";
import { type Timeline } from "./timeline.ts";
import { chooseTopology, type ChosenTopology } from "./topology-choice.ts";
import { few } from "./words.ts";

/** Options of every command that simulates. */
export interface WorldFlags {
  readonly file: readonly string[];
  /** Without it the smallest topology that fits the manifests. */
  readonly topology?: string;
  readonly fault: readonly string[];
  readonly seed: string;
  readonly demo?: boolean;
}

export interface Prepared {
  readonly manifests: Manifests;
  readonly before: Preflight;
  readonly notes: readonly string[];
  readonly length: Micros;
  readonly faults: readonly PlannedFault[];
}

const PLAIN_SAMPLE = "lan-3";
const ROUTED_SAMPLE = "bgp-ecmp";
const sampleOf = (topology: string): string =>
  fileURLToPath(new URL(`../../topologies/${topology}/sample.yaml`, import.meta.url));

const hasRouters = ({ stations }: Topology): boolean => stations.some(({ frr }) => frr !== undefined);

/** The sample that fits a topology. */
function sampleFor(name: string | undefined): string {
  if (name === undefined) return sampleOf(PLAIN_SAMPLE);
  const own = sampleOf(name);
  return existsSync(own) ? own : sampleOf(hasRouters(findTopology(name)) ? ROUTED_SAMPLE : PLAIN_SAMPLE);
}

/** Throws UsageError, which names the option. */
export function readLength(option: string, text: string): Micros {
  try {
    const length = parseDuration(text, option);
    if (length > 0) return length;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.message);
  }
  throw new UsageError(`${option} ${text}: it must be longer than that`);
}

/** The objects to run: the person's files, or the sample where none are given for the demonstration. */
async function manifestsOf({ file, demo, topology }: WorldFlags): Promise<Manifests> {
  if (file.length === 0 && demo !== true) {
    throw new UsageError("nothing to simulate: give manifests with -f, or --demo for the sample");
  }
  return readManifests(await readSources(file.length > 0 ? file : [sampleFor(topology)]));
}

export async function prepare(flags: WorldFlags, length: Micros, demoFaults: readonly string[]): Promise<Prepared> {
  if (flags.seed === "") throw new UsageError("--seed: may not be empty");
  const manifests = await manifestsOf(flags);
  const chosen: ChosenTopology =
    flags.topology === undefined
      ? chooseTopology(manifests.objects)
      : { topology: findTopology(flags.topology), notes: [] };
  const before = preflight(manifests, chosen.topology, { adaptable: flags.topology === undefined });
  const isDemo = flags.demo === true && flags.file.length === 0 && flags.fault.length === 0;
  const scope = { topology: before.topology, players: before.players, end: length };
  const faults = (isDemo ? demoFaults : flags.fault).map((text) => readFault(text, scope));
  return { manifests, before, notes: [...chosen.notes, ...before.notes], length, faults };
}

/** Says what is wrong with the manifests and what they are run on; false where they cannot be run at all. */
export function introduce({ manifests, before, notes }: Prepared, seed: string, say: (text: string) => void): boolean {
  const { problems, broken } = manifests;
  for (const problem of problems) say(paint(problem.severity === "error" ? "red" : "yellow", problemLine(problem)));
  if (broken) return false;
  const { name, nodes, clients, stations } = before.topology;
  const routers = stations.flatMap((station) => (station.frr === undefined ? [] : station.name));
  const parts = [
    `${nodes.length} nodes`,
    ...(routers.length === 0 ? [] : [`routers ${few(routers)}`]),
    clients.length === 0 ? "no clients" : `clients ${few(clients)}`,
  ];
  say(`${paint("bold", name)}: ${parts.join(", ")}; seed ${seed}`);
  for (const note of notes) say(`note: ${note}`);
  say("");
  return true;
}

export interface OpenOptions {
  readonly seed: string;
  readonly capture: boolean;
  readonly timeline: Timeline;
}

/** A world that has what was prepared, and what its API server refused. */
export async function openPrepared(
  { manifests, before }: Prepared,
  { seed, capture, timeline }: OpenOptions,
): Promise<{ readonly run: Simulation; readonly refused: readonly string[] }> {
  const run = await openSimulation(before.topology, {
    seed,
    settings: {},
    shuffle: false,
    capture,
    lines: 0,
    namespace: manifests.namespace,
    nodeLabels: before.nodeLabels,
    podPorts: before.podPorts,
    onObservation: (observation, at) => timeline.observe(observation, at),
  });
  return { run, refused: await apply(run, before.objects) };
}

/** Resolves with what the API server refused. */
async function apply(run: Simulation, objects: readonly KubeObject[]): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const object of objects) {
    try {
      await run.world.kubernetes.apply(object);
    } catch (error) {
      refused.push(`${object.kind} ${objectKey(object)}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return refused;
}
