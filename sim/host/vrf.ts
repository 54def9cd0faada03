import { type Lower, type Master, type NetworkDevice } from "./network-device.ts";

/** Linux drivers/net/vrf.c: its ports keep their frames, and route by the table that bears its name. */
export class Vrf implements Lower, Master {
  readonly running = true;
  readonly sharesWithCaptures = false;
  #self: NetworkDevice | undefined;

  bind(self: NetworkDevice): void {
    this.#self = self;
  }

  get name(): string {
    return this.#self?.name ?? "";
  }

  add(port: NetworkDevice): void {
    port.setMaster(this);
  }

  remove(port: NetworkDevice): void {
    port.setMaster(undefined);
  }

  input(port: NetworkDevice, frame: Uint8Array): void {
    port.accept(frame);
  }

  portChanged(): void {}

  transmit(): void {}
}
