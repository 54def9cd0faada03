// assay simulate: a person's own manifests on a simulated network, with the real controller and speakers.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type EventObject, type KubeObject, objectKey, type Service } from "../../impl/api/kubernetes.ts";
import { type Ip, readIp } from "../../impl/wire/ip.ts";
import { micros, millis, type Micros, parseDuration } from "../../impl/wire/time.ts";
import { openSimulation, type Simulation } from "../drivers/sim/driver.ts";
import { findTopology } from "../topology/find.ts";
import { type Topology } from "../topology/model.ts";
import { type Probe, type ProbeReport } from "../world.ts";
import { type PlannedFault, readFault } from "./fault.ts";
import { readManifests } from "./manifests.ts";
import { paint, table, UsageError } from "./output.ts";
import { preflight } from "./preflight.ts";
import { formatEntry, formatOutage, Timeline } from "./timeline.ts";

export interface SimulateFlags {
  readonly file: readonly string[];
  readonly topology: string;
  readonly fault: readonly string[];
  readonly for: string;
  readonly seed: string;
  readonly pcap?: string;
  readonly json?: string;
  readonly demo?: boolean;
}

const SAMPLE = fileURLToPath(new URL("../../topologies/lan-3/sample.yaml", import.meta.url));
const DEMO_FAULTS = ["10s crash owner"];
const DEMO_LENGTH = "40s";

interface ClientReport extends ProbeReport {
  readonly service: string;
  readonly vip: Ip;
  readonly client: string;
  readonly port: number;
}

interface Verdict {
  readonly service: string;
  readonly addresses: readonly string[];
  readonly owners: readonly string[];
  /** Why it has no address or no owner. */
  readonly because: string | undefined;
}

/** A client that can reach the address's family, asking every 10 ms. */
class Prober {
  readonly #run: Simulation;
  readonly #topology: Topology;
  readonly #running = new Map<
    string,
    { readonly report: Omit<ClientReport, keyof ProbeReport>; readonly probe: Probe }
  >();

  constructor(run: Simulation, topology: Topology) {
    this.#run = run;
    this.#topology = topology;
  }

  /** Starts probes at addresses that are new. */
  async follow(services: readonly Service[]): Promise<void> {
    const { world } = this.#run;
    const count = services.length * world.clients.length;
    const every = count > 10 ? millis(100) : millis(10);
    for (const service of services) {
      const port = service.spec.ports?.[0];
      for (const { ip } of service.status?.loadBalancer?.ingress ?? []) {
        const vip = readIp(ip ?? "");
        for (const client of vip === undefined || port === undefined ? [] : world.clients) {
          const id = `${client} ${vip}`;
          if (this.#running.has(id) || vip === undefined || port === undefined || !this.#speaks(client, vip)) continue;
          const protocol = port.protocol === "UDP" ? "UDP" : "TCP";
          const probe = await world.client(client).probe({ vip, port: port.port, protocol, every });
          const report = { service: objectKey(service), vip, client, port: port.port };
          this.#running.set(id, { report, probe });
        }
      }
    }
  }

  #speaks(client: string, vip: Ip): boolean {
    const station = this.#topology.stations.find(({ name }) => name === client);
    return (
      station?.interfaces.some(({ addresses }) => addresses.some(({ ip }) => ip.includes(":") === vip.includes(":"))) ??
      false
    );
  }

  async end(): Promise<readonly ClientReport[]> {
    const reports: ClientReport[] = [];
    for (const { report, probe } of this.#running.values()) {
      await probe.end();
      reports.push({ ...report, ...(await probe.report()) });
    }
    return reports;
  }
}

/** The newest warning about a Service, which says why it has no address or owner. */
async function reasonFor(run: Simulation, service: string): Promise<string | undefined> {
  const events: readonly EventObject[] = await run.world.kubernetes.events("Service", service);
  return events.filter(({ type }) => type === "Warning").at(-1)?.message;
}

async function loadBalancers(run: Simulation): Promise<readonly Service[]> {
  const services = (await run.world.kubernetes.list("Service")) as readonly Service[];
  return services.filter(({ spec }) => spec.type === "LoadBalancer");
}

async function judge(run: Simulation, timeline: Timeline): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  for (const service of await loadBalancers(run)) {
    const key = objectKey(service);
    const addresses = (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]));
    const owners = addresses.flatMap((ip) => timeline.ownerOf(ip) ?? []);
    const well = addresses.length > 0 && owners.length === addresses.length;
    const because = well ? undefined : ((await reasonFor(run, key)) ?? "nobody said why");
    verdicts.push({ service: key, addresses, owners: [...new Set(owners)], because });
  }
  return verdicts;
}

