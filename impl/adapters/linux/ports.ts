// Everything a process asks for, on Linux.
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { createServer, connect, type Server, type Socket } from "node:net";
import { unreachable } from "../../wire/brand.ts";
import { readIp } from "../../wire/ip.ts";
import { micros, type Micros } from "../../wire/time.ts";
import {
  type Effect,
  type Endpoint,
  type Input,
  type Instant,
  type KubeRequest,
  type Link,
  type Ports,
} from "../../ports.ts";
import { FrameSocket } from "./frames.ts";
import { GroupMemberships } from "./groups.ts";
import { LinkMonitor } from "./links.ts";
import { type NativeSockets } from "./native.ts";

export interface LinuxOptions {
  readonly native: NativeSockets;
  readonly deliver: (input: Input) => void;
  readonly kube: { request(request: KubeRequest): void; abort(request: string): void };
  readonly log: (level: string, event: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly exit: (code: number) => void;
}

/** setTimeout's longest delay. */
const LONGEST_MS = 2 ** 31 - 1;

/** Without the zone of a link-local address, and IPv4 as such. Undefined where the kernel names none: the peer has gone. */
function endpoint(ip: string | undefined, port: number | undefined): Endpoint | undefined {
  const parsed = readIp((ip ?? "").replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/, ""));
  return parsed === undefined || port === undefined ? undefined : { ip: parsed, port };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class LinuxPorts implements Ports, Disposable {
  readonly #options: LinuxOptions;
  readonly #links = new Map<string, Link>();
  readonly #frames = new Map<string, FrameSocket>();
  readonly #groups: GroupMemberships;
  readonly #monitor: LinkMonitor;
  readonly #datagrams = new Map<string, DatagramSocket>();
  readonly #listeners = new Map<string, Server>();
  readonly #streams = new Map<string, Socket>();
  #accepted = 0;
  #alarm: NodeJS.Timeout | undefined;

  constructor(options: LinuxOptions) {
    this.#options = options;
    this.#groups = new GroupMemberships(options.native);
    this.#monitor = new LinkMonitor(options.native, (links) => {
      this.#links.clear();
      for (const link of links) this.#links.set(link.name, link);
      this.#groups.keepOnly(links);
      options.deliver({ kind: "links", links });
    });
  }

  now(): Instant {
    const monotonic = micros(Number(process.hrtime.bigint() / 1000n));
    return { monotonic, wall: micros((performance.timeOrigin + performance.now()) * 1000) };
  }

  arm(at: Micros | undefined): void {
    clearTimeout(this.#alarm);
    if (at === undefined) return;
    const delayMs = Math.max(0, (at - this.now().monotonic) / 1000);
    this.#alarm = setTimeout(() => this.#options.deliver({ kind: "wake" }), Math.min(Math.ceil(delayMs), LONGEST_MS));
  }

  run(effect: Effect): void {
    switch (effect.kind) {
      case "openLink":
      case "closeLink":
      case "joinGroup":
      case "leaveGroup":
      case "sendFrame":
        return this.#runLink(effect);
      case "openDatagrams":
      case "closeDatagrams":
      case "sendDatagram":
        return this.#runDatagrams(effect);
      case "listen":
      case "connect":
      case "write":
      case "closeStream":
        return this.#runStream(effect);
      case "request":
        return this.#options.kube.request(effect);
      case "abortRequest":
        return this.#options.kube.abort(effect.request);
      case "log":
        return this.#options.log(effect.level, effect.event, effect.fields);
      case "exit":
        return this.#options.exit(effect.code);
      default:
        return unreachable(effect);
    }
  }

  #runLink(
    effect: Extract<Effect, { kind: "openLink" | "closeLink" | "joinGroup" | "leaveGroup" | "sendFrame" }>,
  ): void {
    const { deliver, native, log } = this.#options;
    const link = this.#links.get(effect.link);
    if (effect.kind === "sendFrame") {
      this.#frames.get(effect.link)?.send(effect.bytes);
    } else if (effect.kind === "closeLink") {
      this.#frames.get(effect.link)?.[Symbol.dispose]();
      this.#frames.delete(effect.link);
    } else if (link !== undefined && effect.kind === "openLink") {
      try {
        const socket = new FrameSocket(native, link, (bytes) => deliver({ kind: "frame", link: effect.link, bytes }));
        this.#frames.set(effect.link, socket);
      } catch (error) {
        const reason = reasonOf(error);
        const hint = reason.includes("EPERM") ? "CAP_NET_RAW is missing" : "";
        log("error", "link.open.failed", { link: effect.link, because: reason, hint });
      }
    } else if (link !== undefined && effect.kind === "joinGroup") {
      try {
        this.#groups.join(link, effect.group);
      } catch (error) {
        log("error", "group.join.failed", { link: effect.link, group: effect.group, because: reasonOf(error) });
      }
    } else if (link !== undefined && effect.kind === "leaveGroup") this.#groups.leave(link, effect.group);
  }

  #runDatagrams(effect: Extract<Effect, { kind: "openDatagrams" | "closeDatagrams" | "sendDatagram" }>): void {
    const { deliver, log } = this.#options;
    const { socket: name } = effect;
    if (effect.kind === "closeDatagrams") {
      this.#datagrams.get(name)?.close();
      this.#datagrams.delete(name);
      return;
    }
    if (effect.kind === "sendDatagram") {
      this.#datagrams.get(name)?.send(effect.bytes, effect.to.port, effect.to.ip, (error) => {
        if (error !== null) log("debug", "datagram.failed", { to: effect.to.ip, because: error.message });
      });
      return;
    }
    const socket = createSocket({ type: effect.local.ip.includes(":") ? "udp6" : "udp4" });
    this.#datagrams.set(name, socket);
    socket.on("message", (bytes, { address, port }) => {
      const from = endpoint(address, port);
      if (from !== undefined) deliver({ kind: "datagram", socket: name, from, bytes: Uint8Array.from(bytes) });
    });
    socket.on("error", (error) => log("error", "datagrams.failed", { socket: name, because: error.message }));
    socket.bind(effect.local.port, effect.local.ip);
  }

  #runStream(effect: Extract<Effect, { kind: "listen" | "connect" | "write" | "closeStream" }>): void {
    const { deliver, log } = this.#options;
    if (effect.kind === "listen") {
      const { listener, local } = effect;
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
    } else if (effect.kind === "connect") {
      const { stream, to } = effect;
      const socket = connect({ host: to.ip, port: to.port });
      this.#adopt(stream, socket);
      socket.once("connect", () => {
        const local = endpoint(socket.localAddress, socket.localPort);
        // Reset before it could be told: `close` follows.
        if (local !== undefined) deliver({ kind: "streamOpened", stream, local, remote: to });
      });
    } else if (effect.kind === "write") this.#streams.get(effect.stream)?.write(effect.bytes);
    else {
      const socket = this.#streams.get(effect.stream);
      this.#streams.delete(effect.stream);
      if (effect.abort) socket?.resetAndDestroy();
      else socket?.end();
    }
  }

  #adopt(stream: string, socket: Socket): void {
    const { deliver } = this.#options;
    this.#streams.set(stream, socket);
    let because = "end";
    socket.on("data", (bytes: Buffer) => {
      if (this.#streams.has(stream)) deliver({ kind: "streamData", stream, bytes: Uint8Array.from(bytes) });
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      because = error.code ?? error.message;
    });
    socket.on("close", () => {
      if (this.#streams.delete(stream)) deliver({ kind: "streamClosed", stream, because });
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#alarm);
    this.#monitor[Symbol.dispose]();
    this.#groups[Symbol.dispose]();
    for (const socket of this.#frames.values()) socket[Symbol.dispose]();
    for (const socket of this.#datagrams.values()) socket.close();
    for (const server of this.#listeners.values()) server.close();
    for (const socket of this.#streams.values()) socket.destroy();
  }
}
