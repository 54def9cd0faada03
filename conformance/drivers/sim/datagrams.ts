// UDP of the scenario's making on a simulated client.
import { type Effect } from "../../../impl/ports.ts";
import { type Ip, isIpv4, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../../impl/wire/ip.ts";
import { type Micros } from "../../../impl/wire/time.ts";
import { type Host } from "../../../sim/host/host.ts";
import { type Datagrams, type HeardDatagram } from "../../world.ts";

const NO_API = { request: () => {}, abort: () => {} };
/** RFC 6335 section 6: dynamic ports begin here. */
const FIRST_SOURCE_PORT = 49_152;
const GREATEST_TTL = 255;

export class SimDatagrams implements Datagrams {
  readonly #run: (effect: Effect) => void;
  readonly #kill: () => void;
  readonly #heard: HeardDatagram[] = [];
  /** Names of sockets to send from. */
  readonly #open = new Set<string>();

  constructor(host: Host, port: number, now: () => Micros) {
    const process = host.openPorts(
      `datagrams-${port}`,
      (input) => {
        if (input.kind !== "datagram" || input.arrival === undefined || !input.socket.startsWith("in-")) return;
        this.#heard.push({ at: now(), from: input.from, ttl: input.arrival.ttl, bytes: input.bytes.slice() });
      },
      NO_API,
    );
    this.#run = (effect) => process.run(effect);
    this.#kill = () => process.kill();
    for (const ip of [UNSPECIFIED_V4, UNSPECIFIED_V6]) {
      this.#run({ kind: "openDatagrams", socket: `in-${ip}`, local: { ip, port }, options: { arrivals: true } });
    }
  }

  async send(to: { readonly ip: Ip; readonly port: number }, bytes: Uint8Array, ttl = GREATEST_TTL): Promise<void> {
    const ip = isIpv4(to.ip) ? UNSPECIFIED_V4 : UNSPECIFIED_V6;
    const socket = `out-${ip}-${ttl}`;
    if (!this.#open.has(socket)) {
      this.#open.add(socket);
      this.#run({ kind: "openDatagrams", socket, local: { ip, port: FIRST_SOURCE_PORT + ttl }, options: { ttl } });
    }
    this.#run({ kind: "sendDatagram", socket, to, bytes });
  }

  async heard(): Promise<readonly HeardDatagram[]> {
    return [...this.#heard];
  }

  async end(): Promise<void> {
    this.#kill();
  }
}
