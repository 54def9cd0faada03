// In a client's namespace: a BGP speaker of the scenario's making. Its sockets are the addon's, because TCP-MD5 must be asked
// for before anybody connects.
import { createServer, type Server, type Socket } from "node:net";
import { configure, type NativeSockets } from "../../../impl/adapters/linux/native.ts";
import { domainOf, md5SignatureOfAll, socketAddress } from "../../../impl/adapters/linux/socket-address.ts";
import { codeOf } from "../../../impl/adapters/linux/system-error.ts";
import { type Ip, isIpv6, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../../impl/wire/ip.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { monotonic } from "../../lab/wall-clock.ts";
import { cutMessages } from "../bgp-messages.ts";
import { type HeardConnection } from "./protocol.ts";

const PORT = 179;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_TCP = 6;
const TCP_MD5SIG_EXT = 32;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

interface Connection {
  readonly socket: Socket;
  readonly at: Micros;
  readonly from: string;
  readonly messages: { readonly at: Micros; readonly bytes: string }[];
  closed: HeardConnection["closed"];
}

function listenerOn(native: NativeSockets, ip: Ip, md5Key: string | undefined): number {
  const fd = native.socket(domainOf(ip), SOCK_STREAM, 0);
  configure(native, fd, () => {
    native.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (isIpv6(ip)) native.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (md5Key !== undefined) {
      native.setsockopt(fd, IPPROTO_TCP, TCP_MD5SIG_EXT, md5SignatureOfAll(ip, Buffer.from(md5Key)));
    }
    native.bind(fd, socketAddress({ ip, port: PORT }));
  });
  return fd;
}

export class RawBgpListener {
  readonly #servers: readonly Server[];
  readonly #greet: readonly string[];
  readonly #connections: Connection[] = [];
  #reading = true;

  constructor(native: NativeSockets, greet: readonly string[], md5Key: string | undefined) {
    this.#greet = greet;
    this.#servers = [UNSPECIFIED_V4, UNSPECIFIED_V6].map((ip) => {
      const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
      return server.listen({ fd: listenerOn(native, ip, md5Key) });
    });
  }

  #accept(socket: Socket): void {
    const from = (socket.remoteAddress ?? "").replace(/%.*$/, "");
    const connection: Connection = { socket, at: monotonic(), from, messages: [], closed: undefined };
    this.#connections.push(connection);
    let rest: Uint8Array = new Uint8Array(0);
    let because = "end";
    socket.on("data", (bytes: Buffer) => {
      const cut = cutMessages(Buffer.concat([rest, bytes]));
      rest = cut.rest;
      for (const message of cut.messages) connection.messages.push({ at: monotonic(), bytes: base64(message) });
    });
    socket.on("error", (error) => (because = codeOf(error)));
    const over = (): void => {
      connection.closed ??= { at: monotonic(), because };
    };
    socket.on("end", over).on("close", over);
    if (!this.#reading) socket.pause();
    for (const bytes of this.#greet) socket.write(Buffer.from(bytes, "base64"));
  }

  get #newest(): Socket {
    const newest = this.#connections.at(-1);
    if (newest === undefined) throw new Error("nobody has connected");
    return newest.socket;
  }

  send(bytes: string): null {
    this.#newest.write(Buffer.from(bytes, "base64"));
    return null;
  }

  connections(): readonly HeardConnection[] {
    return this.#connections.map(({ at, from, messages, closed }) => ({ at, from, messages, closed }));
  }

  close(abort: boolean): null {
    if (abort) this.#newest.resetAndDestroy();
    else this.#newest.end();
    return null;
  }

  read(reading: boolean): null {
    this.#reading = reading;
    for (const { socket } of this.#connections) {
      if (reading) socket.resume();
      else socket.pause();
    }
    return null;
  }

  stop(): null {
    for (const server of this.#servers) server.close();
    for (const { socket } of this.#connections) socket.resetAndDestroy();
    return null;
  }
}
