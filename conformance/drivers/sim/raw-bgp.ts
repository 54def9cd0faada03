// A BGP speaker of the scenario's making, on the TCP of a simulated client.
import { parsePrefix } from "../../../impl/wire/prefix.ts";
import { encodeUtf8 } from "../../../impl/wire/text.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type Md5Key } from "../../../sim/host/tcp-admission.ts";
import { type Host } from "../../../sim/host/host.ts";
import { type TcpHandler, type TcpSocket } from "../../../sim/host/tcp.ts";
import { type Ending, type RawBgp, type RawBgpConnection } from "../../world.ts";
import { cutMessages } from "../bgp-messages.ts";
import { ending } from "../ending.ts";

const PORT = 179;

/** The same key for everybody. */
function keysOf(key: string | undefined): readonly Md5Key[] {
  if (key === undefined) return [];
  return ["0.0.0.0/0", "::/0"].map((peers) => ({ peers: parsePrefix(peers), key: encodeUtf8(key) }));
}

interface Connection {
  readonly socket: TcpSocket;
  readonly at: Micros;
  readonly messages: { readonly at: Micros; readonly bytes: Uint8Array }[];
  rest: Uint8Array;
  closed: RawBgpConnection["closed"];
}

export interface RawBgpOptions {
  readonly greet?: readonly Uint8Array[];
  readonly md5Key?: string;
}

export class SimRawBgp implements RawBgp {
  readonly #now: () => Micros;
  readonly #touch: () => void;
  readonly #listener: Disposable;
  readonly #greet: readonly Uint8Array[];
  readonly #connections: Connection[] = [];
  #reading = true;

  constructor(host: Host, options: RawBgpOptions, now: () => Micros, touch: () => void) {
    this.#now = now;
    this.#touch = touch;
    this.#greet = options.greet ?? [];
    this.#listener = host.tcp.listen(PORT, (socket) => this.#accept(socket), { md5Keys: keysOf(options.md5Key) });
  }

  #accept(socket: TcpSocket): TcpHandler {
    const connection: Connection = {
      socket,
      at: this.#now(),
      messages: [],
      rest: new Uint8Array(0),
      closed: undefined,
    };
    this.#connections.push(connection);
    if (!this.#reading) socket.pause();
    return {
      opened: () => {
        for (const bytes of this.#greet) socket.write(bytes);
        this.#touch();
      },
      data: (bytes) => {
        const { messages, rest } = cutMessages(Uint8Array.of(...connection.rest, ...bytes));
        connection.rest = rest;
        for (const message of messages) connection.messages.push({ at: this.#now(), bytes: message });
        this.#touch();
      },
      closed: (because) => {
        connection.closed ??= { at: this.#now(), because };
        this.#touch();
      },
    };
  }

  get #newest(): TcpSocket {
    const newest = this.#connections.at(-1);
    if (newest === undefined) throw new Error("nobody has connected");
    return newest.socket;
  }

  async send(bytes: Uint8Array): Promise<void> {
    this.#newest.write(bytes);
  }

  async connections(): Promise<readonly RawBgpConnection[]> {
    return this.#connections.map(({ socket, at, messages, closed }) => ({
      at,
      from: socket.remote.ip,
      messages: [...messages],
      closed,
    }));
  }

  async close(abort: boolean): Promise<void> {
    if (abort) this.#newest.abort();
    else this.#newest.close();
  }

  async stopReading(): Promise<Ending> {
    this.#reading = false;
    for (const { socket } of this.#connections) socket.pause();
    return ending(() => {
      this.#reading = true;
      for (const { socket } of this.#connections) socket.resume();
    });
  }

  async end(): Promise<void> {
    this.#listener[Symbol.dispose]();
    for (const { socket, closed } of this.#connections) if (closed === undefined) socket.abort();
  }
}
