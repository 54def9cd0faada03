// assay simulate: a person's own manifests on a simulated network, with the real controller and speakers.
import { type Micros } from "../../impl/wire/time.ts";
import { problemLine } from "./check.ts";
import { BgpWitness } from "./bgp/witness.ts";
import { consequencesOf } from "./consequences.ts";
import { checkWritable, writeResult } from "./output.ts";
import { play } from "./play.ts";
import { introduce, openPrepared, prepare, type Prepared, readLength, type WorldFlags } from "./prepare.ts";
import { Prober } from "./prober.ts";
import { Interrupt, Progress } from "./progress.ts";
import { exitCodeOf, formatReport, reportJson, type SimulationReport } from "./report.ts";
import { Timeline } from "./timeline.ts";
import { judge } from "./verdict.ts";

export interface SimulateFlags extends WorldFlags {
  readonly for?: string;
  readonly pcap?: string;
  readonly json?: string;
}

const DEMO = { faults: ["10s crash owner"], length: "40s" } as const;
const USUAL_LENGTH = "60s";

interface Course {
  readonly progress: Progress;
  readonly interrupt: Interrupt;
}

interface Simulated {
  readonly report: SimulationReport;
  readonly pcapng: Uint8Array | undefined;
}

async function simulate(flags: SimulateFlags, prepared: Prepared, course: Course): Promise<Simulated> {
  const { manifests, before, notes, length, faults } = prepared;
  const { topology, objects } = before;
  const timeline = new Timeline();
  const { seed } = flags;
  const { run, refused } = await openPrepared(prepared, { seed, capture: flags.pcap !== undefined, timeline });
  const { world } = run;
  const prober = new Prober(world, topology, objects.filter(({ kind }) => kind === "Service").length);
  const witness = new BgpWitness(run, topology, timeline, objects);
  const { missed, interrupted, struck } = await play({ run, length, timeline, prober, witness, faults, ...course });
  const end: Micros = world.now();
  const bgp = await witness.report();
  const clients = await prober.end();
  timeline.addClients(clients, end);
  const services = await judge(world, { timeline, reports: clients, refused, bgp });
  const { hash, violations, pcapng } = await run.close();
  const report = {
    topology: topology.name,
    nodes: topology.nodes.length,
    seed,
    length: end,
    interrupted,
    problems: manifests.problems,
    notes,
    refused,
    missed,
    // What happened while the results were collected is no part of it.
    timeline: timeline.entries.filter(({ at }) => at <= end),
    services,
    clients,
    bgp,
    consequences: consequencesOf(struck, { clients, changes: witness.changes, end }),
    hash,
    violations,
  };
  return { report, pcapng };
}

/** `assay simulate`: 0 every Service is announced and serves its clients, 1 some do not, 2 it could not be tried. */
export async function simulateCommand(flags: SimulateFlags): Promise<number> {
  checkWritable("--pcap", flags.pcap);
  checkWritable("--json", flags.json);
  const demo = flags.demo === true && flags.file.length === 0;
  const length = readLength("--for", flags.for ?? (demo ? DEMO.length : USUAL_LENGTH));
  const prepared = await prepare(flags, length, DEMO.faults);
  const say = (text: string): void => {
    if (flags.json !== "-") console.log(text);
  };
  if (!introduce(prepared, flags.seed, say)) {
    if (flags.json === "-") for (const problem of prepared.manifests.problems) console.error(problemLine(problem));
    return 2;
  }
  const progress = new Progress();
  using interrupt = new Interrupt();
  const { report, pcapng } = await simulate(flags, prepared, { progress, interrupt });
  progress.clear();
  say(formatReport(report));
  if (flags.pcap !== undefined && pcapng !== undefined) {
    writeResult("--pcap", flags.pcap, pcapng);
    say(`every frame is in ${flags.pcap}`);
  }
  if (flags.json !== undefined) writeResult("--json", flags.json, reportJson(report));
  return report.interrupted ? 130 : exitCodeOf(report);
}
