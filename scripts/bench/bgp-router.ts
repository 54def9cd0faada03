// How much longer routes take because a speaker computes them: the speaker against a peer that sends bytes it had before.
import { type Effect, type Input, type Instant, type Process } from "../../impl/ports.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { BlastProcess } from "./bgp-blast.ts";
import { bgpLan, nodeIp, ROUTER_IP } from "./bgp-lan.ts";
import { BgpProcess } from "./bgp-process.ts";
import { bgpSpeakerOf, peerOf } from "./bgp-speaker-of.ts";
import { median, processorTime } from "./timing.ts";

const SERVICES = 10_000;
const ROUNDS = 3;
/** Simulated seconds: the session, and the router's work queues. */
const ENOUGH = 10;

/** Counts what a process writes to its streams. */
class Counted implements Process {
  readonly #process: Process;
  bytes = 0;

  constructor(process: Process) {
    this.#process = process;
  }

  handle(input: Input, now: Instant): readonly Effect[] {
    const effects = this.#process.handle(input, now);
    for (const effect of effects) if (effect.kind === "write") this.bytes += effect.bytes.length;
    return effects;
  }

  deadline(): ReturnType<Process["deadline"]> {
    return this.#process.deadline();
  }
}

interface Run {
  readonly milliseconds: number;
  readonly bytes: number;
}

/** From the start of the process until the router's kernel has every route. */
function announce(process: Process): Run {
  const counted = new Counted(process);
  const { world, routerHost } = bgpLan(1, () => counted);
  const milliseconds = processorTime(() => world.scheduler.advance(plus(world.scheduler.now, seconds(ENOUGH))));
  const routes = routerHost.routes().filter(({ protocol }) => protocol === "daemon").length;
  if (routes !== SERVICES) throw new Error(`${routes} of ${SERVICES} routes`);
  return { milliseconds, bytes: counted.bytes };
}

const speaker = (): Process => new BgpProcess(bgpSpeakerOf(SERVICES, [peerOf("router", ROUTER_IP)]));
const blast = (): Process => new BlastProcess(SERVICES, nodeIp(0), { ip: ROUTER_IP, port: 179 });

function results(): readonly Result[] {
  const pairs = Array.from({ length: ROUNDS + 1 }, () => [announce(speaker()), announce(blast())] as const).slice(1);
  const ratioOf = (figure: keyof Run): number => median(pairs.map(([ours, bare]) => ours[figure] / bare[figure]));
  const row = (what: string, figure: keyof Run, unit: string): Result => ({
    benchmark: `BGP: 10,000 Services into the simulated router, ${what}`,
    value: median(pairs.map(([ours]) => ours[figure])),
    unit,
    ratio: { value: ratioOf(figure), of: "to bytes computed before" },
  });
  return [row("time", "milliseconds", "ms"), row("bytes", "bytes", "")];
}

export const bgpRouter: Benchmark = { name: "bgp-router", run: results };
