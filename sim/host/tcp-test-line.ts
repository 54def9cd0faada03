// Two hosts with nothing between them but a line of 50 µs, for the tests of TCP.
import { type Ip, parseIp } from "../../impl/wire/ip.ts";
import { decodeTcp, type Tcp } from "../../impl/wire/tcp.ts";
import { decodeUtf8, encodeUtf8 } from "../../impl/wire/text.ts";
import { inSeconds, type Micros, micros, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Scheduled } from "../world.ts";
import { type IpEndpoint, type IpPacket, type OutgoingPacket, type ProtocolHandler } from "./hooks.ts";
import { type TcpHandler, type TcpOptions, TcpStack } from "./tcp.ts";

/** What happens to a packet: the delays of its arrivals, none where it is lost. */
export type Judge = (from: string, segment: Tcp) => readonly Micros[];

const LATENCY = micros(50);
const NAMES = ["a", "b"] as const;
export type Name = (typeof NAMES)[number];

class LineEnd implements IpEndpoint {
  readonly name: string;
  readonly #address: Ip;
  readonly #line: Line;
  #handler: ProtocolHandler | undefined;

  constructor(line: Line, name: string, address: Ip) {
    this.#line = line;
    this.name = name;
    this.#address = address;
  }

  localAddresses(): readonly Ip[] {
    return [this.#address];
  }

  isLocal(ip: Ip): boolean {
    return ip === this.#address;
  }

  sourceFor(): Ip {
    return this.#address;
  }

  mtuTo(): number {
    return 1500;
  }

  sendIp(packet: OutgoingPacket): void {
    this.#line.carry(this.name, { ttl: 64, ...packet });
  }

  registerProtocol(_protocol: number, handler: ProtocolHandler): Disposable {
    this.#handler = handler;
    return { [Symbol.dispose]: () => undefined };
  }

  confirm(): void {}

  after(delay: Micros, task: () => void): Scheduled {
    return this.#line.world.scheduler.after(delay, task);
  }

  receive(packet: IpPacket): void {
    this.#handler?.receive(packet, "line");
  }
}

export class Line {
  readonly world: World;
  readonly address: Readonly<Record<Name, Ip>>;
  readonly stack: Readonly<Record<Name, TcpStack>>;
  readonly #ends: Readonly<Record<Name, LineEnd>>;
  readonly #initial = new Map<string, number>();
  /** Every segment as it was sent, and what handlers were told: `0.000100 a>b SYN seq 0`. */
  readonly log: string[] = [];
  judge: Judge = () => [LATENCY];

  constructor(family: "ipv4" | "ipv6" = "ipv4", seed = "line", options: TcpOptions = {}) {
    this.world = createWorld({ seed });
    const texts = family === "ipv4" ? ["192.0.2.1", "192.0.2.2"] : ["2001:db8::1", "2001:db8::2"];
    this.address = { a: parseIp(texts[0] ?? ""), b: parseIp(texts[1] ?? "") };
    this.#ends = { a: new LineEnd(this, "a", this.address.a), b: new LineEnd(this, "b", this.address.b) };
    this.stack = { a: new TcpStack(this.world, this.#ends.a, options), b: new TcpStack(this.world, this.#ends.b) };
  }

  get now(): number {
    return inSeconds(this.world.scheduler.now);
  }

  run(for_seconds: number): this {
    this.world.scheduler.advance(micros(this.world.scheduler.now + seconds(for_seconds)));
    return this;
  }

  /** Takes the log so far. */
  take(): readonly string[] {
    return this.log.splice(0);
  }

  /** A handler that logs what it is told under `name`. `onData` answers; without `ended` the connection ends itself. */
  handler(name: string, more: Partial<TcpHandler> = {}): TcpHandler {
    return {
      opened: () => {
        this.#write(`${name} opened`);
        more.opened?.();
      },
      data: (bytes) => {
        this.#write(`${name} read ${bytes.length > 40 ? bytes.length : decodeUtf8(bytes)}`);
        more.data?.(bytes);
      },
      ...(more.ended === undefined
        ? {}
        : {
            ended: () => {
              this.#write(`${name} ended`);
              more.ended?.();
            },
          }),
      closed: (because) => {
        this.#write(`${name} closed ${because}`);
        more.closed?.(because);
      },
    };
  }

  carry(from: string, packet: IpPacket): void {
    const to = from === "a" ? this.#ends.b : this.#ends.a;
    const segment = decodeTcp(packet.payload, packet.source, packet.destination);
    const arrivals = this.judge(from, segment);
    this.#write(`${from}>${to.name} ${this.#describe(from, segment)}${arrivals.length === 0 ? " lost" : ""}`);
    for (const delay of arrivals) this.world.scheduler.after(delay, () => to.receive(packet));
  }

  /** The absolute number of `relative`, for forged segments. */
  sequence(from: Name, relative: number): number {
    return ((this.#initial.get(from) ?? 0) + relative) >>> 0;
  }

  #write(what: string): void {
    this.log.push(`${this.now.toFixed(6)} ${what}`);
  }

  #describe(from: string, segment: Tcp): string {
    const { flags, payload, options } = segment;
    const names = (["syn", "fin", "rst", "psh", "ack"] as const).filter((flag) => flags[flag]);
    if (flags.syn) this.#initial.set(from, segment.sequence);
    const sequence = (segment.sequence - (this.#initial.get(from) ?? 0)) >>> 0;
    const acknowledgement = (segment.acknowledgement - (this.#initial.get(from === "a" ? "b" : "a") ?? 0)) >>> 0;
    const parts = [names.join(","), `seq ${sequence}`];
    if (flags.ack) parts.push(`ack ${acknowledgement}`);
    if (payload.length > 0) parts.push(`len ${payload.length}`);
    if (options.mss !== undefined) parts.push(`mss ${options.mss}`);
    return parts.join(" ");
  }
}

export const text = encodeUtf8;
