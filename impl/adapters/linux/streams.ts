// TCP connections of a process: tcp(7), ip(7), ipv6(7). A connection's socket is made by the addon, because its options must
// hold from the first segment on; Node then connects it.
import { createServer, type Server, Socket } from "node:net";
import { type Ip, isIpv4, isLinkLocal, readIp } from "../../wire/ip.ts";
import { type Effect, type Endpoint, type Input, type StreamOptions } from "../../ports.ts";
import { type Log } from "./log.ts";
import { configure, type NativeSockets } from "./native.ts";
import { Outbox } from "./outbox.ts";
import { domainOf, md5Signature, socketAddress } from "./socket-address.ts";
import { codeOf, hintOf, reasonOf } from "./system-error.ts";

const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const IPPROTO_TCP = 6;
const TCP = { md5sig: 14, notSentLowAt: 25 } as const;
const IPPROTO_IP = 0;
const IP = { ttl: 2, minTtl: 21 } as const;
const IPPROTO_IPV6 = 41;
const IPV6 = { unicastHops: 16, minHopCount: 73 } as const;
/** A peer that does not end its side keeps a closed stream no longer than this. */
const LINGER_MS = 30_000;

export type StreamEffect = Extract<Effect, { kind: "listen" | "connect" | "write" | "closeStream" }>;

export interface StreamWorld {
  readonly native: NativeSockets;
  readonly deliver: (input: Input) => void;
  readonly log: Log;
}

/** Without the zone of a link-local address, and IPv4 as such. Undefined where the kernel names none: the peer has gone. */
function endpoint(ip: string | undefined, port: number | undefined): Endpoint | undefined {
  const parsed = readIp((ip ?? "").replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/, ""));
  return parsed === undefined || port === undefined ? undefined : { ip: parsed, port };
}

function setOptions(native: NativeSockets, fd: number, to: Ip, options: StreamOptions): void {
  const { source, device, ttl, minTtl, md5Key } = options;
  const v4 = isIpv4(to);
  const level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  // What cannot be sent is not taken, but for a little: so a peer that reads nothing is seen (RFC 9687).
  native.setsockopt(fd, IPPROTO_TCP, TCP.notSentLowAt, 1);
  if (device !== undefined) native.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, Buffer.from(`${device}\0`));
  if (md5Key !== undefined) native.setsockopt(fd, IPPROTO_TCP, TCP.md5sig, md5Signature(to, md5Key));
  if (ttl !== undefined) native.setsockopt(fd, level, v4 ? IP.ttl : IPV6.unicastHops, ttl);
  if (minTtl !== undefined) native.setsockopt(fd, level, v4 ? IP.minTtl : IPV6.minHopCount, minTtl);
  if (source !== undefined) native.bind(fd, socketAddress({ ip: source, port: 0 }));
}

/** Throws an Error with the kernel's `code`. */
function createStream(native: NativeSockets, to: Ip, options: StreamOptions): Socket {
  const fd = native.socket(domainOf(to), SOCK_STREAM, 0);
  configure(native, fd, () => setOptions(native, fd, to, options));
  return new Socket({ fd });
}

export class Streams implements Disposable {
  readonly #world: StreamWorld;
  readonly #listeners = new Map<string, Server>();
  readonly #streams = new Map<string, { readonly socket: Socket; readonly outbox: Outbox }>();
  #accepted = 0;

  constructor(world: StreamWorld) {
    this.#world = world;
  }

  run(effect: StreamEffect): void {
    if (effect.kind === "listen") this.#listen(effect);
    else if (effect.kind === "connect") this.#connect(effect);
    else if (effect.kind === "write") this.#streams.get(effect.stream)?.outbox.write(effect.bytes);
    else this.#close(effect);
  }

  #listen({ listener, local }: Extract<StreamEffect, { kind: "listen" }>): void {
    const { deliver, log } = this.#world;
    const server = createServer((socket) => {
      const from = endpoint(socket.remoteAddress, socket.remotePort);
      // Reset before it could be accepted.
      if (from === undefined) return socket.destroy();
      const stream = `${listener}/${this.#accepted++}`;
      this.#adopt(stream, socket);
      deliver({ kind: "accepted", listener, stream, from });
    });
    server.on("error", (error) => log("error", "listen.failed", { listener, because: error.message }));
    server.listen(local.port, local.ip);
    this.#listeners.set(listener, server);
  }

  #connect({ stream, to, options = {} }: Extract<StreamEffect, { kind: "connect" }>): void {
    const { native, deliver, log } = this.#world;
    let socket: Socket;
    try {
      socket = createStream(native, to.ip, options);
    } catch (error) {
      const hint = hintOf(error);
      // The process tries again and again, and tells what it makes of it; what a person must do is said loudly.
      log(hint === "" ? "debug" : "error", "connect.failed", { stream, to: to.ip, because: reasonOf(error), hint });
      return deliver({ kind: "streamClosed", stream, because: codeOf(error) });
    }
    this.#adopt(stream, socket);
    socket.setNoDelay(true);
    const scope = isLinkLocal(to.ip) && !isIpv4(to.ip) && options.device !== undefined ? `%${options.device}` : "";
    socket.connect({ host: `${to.ip}${scope}`, port: to.port }, () => {
      const local = endpoint(socket.localAddress, socket.localPort);
      // Reset before it could be told: `close` follows.
      if (local !== undefined) deliver({ kind: "streamOpened", stream, local, remote: to });
    });
  }

  #adopt(stream: string, socket: Socket): void {
    const { deliver } = this.#world;
    const outbox = new Outbox(socket, (bytes) => {
      if (this.#streams.has(stream)) deliver({ kind: "streamBacklog", stream, bytes });
    });
    this.#streams.set(stream, { socket, outbox });
    let because = "end";
    socket.on("data", (bytes: Buffer) => {
      if (this.#streams.has(stream)) deliver({ kind: "streamData", stream, bytes: Uint8Array.from(bytes) });
    });
    socket.on("error", (error) => {
      because = codeOf(error);
    });
    socket.on("close", () => {
      if (this.#streams.delete(stream)) deliver({ kind: "streamClosed", stream, because });
    });
  }

  #close({ stream, abort }: Extract<StreamEffect, { kind: "closeStream" }>): void {
    const open = this.#streams.get(stream);
    if (open === undefined) return;
    const { socket, outbox } = open;
    this.#streams.delete(stream);
    // Node would wait for a connection that it shall reset.
    if (abort) return void (socket.connecting ? socket.destroy() : socket.resetAndDestroy());
    outbox.end();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.once("close", () => clearTimeout(timer));
  }

  [Symbol.dispose](): void {
    for (const server of this.#listeners.values()) server.close();
    const open = [...this.#streams.values()];
    this.#streams.clear();
    for (const { socket } of open) socket.destroy();
  }
}
