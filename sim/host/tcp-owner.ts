import { type TcpReceiver } from "./tcp-receiver.ts";

/** `end` when both sides ended; otherwise the error as connect(2) and read(2) name it. */
export type CloseReason =
  | "end"
  | "ECONNREFUSED"
  | "ECONNRESET"
  | "ETIMEDOUT"
  | "EHOSTUNREACH"
  | "ENETUNREACH"
  | "EACCES"
  | "EADDRNOTAVAIL"
  | "ENODEV"
  | "EINVAL";

/** What the owner of a connection is told. After its own `close` or `abort` it hears nothing more. */
export interface TcpHandler {
  opened?(): void;
  data?(bytes: Uint8Array): void;
  /** The send buffer was full and takes more again. */
  writable?(): void;
  /** The peer's FIN. Without this method the connection then ends its own side too. */
  ended?(): void;
  /** It is over: both sides have ended, or it failed. */
  closed?(because: CloseReason): void;
}

/** Tells the owner what happened: in order, and only while it reads. */
export class TcpOwner {
  #handler: TcpHandler | undefined;
  #released = false;
  #reading = true;
  #saidEnded = false;
  #over: CloseReason | undefined;

  constructor(handler?: TcpHandler) {
    this.#handler = handler;
  }

  get released(): boolean {
    return this.#released;
  }

  set reading(reading: boolean) {
    this.#reading = reading;
  }

  adopt(handler: TcpHandler): void {
    this.#handler = handler;
  }

  /** It does not want to hear more. */
  release(): void {
    this.#released = true;
    this.#handler = undefined;
  }

  opened(): void {
    this.#handler?.opened?.();
  }

  writable(): void {
    this.#handler?.writable?.();
  }

  /** Hands over what can be read, then the peer's end, then the end of all. True where the own side shall end too. */
  deliver(receiver: TcpReceiver): boolean {
    while (this.#reading && this.#handler !== undefined && receiver.unread > 0) {
      const bytes = receiver.read();
      this.#handler.data?.(bytes);
    }
    if (!this.#reading || receiver.unread > 0) return false;
    let shallEnd = false;
    if (receiver.ended && !this.#saidEnded) {
      this.#saidEnded = true;
      shallEnd = this.#handler !== undefined && this.#handler.ended === undefined;
      this.#handler?.ended?.();
    }
    if (this.#over !== undefined) this.#close(this.#over);
    return shallEnd;
  }

  /** The connection is over. What can still be read comes first. */
  end(because: CloseReason, receiver: TcpReceiver): void {
    this.#over ??= because;
    this.deliver(receiver);
  }

  #close(because: CloseReason): void {
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.closed?.(because);
  }
}
