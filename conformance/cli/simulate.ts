// assay simulate: a person's own manifests on a simulated network, with the real controller and speakers.
import { fileURLToPath } from "node:url";
import { type KubeObject, objectKey } from "../../impl/api/kubernetes.ts";
import { ConfigError } from "../../impl/wire/errors.ts";
import { type Micros, parseDuration } from "../../impl/wire/time.ts";
import { openSimulation, type Simulation } from "../drivers/sim/driver.ts";
import { findTopology } from "../topology/find.ts";
import { problemLine } from "./check.ts";
import { type PlannedFault, readFault } from "./fault.ts";
import { type Manifests, readManifests } from "./manifests.ts";
import { checkWritable, paint, UsageError, writeResult } from "./output.ts";
import { play } from "./play.ts";
import { asksForIpv6 } from "./pools.ts";
import { type Preflight, preflight } from "./preflight.ts";
import { Prober } from "./prober.ts";
import { Interrupt, Progress } from "./progress.ts";
import { exitCodeOf, formatReport, reportJson, type SimulationReport } from "./report.ts";
import { readSources } from "./sources.ts";
import { Timeline } from "./timeline.ts";
import { judge } from "./verdict.ts";

export interface SimulateFlags {
  readonly file: readonly string[];
  /** Without it the smallest topology that fits the manifests. */
  readonly topology?: string;
  readonly fault: readonly string[];
  readonly for?: string;
  readonly seed: string;
  readonly pcap?: string;
  readonly json?: string;
  readonly demo?: boolean;
}

const SAMPLE = fileURLToPath(new URL("../../topologies/lan-3/sample.yaml", import.meta.url));
const DEMO = { faults: ["10s crash owner"], length: "40s" } as const;
const USUAL_LENGTH = "60s";

function readLength(text: string): Micros {
  try {
    const length = parseDuration(text, "--for");
    if (length > 0) return length;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UsageError(error.message);
  }
  throw new UsageError(`--for ${text}: it must be longer than that`);
}

/** The objects to run: the person's files, or the sample where none are given for the demonstration. */
async function manifestsOf(flags: SimulateFlags): Promise<Manifests> {
  if (flags.file.length === 0 && flags.demo !== true) {
    throw new UsageError("nothing to simulate: give manifests with -f, or --demo for the sample");
  }
  return readManifests(await readSources(flags.file.length > 0 ? flags.file : [SAMPLE]));
}

/** Applies what was prepared; resolves with what the API server refused. */
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

interface Prepared {
  readonly manifests: Manifests;
  readonly before: Preflight;
  readonly notes: readonly string[];
  readonly length: Micros;
}

async function prepare(flags: SimulateFlags): Promise<Prepared> {
  checkWritable("--pcap", flags.pcap);
  checkWritable("--json", flags.json);
  if (flags.seed === "") throw new UsageError("--seed: may not be empty");
  const demo = flags.demo === true && flags.file.length === 0;
  const length = readLength(flags.for ?? (demo ? DEMO.length : USUAL_LENGTH));
  const manifests = await manifestsOf(flags);
  const dual = asksForIpv6(manifests.objects);
  const topology = findTopology(flags.topology ?? (dual ? "dual-stack" : "lan-3"));
  const chosen = flags.topology === undefined && dual ? ["the files ask for IPv6: simulated on dual-stack"] : [];
  const before = preflight(manifests, topology, { adaptable: flags.topology === undefined });
  return { manifests, before, notes: [...chosen, ...before.notes], length };
}

function plannedFaults(flags: SimulateFlags, { before, length }: Prepared): readonly PlannedFault[] {
  const demo = flags.demo === true && flags.file.length === 0 && flags.fault.length === 0;
  const scope = { topology: before.topology, players: before.players, end: length };
  return (demo ? DEMO.faults : flags.fault).map((text) => readFault(text, scope));
}

interface Course {
  readonly faults: readonly PlannedFault[];
  readonly progress: Progress;
  readonly interrupt: Interrupt;
}

interface Simulated {
  readonly report: SimulationReport;
  readonly pcapng: Uint8Array | undefined;
}

async function simulate(flags: SimulateFlags, prepared: Prepared, course: Course): Promise<Simulated> {
  const { manifests, before, notes, length } = prepared;
  const timeline = new Timeline();
  const run = await openSimulation(before.topology, {
    seed: flags.seed,
    settings: {},
    shuffle: false,
    capture: flags.pcap !== undefined,
    lines: 0,
    namespace: manifests.namespace,
    nodeLabels: before.nodeLabels,
    podPorts: before.podPorts,
    onObservation: (observation, at) => timeline.observe(observation, at),
  });
  const { world } = run;
  const refused = await apply(run, before.objects);
  const expected = before.objects.filter(({ kind }) => kind === "Service").length;
  const prober = new Prober(world, before.topology, expected);
  const { missed, interrupted } = await play({ run, length, timeline, prober, ...course });
  const end = world.now();
  const clients = await prober.end();
  timeline.addClients(clients, end);
  const services = await judge(world, timeline, clients, refused);
  const { hash, violations, pcapng } = await run.close();
  const report = {
    topology: before.topology.name,
    seed: flags.seed,
    length: end,
    interrupted,
    problems: manifests.problems,
    notes,
    refused,
    missed,
    timeline: timeline.entries,
    services,
    clients,
    hash,
    violations,
  };
  return { report, pcapng };
}

/** `assay simulate`: 0 every Service has an address and an owner, 1 some do not, 2 it could not be tried. */
export async function simulateCommand(flags: SimulateFlags): Promise<number> {
  const prepared = await prepare(flags);
  const { manifests, before, notes } = prepared;
  const { topology } = before;
  const faults = plannedFaults(flags, prepared);
  const say = (text: string): void => {
    if (flags.json !== "-") console.log(text);
  };
  const { problems } = manifests;
  for (const problem of problems) say(paint(problem.severity === "error" ? "red" : "yellow", problemLine(problem)));
  if (manifests.broken) {
    if (flags.json === "-") for (const problem of problems) console.error(problemLine(problem));
    return 2;
  }
  const clients = topology.clients.length === 0 ? "no clients" : `clients ${topology.clients.join(", ")}`;
  say(`${paint("bold", topology.name)}: ${topology.nodes.length} nodes, ${clients}; seed ${flags.seed}`);
  for (const note of notes) say(`note: ${note}`);
  say("");
  const progress = new Progress();
  using interrupt = new Interrupt();
  const { report, pcapng } = await simulate(flags, prepared, { faults, progress, interrupt });
  progress.clear();
  say(formatReport(report));
  if (flags.pcap !== undefined && pcapng !== undefined) {
    writeResult("--pcap", flags.pcap, pcapng);
    say(`every frame is in ${flags.pcap}`);
  }
  if (flags.json !== undefined) writeResult("--json", flags.json, reportJson(report));
  return report.interrupted ? 130 : exitCodeOf(report);
}
