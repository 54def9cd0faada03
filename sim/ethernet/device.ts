/** What hangs on a cable: a host's interface, a switch's port. */
export interface Device {
  /** A frame arrived at `port`. */
  receive(port: string, frame: Uint8Array): void;
  /** The carrier of `port` came or went. */
  carrier(port: string, up: boolean): void;
}

/** A device's own end of its cable. */
export interface CableEnd {
  /** Sends a frame to the other end; without carrier it is lost. */
  transmit(frame: Uint8Array): void;
  readonly carrier: boolean;
}
