import { type Mac } from "../../impl/wire/mac.ts";
import { type CableEnd, type Device } from "./device.ts";

/** The simplest thing at the end of a cable: it sends what it is told and passes on what it hears. */
export class Station implements Device {
  readonly name: string;
  readonly mac: Mac;
  readonly #hear: (frame: Uint8Array) => void;
  #end: CableEnd | undefined;

  constructor(name: string, mac: Mac, hear: (frame: Uint8Array) => void) {
    this.name = name;
    this.mac = mac;
    this.#hear = hear;
  }

  plug(end: CableEnd): void {
    this.#end = end;
  }

  send(frame: Uint8Array): void {
    this.#end?.transmit(frame);
  }

  receive(_port: string, frame: Uint8Array): void {
    this.#hear(frame);
  }

  carrier(): void {}
}
