// Everything a process asks for, on Linux.
import { unreachable } from "../../wire/brand.ts";
import { type Micros } from "../../wire/time.ts";
import { type Effect, type Input, type Instant, type KubeRequest, type Link, type Ports } from "../../ports.ts";
import { Alarm, instant } from "../alarm.ts";
import { Datagrams } from "./datagrams.ts";
import { FrameSocket } from "./frames.ts";
import { GroupMemberships } from "./groups.ts";
import { LinkMonitor } from "./links.ts";
import { type Log } from "./log.ts";
import { type NativeSockets } from "./native.ts";
import { Streams } from "./streams.ts";
import { hintOf, reasonOf } from "./system-error.ts";

export interface LinuxOptions {
  readonly native: NativeSockets;
  readonly deliver: (input: Input) => void;
  readonly kube: { request(request: KubeRequest): void; abort(request: string): void };
  readonly log: Log;
  readonly exit: (code: number) => void;
}

export class LinuxPorts implements Ports, Disposable {
  readonly #options: LinuxOptions;
  readonly #links = new Map<string, Link>();
  readonly #frames = new Map<string, FrameSocket>();
  readonly #groups: GroupMemberships;
  readonly #monitor: LinkMonitor;
  readonly #datagrams: Datagrams;
  readonly #streams: Streams;
  readonly #alarm: Alarm;

  constructor(options: LinuxOptions) {
    this.#options = options;
    const { native, deliver, log } = options;
    this.#alarm = new Alarm(() => deliver({ kind: "wake" }));
    this.#groups = new GroupMemberships(native);
    this.#streams = new Streams({ native, deliver, log });
    this.#datagrams = new Datagrams({ native, deliver, log, linkName: (index) => this.#linkName(index) });
    this.#monitor = new LinkMonitor(native, (links) => {
      this.#links.clear();
      for (const link of links) this.#links.set(link.name, link);
      this.#groups.keepOnly(links);
      deliver({ kind: "links", links });
    });
  }

  now(): Instant {
    return instant();
  }

  arm(at: Micros | undefined): void {
    this.#alarm.arm(at);
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
        return this.#datagrams.run(effect);
      case "listen":
      case "connect":
      case "write":
      case "closeStream":
        return this.#streams.run(effect);
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

  #linkName(index: number): string | undefined {
    for (const link of this.#links.values()) if (link.index === index) return link.name;
    return undefined;
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
        this.#frames.get(effect.link)?.[Symbol.dispose]();
        this.#frames.set(effect.link, socket);
      } catch (error) {
        log("error", "link.open.failed", { link: effect.link, because: reasonOf(error), hint: hintOf(error) });
      }
    } else if (link !== undefined && effect.kind === "joinGroup") {
      try {
        this.#groups.join(link, effect.group);
      } catch (error) {
        log("error", "group.join.failed", { link: effect.link, group: effect.group, because: reasonOf(error) });
      }
    } else if (link !== undefined && effect.kind === "leaveGroup") this.#groups.leave(link, effect.group);
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
    this.#monitor[Symbol.dispose]();
    this.#groups[Symbol.dispose]();
    for (const socket of this.#frames.values()) socket[Symbol.dispose]();
    this.#datagrams[Symbol.dispose]();
    this.#streams[Symbol.dispose]();
  }
}
