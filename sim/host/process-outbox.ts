import { ByteQueue } from "./tcp-buffer.ts";
import { type TcpSocket } from "./tcp-socket.ts";

/** What a process wrote to a stream and the kernel has no room for; it is lost with the process. */
export class Outbox {
  readonly #socket: TcpSocket;
  readonly #report: (bytes: number) => void;
  readonly #queue = new ByteQueue();
  /** What is done once nothing waits any more; nothing can be written before it. */
  #last: "close" | "shutdown" | undefined;

  /** `report` hears how many bytes wait, whenever some do, and when none do any more. */
  constructor(socket: TcpSocket, report: (bytes: number) => void) {
    this.#socket = socket;
    this.#report = report;
  }

  /** The process has closed the stream, and bytes still wait. */
  get lingers(): boolean {
    return this.#last === "close" && this.#queue.length > 0;
  }

  write(bytes: Uint8Array): void {
    if (this.#last !== undefined) return;
    this.#queue.append(bytes);
    this.#fill();
    if (this.#queue.length > 0) this.#report(this.#queue.length);
  }

  /** The kernel has room again. */
  flush(): void {
    if (this.#queue.length === 0) return;
    this.#fill();
    if (this.#last !== "close") this.#report(this.#queue.length);
    this.#end();
  }

  /** Gives the connection up, or only its own side, after what waits. */
  finish(last: "close" | "shutdown"): void {
    this.#last = last;
    this.#end();
  }

  #end(): void {
    if (this.#queue.length > 0) return;
    if (this.#last === "close") this.#socket.close();
    else if (this.#last === "shutdown") this.#socket.shutdown();
  }

  #fill(): void {
    const next = this.#queue.slice(0, this.#socket.room);
    if (next.length === 0) return;
    this.#queue.drop(next.length);
    this.#socket.write(next);
  }
}
