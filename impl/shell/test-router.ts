// Routers around a speaker process: they take its connections, agree with every OPEN, and write down what they hear.
import { type Effect, type Input } from "../ports.ts";
import { decodeBfd, encodeBfd } from "../wire/bfd.ts";
import { inWords } from "../speaker/bgp/test-peer.ts";
import { decodeMessage } from "../wire/bgp/message.ts";
import { describeNotification, encodeNotification, notification } from "../wire/bgp/notification.ts";
import { type Capability } from "../wire/bgp/capabilities.ts";
import { type ErrorCode } from "../wire/bgp/error-codes.ts";
import { encodeKeepalive } from "../wire/bgp/keepalive.ts";
import { encodeOpen, type Open } from "../wire/bgp/open.ts";
import { type Ip, isIpv6, parseIp, parseIpv4 } from "../wire/ip.ts";
import { decodeUtf8 } from "../wire/text.ts";
import { formatSeconds, seconds } from "../wire/time.ts";
import { type Cluster } from "./test-cluster.ts";

interface Connection {
  readonly to: string;
  /** The AS of the speaker, once it has said so. */
  asn: number | undefined;
}

export class Routers {
  readonly trace: string[] = [];
  /** What dials meet. */
  answer: "accept" | "refuse" | "silence" = "accept";
  asn = 64513;
  /** Beside the families of both. */
  capabilities: readonly Capability[] = [];
  /** The speaker's side of connections, by family. */
  local: { readonly ipv4: Ip; readonly ipv6: Ip } = { ipv4: parseIp("192.0.2.11"), ipv6: parseIp("2001:db8::11") };
  /** Whether they are heard by BFD: they are, until they fall silent. */
  watched = true;
  readonly #cluster: Cluster;
  #control = "";
  readonly #connections = new Map<string, Connection>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    cluster.network = (effect) => this.#take(effect);
  }

  take(): readonly string[] {
    return this.trace.splice(0);
  }

  /** A NOTIFICATION in every session with this address. */
  notify(to: string, error: ErrorCode, data = new Uint8Array()): void {
    for (const stream of this.#streamsOf(to)) {
      this.#deliver({ kind: "streamData", stream, bytes: encodeNotification(notification(error, data)) });
    }
  }

  /** Bytes in every session with this address. */
  say(to: string, bytes: Uint8Array): void {
    for (const stream of this.#streamsOf(to)) this.#deliver({ kind: "streamData", stream, bytes });
  }

  /** They take no more than what leaves this many bytes with the speaker. */
  holdBack(to: string, bytes: number): void {
    for (const stream of this.#streamsOf(to)) this.#deliver({ kind: "streamBacklog", stream, bytes });
  }

  hangUp(to: string): void {
    for (const stream of this.#streamsOf(to)) this.#close(stream, "end");
  }

  #streamsOf(to: string): readonly string[] {
    return [...this.#connections].filter(([, each]) => each.to === to).map(([stream]) => stream);
  }

  #close(stream: string, because: string): void {
    this.#connections.delete(stream);
    this.#deliver({ kind: "streamClosed", stream, because });
  }

  #deliver(input: Input): void {
    this.#cluster.deliver(input);
  }

  #take(effect: Effect): boolean {
    switch (effect.kind) {
      case "connect":
        this.#dialled(effect);
        return true;
      case "write":
        this.#heard(effect.stream, effect.bytes);
        return true;
      case "closeStream": {
        const connection = this.#connections.get(effect.stream);
        if (connection !== undefined) this.trace.push(`${connection.to} ${effect.abort ? "reset" : "closed"}`);
        this.#connections.delete(effect.stream);
        return true;
      }
      case "openDatagrams":
      case "closeDatagrams":
        if (effect.kind === "openDatagrams" && effect.local.port === 3784) this.#control = effect.socket;
        return true;
      case "sendDatagram":
        this.#answerBfd(effect);
        return true;
      default:
        return false;
    }
  }

  /** RFC 5880 section 6.2: who hears Down says Init, and then both are Up. */
  #answerBfd({ to, bytes }: Extract<Effect, { kind: "sendDatagram" }>): void {
    const packet = decodeBfd(bytes);
    if (packet.state === "adminDown") this.trace.push(`${to.ip} bfd adminDown`);
    if (!this.watched || packet.state === "adminDown") return;
    const state = packet.state === "down" ? "init" : "up";
    const ids = { myDiscriminator: 7, yourDiscriminator: packet.myDiscriminator };
    const answer = encodeBfd({ ...packet, ...ids, state, poll: false, final: packet.poll });
    const arrival = { link: "eth0", destination: this.local.ipv4, ttl: 255 };
    const from = { ip: to.ip, port: 49_152 };
    this.#deliver({ kind: "datagram", socket: this.#control, from, bytes: answer, arrival });
  }

  #dialled({ stream, to, options = {} }: Extract<Effect, { kind: "connect" }>): void {
    const { md5Key, ...others } = options;
    const words = Object.entries(others).map(([name, value]) => ` ${name}=${value}`);
    const key = md5Key === undefined ? "" : ` key=${decodeUtf8(md5Key)}`;
    const port = to.port === 179 ? "" : ` port=${to.port}`;
    this.trace.push(`dial ${to.ip}${port}${words.join("")}${key}`);
    if (this.answer === "refuse") this.#deliver({ kind: "streamClosed", stream, because: "ECONNREFUSED" });
    if (this.answer !== "accept") return;
    this.#connections.set(stream, { to: to.ip, asn: undefined });
    const ip = isIpv6(to.ip) ? this.local.ipv6 : this.local.ipv4;
    this.#deliver({ kind: "streamOpened", stream, local: { ip, port: 40_000 }, remote: to });
  }

  #heard(stream: string, bytes: Uint8Array): void {
    const connection = this.#connections.get(stream);
    if (connection === undefined) throw new Error(`a write to ${stream}, which is not open`);
    const internal = connection.asn === this.asn;
    const message = decodeMessage(bytes, { asSize: 4, internal, families: ["ipv4", "ipv6"] });
    if (message.kind === "keepalive") {
      this.#deliver({ kind: "streamData", stream, bytes: encodeKeepalive() });
    } else if (message.kind === "open") {
      connection.asn = asnOf(message);
      this.trace.push(`${connection.to} ${describeOpen(message)}`);
      this.#deliver({ kind: "streamData", stream, bytes: encodeOpen(this.#open(message)) });
    } else if (message.kind === "notification") {
      this.trace.push(`${connection.to} notification ${describeNotification(message)}`);
    } else {
      this.trace.push(`${connection.to} ${inWords(bytes, internal)}`);
    }
  }

  #open({ capabilities }: Open): Open {
    const families = capabilities.filter(({ kind }) => kind === "multiprotocol");
    const fourOctetAs = { kind: "fourOctetAs", asn: this.asn } as const;
    return {
      kind: "open",
      asn: this.asn,
      holdTime: seconds(90),
      bgpIdentifier: parseIpv4("192.0.2.1"),
      capabilities: [...families, fourOctetAs, ...this.capabilities],
    };
  }
}

function asnOf({ asn, capabilities }: Open): number {
  const wide = capabilities.find((capability) => capability.kind === "fourOctetAs");
  return wide?.kind === "fourOctetAs" ? wide.asn : asn;
}

/** `open as=64512 id=192.0.2.11 hold=180s`. */
function describeOpen(open: Open): string {
  return `open as=${asnOf(open)} id=${open.bgpIdentifier} hold=${formatSeconds(open.holdTime)}`;
}
