import { type Lower, type NetworkDevice } from "./network-device.ts";

/** IEEE 802.1Q: what a VLAN device sends goes through its parent with a tag. */
export class Vlan implements Lower {
  readonly #parent: NetworkDevice;
  readonly #id: number;

  constructor(parent: NetworkDevice, id: number) {
    this.#parent = parent;
    this.#id = id;
  }

  get running(): boolean {
    return this.#parent.running;
  }

  transmit(frame: Uint8Array): void {
    const tagged = new Uint8Array(frame.length + 4);
    tagged.set(frame.subarray(0, 12));
    tagged.set([0x81, 0x00, this.#id >> 8, this.#id & 0xff], 12);
    tagged.set(frame.subarray(12), 16);
    this.#parent.transmit(tagged);
  }
}
