// Two hosts on one cable with a process on each, for the tests of what processes see.
import { type Effect, type Input, type KubeRequest } from "../../impl/ports.ts";
import { decodeUtf8 } from "../../impl/wire/text.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { createWorld } from "../create-world.ts";
import { connect } from "../ethernet/cable.ts";
import { Host } from "./host.ts";
import { NEW, OLD } from "./host-test-station.ts";
import { type HostProcess } from "./process-ports.ts";

/** A process on a host whose inputs become lines. */
export class Scripted {
  readonly ports: HostProcess;
  readonly log: string[] = [];
  readonly kube: string[] = [];
  readonly #host: Host;

  constructor(host: Host, name = "speaker") {
    this.#host = host;
    const kube = {
      request: (effect: KubeRequest) => this.kube.push(`request ${effect.request}`),
      abort: (request: string) => this.kube.push(`abort ${request}`),
    };
    this.ports = host.openPorts(name, (input) => this.log.push(this.#line(input)), kube);
  }

  run(...effects: readonly Effect[]): this {
    for (const effect of effects) this.ports.run(effect);
    return this;
  }

  take(): readonly string[] {
    return this.log.splice(0);
  }

  #line(input: Input): string {
    const at = (this.#host.world.scheduler.now / 1e6).toFixed(3);
    switch (input.kind) {
      case "links":
        return `${at} links ${input.links.map(({ name, running }) => `${name}${running ? "" : "(down)"}`).join(" ")}`;
      case "frame":
        return `${at} frame ${input.link} ${input.bytes.length}`;
      case "datagram":
        return `${at} datagram ${input.from.ip} ${decodeUtf8(input.bytes)}${arrivalOf(input)}`;
      case "accepted":
        return `${at} accepted ${input.stream} from ${input.from.ip}`;
      case "streamOpened":
        return `${at} opened ${input.stream} to ${input.remote.ip}`;
      case "streamData":
        return `${at} data ${input.stream} ${input.bytes.length > 40 ? input.bytes.length : decodeUtf8(input.bytes)}`;
      case "streamBacklog":
        return `${at} backlog ${input.stream} ${input.bytes}`;
      case "socketFailed":
        return `${at} failed ${input.socket} ${input.because}`;
      case "streamClosed":
        return `${at} closed ${input.stream} ${input.because}`;
      default:
        return `${at} ${input.kind}`;
    }
  }
}

function arrivalOf({ arrival }: Extract<Input, { readonly kind: "datagram" }>): string {
  return arrival === undefined ? "" : ` on ${arrival.link} for ${arrival.destination} ttl ${arrival.ttl}`;
}

/** Two hosts on one cable, each with a process. */
export function pair() {
  const world = createWorld({ seed: "pair", lines: Number.POSITIVE_INFINITY });
  const [a, b] = (["a", "b"] as const).map((name, index) => {
    const host = new Host(world, { name });
    host.addInterface({ name: "eth0", mac: index === 0 ? OLD : NEW });
    return host;
  });
  if (a === undefined || b === undefined) throw new Error("no hosts");
  const socket = (host: Host) => {
    const device = host.device("eth0");
    if (device === undefined) throw new Error("no device");
    return { device, port: "eth0", name: host.name };
  };
  const cable = connect(world, socket(a), socket(b));
  a.plug("eth0", cable.a);
  b.plug("eth0", cable.b);
  a.addAddress("eth0", "10.0.0.1/24");
  b.addAddress("eth0", "10.0.0.2/24");
  const run = (duration: number): void => world.scheduler.advance(plus(world.scheduler.now, seconds(duration)));
  const processes = { a: new Scripted(a), b: new Scripted(b) };
  return { world, a, b, cable, run, processes };
}
