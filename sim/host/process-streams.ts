import { type Endpoint, type Input, type StreamOptions } from "../../impl/ports.ts";
import { isUnspecified, isIpv4 } from "../../impl/wire/ip.ts";
import { type Host } from "./host.ts";
import { Outbox } from "./process-outbox.ts";
import { type TcpHandler } from "./tcp-owner.ts";
import { type TcpSocket } from "./tcp-socket.ts";

/** A connection of the process. */
interface Stream {
  readonly name: string;
  readonly socket: TcpSocket;
  readonly outbox: Outbox;
}

/** The TCP listeners and connections of one process, by the names that it or, for accepted ones, the kernel gave them. */
export class ProcessStreams {
  readonly #host: Host;
  readonly #deliver: (input: Input) => void;
  readonly #listeners = new Map<string, Disposable>();
  readonly #streams = new Map<string, Stream>();
  /** The process has closed them, and what it wrote is not all with the kernel yet. */
  readonly #lingering = new Set<Stream>();
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
    const stream = this.#keep(`${listener}#${++this.#accepted}`, socket);
    if (this.#paused) socket.pause();
    return {
      ...this.#events(() => stream),
      opened: () => this.#deliver({ kind: "accepted", listener, stream: stream.name, from: socket.remote }),
    };
  }

  connect(name: string, to: Endpoint, options?: StreamOptions): void {
    const handler: TcpHandler = {
      ...this.#events(() => stream),
      opened: () => {
        if (!this.#has(stream)) return;
        const { local, remote } = stream.socket;
        this.#deliver({ kind: "streamOpened", stream: name, local, remote });
      },
    };
    const stream = this.#keep(name, this.#host.tcp.connect(to, handler, options));
  }

  #keep(name: string, socket: TcpSocket): Stream {
    const report = (bytes: number): void => this.#deliver({ kind: "streamBacklog", stream: name, bytes });
    const stream = { name, socket, outbox: new Outbox(socket, report) };
    this.#streams.set(name, stream);
    return stream;
  }

  /** A stream that was closed says nothing more, though it may still send. */
  #has(stream: Stream): boolean {
    return this.#streams.get(stream.name) === stream;
  }

  #events(stream: () => Stream): TcpHandler {
    return {
      data: (bytes) => {
        const { name } = stream();
        if (this.#has(stream())) this.#deliver({ kind: "streamData", stream: name, bytes: bytes.slice() });
      },
      writable: () => {
        if (!this.#paused) this.#flush(stream());
      },
      // As Node's sockets do that are not told to stay half open.
      ended: () => stream().outbox.finish("shutdown"),
      closed: (because) => {
        this.#lingering.delete(stream());
        if (!this.#has(stream())) return;
        this.#streams.delete(stream().name);
        this.#deliver({ kind: "streamClosed", stream: stream().name, because });
      },
    };
  }

  #flush(stream: Stream): void {
    stream.outbox.flush();
    if (!stream.outbox.lingers) this.#lingering.delete(stream);
  }

  write(name: string, bytes: Uint8Array): void {
    this.#streams.get(name)?.outbox.write(bytes);
  }

  close(name: string, abort: boolean): void {
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    this.#streams.delete(name);
    if (abort) return stream.socket.abort();
    stream.outbox.finish("close");
    if (stream.outbox.lingers) this.#lingering.add(stream);
  }

  /** Nobody reads: the kernel acknowledges until the windows are full. */
  pause(): void {
    this.#paused = true;
    for (const { socket } of this.#all()) socket.pause();
  }

  resume(): void {
    this.#paused = false;
    for (const { socket } of this.#all()) socket.resume();
    for (const stream of this.#all()) this.#flush(stream);
  }

  #all(): readonly Stream[] {
    return [...this.#streams.values(), ...this.#lingering];
  }

  /** What the kernel does for a process that ended: FIN, or RST where something was not read. */
  closeAll(): void {
    for (const listener of this.#listeners.values()) listener[Symbol.dispose]();
    const open = this.#all();
    this.#listeners.clear();
    this.#streams.clear();
    this.#lingering.clear();
    for (const { socket } of open) socket.close();
  }
}
