import { minutes, plus, type Micros } from "../../impl/wire/time.ts";
import { type SimWorld } from "../world.ts";
import { type Lower, macKey, macKeyAt, type Master, type NetworkDevice } from "./network-device.ts";

/** Linux: ageing_time 30000 (centiseconds). */
const AGEING = minutes(5);
/** IEEE 802.1D section 7.12.6: 01:80:c2:00:00:0x is never forwarded. */
const RESERVED = Math.floor(0x0180c2000000 / 16);

interface Learned {
  readonly port: NetworkDevice;
  readonly until: Micros;
}

/** A bridge inside a host, such as the one that virtual machines hang on. The host itself is one of its stations. */
export class Bridge implements Lower, Master {
  readonly sharesWithCaptures = false;
  readonly #world: SimWorld;
  readonly #ports: NetworkDevice[] = [];
  readonly #learned = new Map<number, Learned>();
  #self: NetworkDevice | undefined;

  constructor(world: SimWorld) {
    this.#world = world;
  }

  bind(self: NetworkDevice): void {
    this.#self = self;
  }

  get name(): string {
    return this.#self?.name ?? "";
  }

  get running(): boolean {
    return this.#ports.some((port) => port.running);
  }

  add(port: NetworkDevice): void {
    this.#ports.push(port);
    port.setMaster(this);
  }

  remove(port: NetworkDevice): void {
    this.#ports.splice(this.#ports.indexOf(port), 1);
    port.setMaster(undefined);
    this.#forget(port);
  }

  portChanged(): void {
    for (const port of this.#ports) if (!port.running) this.#forget(port);
    this.#self?.changed();
  }

  #forget(port: NetworkDevice): void {
    for (const [mac, learned] of this.#learned) if (learned.port === port) this.#learned.delete(mac);
  }

  transmit(frame: Uint8Array): void {
    this.#forward(frame, undefined);
  }

  input(port: NetworkDevice, frame: Uint8Array): void {
    const destination = macKeyAt(frame, 0);
    if (Math.floor(destination / 16) === RESERVED) return;
    if (!isGroup(frame, 6)) {
      const until = plus(this.#world.scheduler.now, AGEING);
      this.#learned.set(macKeyAt(frame, 6), { port, until });
    }
    const self = this.#self;
    const toSelf = self !== undefined && destination === macKey(self.mac);
    if (!toSelf) this.#forward(frame, port);
    if (toSelf || isGroup(frame, 0)) self?.input(frame);
  }

  #forward(frame: Uint8Array, from: NetworkDevice | undefined): void {
    const learned = isGroup(frame, 0) ? undefined : this.#learned.get(macKeyAt(frame, 0));
    if (learned !== undefined && learned.until > this.#world.scheduler.now) {
      if (learned.port !== from) this.#send(learned.port, frame);
      return;
    }
    for (const port of this.#ports) if (port !== from) this.#send(port, frame);
  }

  #send(port: NetworkDevice, frame: Uint8Array): void {
    const copy = frame.slice();
    this.#world.capture.same(frame, copy);
    port.transmit(copy);
  }
}

/** The I/G bit of the address at `offset`. */
const isGroup = (frame: Uint8Array, offset: number): boolean => ((frame[offset] ?? 0) & 1) === 1;
