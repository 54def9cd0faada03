// Two hosts with nothing between them but a line of 50 µs, for the tests of TCP.
import { type Ip, parseIp } from "../../impl/wire/ip.ts";
import { decodeTcp, encodeTcp, type Tcp } from "../../impl/wire/tcp.ts";
import { decodeUtf8, encodeUtf8 } from "../../impl/wire/text.ts";
import { inSeconds, type Micros, micros, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Scheduled } from "../world.ts";
import { type IpEndpoint, type IpPacket, type OutgoingPacket, type ProtocolHandler } from "./hooks.ts";
import { type TcpHandler, type TcpOptions, type TcpSocket, TcpStack } from "./tcp.ts";

/** What happens to a packet: the delays of its arrivals, none where it is lost. */
export type Judge = (from: string, segment: Tcp) => readonly Micros[];

const LINK = "line";
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

  hasDevice(name: string): boolean {
    return name === LINK;
  }

  vrfOf(): undefined {
    return undefined;
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

  confirm(): void {
    this.#line.confirmed.push(this.name);
  }

  after(delay: Micros, task: () => void): Scheduled {
    return this.#line.world.scheduler.after(delay, task);
  }

  receive(packet: IpPacket): void {
    this.#handler?.receive(packet, LINK);
  }
}

export interface Forged {
  readonly sequence: number;
  readonly acknowledgement?: number;
  readonly syn?: boolean;
  readonly rst?: boolean;
  readonly payload?: string;
  readonly window?: number;
}

export class Line {
  readonly world: World;
  readonly address: Readonly<Record<Name, Ip>>;
  readonly stack: Readonly<Record<Name, TcpStack>>;
  readonly #ends: Readonly<Record<Name, LineEnd>>;
  readonly #initial = new Map<string, number>();
  /** Every segment as it was sent, and what handlers were told: `0.000100 a>b SYN seq 0`. */
  readonly log: string[] = [];
  /** Who told its neighbour table that the way works. */
  readonly confirmed: string[] = [];
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
    this.#write(
      `${from}>${to.name} ${this.#describe(from, segment, packet.ttl)}${arrivals.length === 0 ? " lost" : ""}`,
    );
    for (const delay of arrivals) this.world.scheduler.after(delay, () => to.receive(packet));
  }

  /** Puts a segment on the line that `socket` did not send, though it looks so. Numbers count from the SYNs. */
  forge(from: Name, socket: TcpSocket, segment: Forged): void {
    const { local, remote } = socket;
    const { sequence, acknowledgement, payload = "", window = 64_240 } = segment;
    const bytes = encodeTcp(
      {
        sourcePort: local.port,
        destinationPort: remote.port,
        sequence: this.sequence(from, socket, sequence),
        acknowledgement:
          acknowledgement === undefined ? 0 : this.sequence(from === "a" ? "b" : "a", socket, acknowledgement),
        flags: {
          syn: segment.syn ?? false,
          rst: segment.rst ?? false,
          fin: false,
          psh: false,
          ack: acknowledgement !== undefined,
        },
        window,
        options: {},
        payload: encodeUtf8(payload),
      },
      local.ip,
      remote.ip,
    );
    this.carry(from, { source: local.ip, destination: remote.ip, protocol: 6, ttl: 64, payload: bytes });
  }

  /** The absolute number of `relative` in what `from` sends on the connection of `socket`. */
  sequence(from: Name, socket: TcpSocket, relative: number): number {
    const initial = this.#initial.get(directionKey(from, socket.local.port, socket.remote.port));
    return ((initial ?? 0) + relative) >>> 0;
  }

  #write(what: string): void {
    this.log.push(`${this.now.toFixed(6)} ${what}`);
  }

  #describe(from: string, segment: Tcp, ttl: number): string {
    const { flags, payload, options } = segment;
    const names = (["syn", "fin", "rst", "psh", "ack"] as const).filter((flag) => flags[flag]);
    const { sourcePort, destinationPort } = segment;
    const own = directionKey(from, sourcePort, destinationPort);
    const other = directionKey(from === "a" ? "b" : "a", sourcePort, destinationPort);
    if (flags.syn && !this.#initial.has(own)) this.#initial.set(own, segment.sequence);
    const sequence = (segment.sequence - (this.#initial.get(own) ?? 0)) >>> 0;
    const acknowledgement = (segment.acknowledgement - (this.#initial.get(other) ?? 0)) >>> 0;
    const parts = [names.join(","), `seq ${sequence}`];
    if (flags.ack) parts.push(`ack ${acknowledgement}`);
    if (payload.length > 0) parts.push(`len ${payload.length}`);
    if (options.mss !== undefined) parts.push(`mss ${options.mss}`);
    if (options.md5 !== undefined) parts.push("md5");
    if (ttl !== 64) parts.push(`ttl ${ttl}`);
    return parts.join(" ");
  }
}

/** One direction of one connection, whichever end names it. */
const directionKey = (from: string, port: number, other: number): string =>
  `${from} ${Math.min(port, other)} ${Math.max(port, other)}`;

export const text = encodeUtf8;
