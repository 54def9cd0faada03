// Runs in a node's namespace: `bgp-agent.ts speaker|blast SERVICES`. When the session comes up and the first route is about
// to be told, it prints one line of JSON with the time on the machine's clock and the bytes of all UPDATEs.
import { loadNative } from "../../impl/adapters/linux/native.ts";
import { LinuxPorts } from "../../impl/adapters/linux/ports.ts";
import { type Effect, type Input, type Instant, type Process } from "../../impl/ports.ts";
import { Runner } from "../../impl/shell/runner.ts";
import { MESSAGE_TYPES } from "../../impl/wire/bgp/header.ts";
import { BlastProcess } from "./bgp-blast.ts";
import { nodeIp, ROUTER_IP } from "./bgp-lan.ts";
import { BgpProcess } from "./bgp-process.ts";
import { bgpSpeakerOf, peerOf } from "./bgp-speaker-of.ts";

const TYPE_AT = 18;

/** What the agent prints. */
export interface Sent {
  /** Nanoseconds of CLOCK_MONOTONIC, before the routes were computed. */
  readonly at: string;
  readonly bytes: number;
}

class Watched implements Process {
  readonly #process: Process;
  #told = false;

  constructor(process: Process) {
    this.#process = process;
  }

  handle(input: Input, now: Instant): readonly Effect[] {
    const at = process.hrtime.bigint();
    const effects = this.#process.handle(input, now);
    const updates = effects.filter(isUpdate);
    if (updates.length > 0 && !this.#told) {
      this.#told = true;
      const bytes = updates.reduce((sum, update) => sum + update.bytes.length, 0);
      const sent: Sent = { at: `${at}`, bytes };
      console.log(JSON.stringify(sent));
    }
    return effects;
  }

  deadline(): ReturnType<Process["deadline"]> {
    return this.#process.deadline();
  }
}

type Write = Extract<Effect, { readonly kind: "write" }>;

const isUpdate = (effect: Effect): effect is Write =>
  effect.kind === "write" && effect.bytes[TYPE_AT] === MESSAGE_TYPES.update;

function processOf(kind: string | undefined, services: number): Process {
  if (kind === "blast") return new BlastProcess(services, nodeIp(0), { ip: ROUTER_IP, port: 179 });
  const random = { next: () => Math.random() };
  return new BgpProcess(bgpSpeakerOf(services, [peerOf("router", ROUTER_IP)], random));
}

function main([kind, services]: readonly string[]): void {
  const process = new Watched(processOf(kind, Number(services)));
  const ports = new LinuxPorts({
    native: loadNative(),
    deliver: (input) => runner.deliver(input),
    kube: { request: () => {}, abort: () => {} },
    log: () => {},
    exit: () => {},
  });
  const runner = new Runner(process, ports);
  runner.deliver({ kind: "started" });
}

if (import.meta.main) main(process.argv.slice(2));