async function play(
  run: Simulation,
  faults: readonly PlannedFault[],
  length: Micros,
  timeline: Timeline,
  prober: Prober,
): Promise<void> {
  const { world } = run;
  const due: { readonly at: Micros; readonly act: () => Promise<void> }[] = faults.map((fault) => ({
    at: fault.at,
    act: async () => {
      const ending = await fault.start(
        world,
        () =>
          timeline.entries
            .filter(({ kind }) => kind === "owner")
            .map(({ text }) => timeline.ownerOf(text.split(" ")[0] ?? ""))[0],
      );
      const { lasts } = fault;
      timeline.add({
        at: world.now(),
        kind: "fault",
        text: `${fault.text}${lasts === undefined ? "" : ` for ${formatOutage(lasts)}`}`,
      });
      if (lasts === undefined || ending === undefined) return;
      due.push({
        at: micros(world.now() + lasts),
        act: async () => {
          await ending.end();
          timeline.add({ at: world.now(), kind: "fault", text: `${fault.text} is over` });
        },
      });
    },
  }));
  const step = millis(100);
  while (world.now() < length) {
    due.sort((a, b) => a.at - b.at);
    const next = due[0];
    if (next !== undefined && next.at <= world.now()) {
      due.shift();
      await next.act();
      continue;
    }
    await run.advance(micros(Math.min(world.now() + step, length, next?.at ?? length)));
    await prober.follow(await loadBalancers(run));
  }
}

function printReport(verdicts: readonly Verdict[], reports: readonly ClientReport[]): void {
  const rows = verdicts.map(({ service, addresses, owners, because }) => [
    service,
    addresses.join(", ") || "no address",
    owners.join(", ") || "nobody",
    because ?? "",
  ]);
  console.log(`\n${table([["SERVICE", "ADDRESS", "OWNER", "WHY"], ...rows])}`);
  if (reports.length === 0) return;
  const lines = reports.map(({ service, vip, client, sent, ok, outage, gaps, resets }) => [
    client,
    `${vip} (${service})`,
    `${ok} of ${sent}`,
    outage === 0 ? "none" : formatOutage(outage),
    `${gaps.length} gaps${resets === 0 ? "" : `, ${resets} resets`}`,
  ]);
  console.log(`\n${table([["CLIENT", "ADDRESS", "ANSWERED", "LONGEST OUTAGE", "GAPS"], ...lines])}`);
}

function writeOutputs(flags: SimulateFlags, result: object, pcapng: Uint8Array | undefined): void {
  if (flags.pcap !== undefined && pcapng !== undefined) {
    writeFileSync(flags.pcap, pcapng);
    console.log(`every frame is in ${flags.pcap}`);
  }
  const text = `${JSON.stringify(result, null, 1)}\n`;
  if (flags.json === "-") process.stdout.write(text);
  else if (flags.json !== undefined) writeFileSync(flags.json, text);
}

/** The objects to run: the person's files, or the sample where none are given for the demonstration. */
function manifestsOf(flags: SimulateFlags): readonly KubeObject[] {
  if (flags.file.length > 0) return readManifests(flags.file);
  if (flags.demo !== true)
    throw new UsageError("nothing to simulate: give manifests with -f, or --demo for the sample");
  return readManifests([SAMPLE]);
}

/** `assay simulate`: 0 every Service has an address and an owner, 1 some do not, 2 it could not be tried. */
export async function simulateCommand(flags: SimulateFlags): Promise<number> {
  const demo = flags.demo === true && flags.file.length === 0;
  const topology = findTopology(flags.topology);
  const length = parseDuration(demo ? DEMO_LENGTH : flags.for, "--for");
  const faults = (demo && flags.fault.length === 0 ? DEMO_FAULTS : flags.fault).map((text) =>
    readFault(text, topology),
  );
  const { objects, nodeLabels, notes } = preflight(manifestsOf(flags), topology);
  const quiet = flags.json === "-";
  const say = (text: string): void => {
    if (!quiet) console.log(text);
  };
  say(
    `${paint("bold", topology.name)}: ${topology.nodes.length} nodes, clients ${topology.clients.join(", ")}; seed ${flags.seed}`,
  );
  for (const note of notes) say(`note: ${note}`);
  say("");

  const timeline = new Timeline((entry) => say(formatEntry(entry)));
  const started = performance.now();
  const run = await openSimulation(topology, {
    seed: flags.seed,
    settings: {},
    shuffle: false,
    capture: flags.pcap !== undefined,
    lines: 0,
    nodeLabels,
    onObservation: (observation, at) => timeline.observe(observation, at),
  });
  const rejected: string[] = [];
  for (const object of objects) {
    await run.world.kubernetes.apply(object).catch((error: unknown) => {
      rejected.push(`${object.kind} ${objectKey(object)}: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  for (const text of rejected) say(paint("red", `refused: ${text}`));
  const prober = new Prober(run, topology);
  await play(run, faults, length, timeline, prober);
  const reports = await prober.end();
  const verdicts = await judge(run, timeline);
  const remains = await run.close();
  if (!quiet) {
    printReport(verdicts, reports);
    const wall = (performance.now() - started) / 1000;
    console.log(
      `\n${(length / 1e6).toFixed(0)} s simulated in ${wall.toFixed(2)} s; trace ${remains.hash?.slice(0, 16) ?? ""}`,
    );
    for (const violation of remains.violations) console.log(paint("red", `broken: ${violation}`));
  }
  writeOutputs(
    flags,
    {
      topology: topology.name,
      seed: flags.seed,
      notes,
      rejected,
      timeline: timeline.entries,
      services: verdicts,
      clients: reports,
      hash: remains.hash,
      violations: remains.violations,
    },
    remains.pcapng,
  );
  const well =
    rejected.length === 0 && remains.violations.length === 0 && verdicts.every(({ because }) => because === undefined);
  return well ? 0 : 1;
}
