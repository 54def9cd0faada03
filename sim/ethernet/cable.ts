import { micros, type Micros } from "../../impl/wire/time.ts";
import { type SimWorld } from "../world.ts";
import { type CableEnd, type Device } from "./device.ts";
import { decideFate, type FrameRule, type Judge } from "./rule.ts";

/** Where one end of a cable is plugged in: `port` of `device`, which the trace calls `name`. */
export interface Socket {
  readonly device: Device;
  readonly port: string;
  readonly name: string;
}

export interface CableOptions {
  readonly latency?: Micros;
}

export interface Cable {
  /** `node-1:eth0--sw:p1`. */
  readonly name: string;
  readonly a: CableEnd;
  readonly b: CableEnd;
  readonly up: boolean;
  /** Takes the carrier from both ends, or gives it back. Frames under way are lost. */
  setUp(up: boolean): void;
  /** Puts a fault on the cable until the handle is disposed. */
  rule(rule: FrameRule): Disposable;
}

const LATENCY = micros(10);

/**
 * Lays a cable with carrier. Each device takes its own end from the result; carrier changes are told to it, the first
 * carrier is not. A frame belongs to the cable once it is sent: neither side may change its bytes afterwards.
 */
export function connect(world: SimWorld, a: Socket, b: Socket, options: CableOptions = {}): Cable {
  return new TwistedPair(world, a, b, options.latency ?? LATENCY);
}

const pointOf = (socket: Socket): string => `${socket.name}:${socket.port}`;

class TwistedPair implements Cable {
  readonly name: string;
  readonly a: Lane;
  readonly b: Lane;
  readonly #world: SimWorld;
  readonly #sockets: readonly Socket[];
  #up = true;

  constructor(world: SimWorld, a: Socket, b: Socket, latency: Micros) {
    this.name = `${pointOf(a)}--${pointOf(b)}`;
    this.#world = world;
    this.#sockets = [a, b];
    this.a = new Lane(world, a, b, latency);
    this.b = new Lane(world, b, a, latency);
  }

  get up(): boolean {
    return this.#up;
  }

  setUp(up: boolean): void {
    if (up === this.#up) return;
    this.#up = up;
    this.#world.trace.write(this.name, "carrier", up ? "up" : "down");
    this.a.setCarrier(up);
    this.b.setCarrier(up);
    for (const { device, port } of this.#sockets) device.carrier(port, up);
  }

  rule(rule: FrameRule): Disposable {
    const direction = rule.direction ?? "both";
    const handles: Disposable[] = [];
    if (direction !== "bToA") handles.push(this.a.judgeBy(rule));
    if (direction !== "aToB") handles.push(this.b.judgeBy(rule));
    this.#world.trace.write(this.name, "fault", `${rule.name} ${direction} on`);
    let active = true;
    return {
      [Symbol.dispose]: () => {
        if (!active) return;
        active = false;
        for (const handle of handles) handle[Symbol.dispose]();
        this.#world.trace.write(this.name, "fault", `${rule.name} ${direction} off`);
      },
    };
  }
}

/** One direction of a cable; the sender holds it as its end. */
class Lane implements CableEnd {
  readonly #world: SimWorld;
  readonly #way: string;
  readonly #to: Socket;
  readonly #point: string;
  readonly #latency: Micros;
  readonly #judges = new Set<Judge>();
  #carrier = true;
  /** Counts carrier losses: a frame that was sent before one does not arrive after it. */
  #losses = 0;

  constructor(world: SimWorld, from: Socket, to: Socket, latency: Micros) {
    this.#world = world;
    this.#way = `${pointOf(from)}>${pointOf(to)}`;
    this.#to = to;
    this.#point = pointOf(to);
    this.#latency = latency;
  }

  get carrier(): boolean {
    return this.#carrier;
  }

  setCarrier(up: boolean): void {
    this.#carrier = up;
    if (!up) this.#losses++;
  }

  judgeBy(rule: FrameRule): Disposable {
    const judge = rule.start(this.#world.random(`cable/${this.#way}/${rule.name}`));
    this.#judges.add(judge);
    return { [Symbol.dispose]: () => this.#judges.delete(judge) };
  }

  transmit(frame: Uint8Array): void {
    if (!this.#carrier) return this.#drop(frame, "no carrier");
    if (this.#judges.size === 0) return this.#deliverAfter(this.#latency, frame, undefined);
    const fate = decideFate(frame, this.#judges, this.#latency, this.#world.scheduler.now);
    if (fate.kind === "dropped") return this.#drop(frame, fate.because);
    if (fate.frame !== frame) this.#world.capture.same(frame, fate.frame);
    for (const { delay, note } of fate.arrivals) this.#deliverAfter(delay, fate.frame, note);
  }

  #deliverAfter(delay: Micros, frame: Uint8Array, note: string | undefined): void {
    const losses = this.#losses;
    this.#world.scheduler.after(delay, () => {
      if (losses !== this.#losses) return this.#drop(frame, "carrier lost under way");
      this.#world.capture.frame(this.#point, frame, note);
      this.#to.device.receive(this.#to.port, frame);
    });
  }

  #drop(frame: Uint8Array, because: string): void {
    this.#world.capture.frame(this.#point, frame, `dropped on the way to ${this.#point}: ${because}`);
  }
}
