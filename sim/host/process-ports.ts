// Where a process runs on a host: its sockets are the kernel's, its inputs wait while it is stopped, and what it held is
// closed when it dies.
import { type Effect, type Input, type Instant, type KubeRequest, type Ports } from "../../impl/ports.ts";
import { unreachable } from "../../impl/wire/brand.ts";
import { type Micros, minus } from "../../impl/wire/time.ts";
import { type Scheduled } from "../world.ts";
import { type Host } from "./host.ts";
import { ProcessSockets } from "./process-sockets.ts";
import { ProcessStreams } from "./process-streams.ts";

/** The way from a process to the API server; outcomes come back through `HostProcess.receive`. */
export interface KubePort {
  request(effect: KubeRequest): void;
  abort(request: string): void;
}

export type ProcessState = "running" | "paused" | "ended";

/** net.core.rmem_default holds so many small packets; what comes after them is lost. */
const MOST_WAITING_PACKETS = 277;

/** A process on a host: what Ports are in production, and what can befall it. */
export class HostProcess implements Ports {
  readonly name: string;
  readonly #host: Host;
  readonly #deliver: (input: Input) => void;
  readonly #kube: KubePort;
  readonly #sockets: ProcessSockets;
  readonly #streams: ProcessStreams;
  readonly #requests = new Set<string>();
  readonly #subscriptions: Disposable[];
  readonly #waiting: Input[] = [];
  #waitingPackets = 0;
  #state: ProcessState = "running";
  #armed: Micros | undefined;
  #alarm: Scheduled | undefined;
  #exitCode: number | undefined;

  constructor(host: Host, name: string, deliver: (input: Input) => void, kube: KubePort) {
    this.name = name;
    this.#host = host;
    this.#deliver = deliver;
    this.#kube = kube;
    const receive = (input: Input): void => this.receive(input);
    this.#sockets = new ProcessSockets(host, name, receive);
    this.#streams = new ProcessStreams(host, receive);
    this.#subscriptions = [
      host.onLinkChange(() => this.receive({ kind: "links", links: host.links() })),
      host.onPower((on) => (on ? undefined : this.#vanish())),
      host.onResume(() => this.#drain()),
      host.onClockChange(() => this.#setAlarm()),
    ];
    this.#trace("started");
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** The code it exited with; undefined while it lives and after a crash. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  #trace(detail: string): void {
    this.#host.trace("process", `${this.name} ${detail}`);
  }

  /** Gives the process its first inputs. */
  start(): void {
    this.receive({ kind: "started" });
    this.receive({ kind: "links", links: this.#host.links() });
  }

  now(): Instant {
    return this.#host.clock.now();
  }

  /** An input for the process; it waits while the process is stopped or its host hangs. */
  receive(input: Input): void {
    if (this.#state === "ended") return;
    if (input.kind === "responseEnd") this.#requests.delete(input.request);
    if (this.#state === "running" && this.#host.alive) return this.#deliver(input);
    if (input.kind === "frame" || input.kind === "datagram") {
      if (this.#waitingPackets >= MOST_WAITING_PACKETS) return;
      this.#waitingPackets++;
    }
    this.#waiting.push(input);
  }

  arm(at: Micros | undefined): void {
    if (at === this.#armed && this.#alarm !== undefined) return;
    this.#armed = at;
    this.#setAlarm();
  }

  #setAlarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (this.#armed === undefined || this.#state === "ended") return;
    const { now } = this.#host.world.scheduler;
    const delay = minus(this.#host.clock.worldTimeOf(this.#armed), now);
    this.#alarm = this.#host.after(delay, () => this.#ring());
  }

  #ring(): void {
    this.#alarm = undefined;
    if (this.#state !== "running") return;
    this.#armed = undefined;
    this.#deliver({ kind: "wake" });
  }

  run(effect: Effect): void {
    if (this.#state === "ended") return;
    switch (effect.kind) {
      case "openLink":
        return this.#sockets.openLink(effect.link);
      case "closeLink":
        return this.#sockets.closeLink(effect.link);
      case "joinGroup":
        return this.#sockets.joinGroup(effect.link, effect.group);
      case "leaveGroup":
        return this.#sockets.leaveGroup(effect.link, effect.group);
      case "sendFrame":
        return this.#host.device(effect.link)?.transmit(effect.bytes);
      case "openDatagrams":
        return this.#sockets.openDatagrams(effect.socket, effect.local, effect.options);
      case "closeDatagrams":
        return this.#sockets.closeDatagrams(effect.socket);
      case "sendDatagram":
        return this.#sockets.sendDatagram(effect.socket, effect.to, effect.bytes);
      case "listen":
        return this.#streams.listen(effect.listener, effect.local);
      case "connect":
        return this.#streams.connect(effect.stream, effect.to, effect.options);
      case "write":
        return this.#streams.write(effect.stream, effect.bytes);
      case "closeStream":
        return this.#streams.close(effect.stream, effect.abort);
      case "request":
        this.#requests.add(effect.request);
        return this.#kube.request(effect);
      case "abortRequest":
        this.#requests.delete(effect.request);
        return this.#kube.abort(effect.request);
      case "log":
        return this.#log(effect);
      case "exit":
        this.#exitCode = effect.code;
        return this.#end(`exited code=${effect.code}`);
      default:
        return unreachable(effect);
    }
  }

  #log({ level, event, fields }: Extract<Effect, { readonly kind: "log" }>): void {
    const values = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
    this.#host.trace("log", `${this.name} ${level} ${event}${values.join("")}`);
  }

  /** SIGTERM. */
  terminate(): void {
    this.receive({ kind: "stop" });
  }

  /** SIGKILL, or a crash: the kernel closes what the process held. */
  kill(): void {
    if (this.#state !== "ended") this.#end("killed");
  }

  /** SIGSTOP: the kernel goes on for it, it acknowledges and queues. */
  pause(): void {
    if (this.#state !== "running") return;
    this.#state = "paused";
    this.#trace("paused");
    this.#streams.pause();
  }

  /** SIGCONT: first what arrived, then an alarm that is overdue, as an event loop does after a long poll. */
  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    this.#trace("resumed");
    this.#streams.resume();
    this.#drain();
    if (this.#alarm === undefined) this.#setAlarm();
  }

  #drain(): void {
    if (this.#state !== "running") return;
    this.#waitingPackets = 0;
    for (const input of this.#waiting.splice(0)) this.receive(input);
  }

  #end(how: string): void {
    this.#state = "ended";
    this.#trace(how);
    this.#sockets.close();
    this.#streams.closeAll();
    this.#leave();
  }

  /** The host lost power: nothing is closed, it is just gone. */
  #vanish(): void {
    this.#state = "ended";
    this.#trace("gone");
    this.#leave();
  }

  #leave(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    for (const subscription of this.#subscriptions) subscription[Symbol.dispose]();
    for (const request of this.#requests) this.#kube.abort(request);
    this.#requests.clear();
    this.#waiting.length = 0;
  }
}
