// A BGP speaker of a test's making: it says what it is told, and writes down what it hears.
import { encodeKeepalive } from "../../impl/wire/bgp/keepalive.ts";
import { type BgpMessage, decodeMessage } from "../../impl/wire/bgp/message.ts";
import { MessageStream } from "../../impl/wire/bgp/message-stream.ts";
import { encodeOpen, type Open } from "../../impl/wire/bgp/open.ts";
import { unicast } from "../../impl/wire/bgp/families.ts";
import { type Ip, parseIpv4 } from "../../impl/wire/ip.ts";
import { seconds } from "../../impl/wire/time.ts";
import { type Host } from "../host/host.ts";
import { type TcpSocket } from "../host/tcp.ts";

export function openOf(asn: number, identifier: string, more: Partial<Open> = {}): Open {
  return {
    kind: "open",
    asn,
    holdTime: seconds(180),
    bgpIdentifier: parseIpv4(identifier),
    capabilities: [
      { kind: "multiprotocol", ...unicast("ipv4") },
      { kind: "routeRefresh" },
      { kind: "fourOctetAs", asn },
    ],
    ...more,
  };
}

export interface TestPeerOptions {
  readonly source?: Ip;
  readonly to: Ip;
  readonly open: Open | Uint8Array;
  /** The AS of the router is its own. */
  readonly internal?: boolean;
  readonly md5Key?: Uint8Array;
}

export class TestPeer {
  readonly #host: Host;
  readonly #options: TestPeerOptions;
  #socket: TcpSocket | undefined;
  /** Whole messages, as they came. */
  readonly raw: Uint8Array[] = [];
  readonly heard: BgpMessage[] = [];
  closed: string | undefined;

  constructor(host: Host, options: TestPeerOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Dials, says its OPEN and one KEEPALIVE. */
  dial(): this {
    const { source, to, open, md5Key } = this.#options;
    const stream = new MessageStream();
    this.closed = undefined;
    this.#socket = this.#host.tcp.connect(
      { ip: to, port: 179 },
      {
        opened: () => this.say(open instanceof Uint8Array ? open : encodeOpen(open), encodeKeepalive()),
        data: (bytes) => stream.feed(bytes.slice(), (message) => this.#hear(message)),
        closed: (because) => {
          this.closed = because;
        },
      },
      { ttl: 255, ...(source === undefined ? {} : { source }), ...(md5Key === undefined ? {} : { md5Key }) },
    );
    return this;
  }

  #hear(message: Uint8Array): void {
    this.raw.push(message);
    const { internal = false } = this.#options;
    this.heard.push(decodeMessage(message, { asSize: 4, internal, families: ["ipv4", "ipv6"] }));
  }

  say(...messages: readonly Uint8Array[]): this {
    for (const message of messages) this.#socket?.write(message);
    return this;
  }

  /** The kernel of a killed process. */
  close(): void {
    this.#socket?.close();
  }

  /** What it heard since the last time, by the names of the messages; a NOTIFICATION with its codes. */
  take(): readonly string[] {
    return this.heard.splice(0).map((message) => {
      if (message.kind === "notification") return `notification ${message.code}/${message.subcode}`;
      if (message.kind === "routeRefresh") return `routeRefresh ${message.subtype} ${message.afi}`;
      if (message.kind !== "update") return message.kind;
      const announced = message.announced.flatMap(({ prefixes }) => prefixes);
      return [
        ...(announced.length > 0 ? [`announce ${announced.join(" ")}`] : []),
        ...(message.withdrawn.length > 0 ? [`withdraw ${message.withdrawn.join(" ")}`] : []),
      ].join("; ");
    });
  }
}
