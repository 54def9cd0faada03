import { type Endpoint, type Input } from "../../impl/ports.ts";
import { isUnspecified, isIpv4 } from "../../impl/wire/ip.ts";
import { type Host } from "./host.ts";
import { type TcpHandler, type TcpSocket } from "./tcp.ts";

/** The TCP listeners and connections of one process, by the names that it or, for accepted ones, the kernel gave them. */
export class ProcessStreams {
  readonly #host: Host;
  readonly #deliver: (input: Input) => void;
  readonly #listeners = new Map<string, Disposable>();
  readonly #streams = new Map<string, TcpSocket>();
  #accepted = 0;
  #paused = false;

  constructor(host: Host, deliver: (input: Input) => void) {
    this.#host = host;
    this.#deliver = deliver;
  }

  listen(listener: string, local: Endpoint): void {
    this.#listeners.get(listener)?.[Symbol.dispose]();
    const any = isUnspecified(local.ip) && !isIpv4(local.ip);
    const at = any ? { port: local.port } : local;
    this.#listeners.set(
      listener,
      this.#host.tcp.listen(at, (socket) => this.#accept(listener, socket)),
    );
  }

  #accept(listener: string, socket: TcpSocket): TcpHandler {
    const stream = `${listener}#${++this.#accepted}`;
    this.#streams.set(stream, socket);
    if (this.#paused) socket.pause();
    return {
      ...this.#events(stream),
      opened: () => this.#deliver({ kind: "accepted", listener, stream, from: socket.remote }),
    };
  }

  connect(stream: string, to: Endpoint): void {
    const socket = this.#host.tcp.connect(to, {
      ...this.#events(stream),
      opened: () => this.#deliver({ kind: "streamOpened", stream, local: socket.local, remote: socket.remote }),
    });
    this.#streams.set(stream, socket);
  }

  #events(stream: string): TcpHandler {
    return {
      data: (bytes) => this.#deliver({ kind: "streamData", stream, bytes: bytes.slice() }),
      closed: (because) => {
        this.#streams.delete(stream);
        this.#deliver({ kind: "streamClosed", stream, because });
      },
    };
  }

  write(stream: string, bytes: Uint8Array): void {
    this.#streams.get(stream)?.write(bytes);
  }

  close(stream: string, abort: boolean): void {
    const socket = this.#streams.get(stream);
    this.#streams.delete(stream);
    if (abort) socket?.abort();
    else socket?.close();
  }

  /** Nobody reads: the kernel acknowledges until the windows are full. */
  pause(): void {
    this.#paused = true;
    for (const socket of this.#streams.values()) socket.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const socket of this.#streams.values()) socket.resume();
  }

  /** What the kernel does for a process that ended: FIN, or RST where something was not read. */
  closeAll(): void {
    for (const listener of this.#listeners.values()) listener[Symbol.dispose]();
    for (const socket of this.#streams.values()) socket.close();
    this.#listeners.clear();
    this.#streams.clear();
  }
}
