import { type Endpoint } from "../../impl/ports.ts";
import { isIpv6, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../impl/wire/ip.ts";
import { decodeUtf8, encodeUtf8 } from "../../impl/wire/text.ts";
import { type Host } from "./host.ts";
import { type ProbeFailure, type ProbeOutcome } from "./probe.ts";
import { type CloseReason, type TcpSocket } from "./tcp.ts";

/**
 * `tcp` opens a connection for each probe, `stream` sends all probes over one and opens it anew when it is lost, `udp`
 * sends a datagram from a port of its own, `icmp` an echo request; the target's port then means nothing.
 */
export type ProbeKind = "tcp" | "stream" | "udp" | "icmp";

export type ProbeHost = Pick<Host, "name" | "after" | "tcp" | "udp" | "openEcho">;

export interface ProbeMethod {
  /** Sends one probe; `settle` may be called more than once. What is returned takes back what is under way. */
  attempt(settle: (outcome: ProbeOutcome) => void): () => void;
}

const QUESTION = encodeUtf8("who\n");

const FAILURES: Readonly<Record<CloseReason, ProbeFailure>> = {
  end: "closed",
  ECONNREFUSED: "refused",
  ECONNRESET: "reset",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EACCES: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ENODEV: "unreachable",
  EINVAL: "unreachable",
};

const ok = (answer: string): ProbeOutcome => ({ kind: "ok", answer });
const failed = (because: ProbeFailure): ProbeOutcome => ({ kind: "failed", because });

export function probeMethod(host: ProbeHost, kind: ProbeKind, target: Endpoint): ProbeMethod {
  const methods: Readonly<Record<ProbeKind, () => ProbeMethod>> = {
    tcp: () => new ConnectionMethod(host, target),
    stream: () => new StreamMethod(host, target),
    udp: () => new DatagramMethod(host, target),
    icmp: () => new EchoMethod(host, target),
  };
  return methods[kind]();
}

/** Cuts what arrives into lines. */
class Lines {
  #rest = "";

  take(bytes: Uint8Array): readonly string[] {
    const lines = (this.#rest + decodeUtf8(bytes)).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines;
  }
}

class ConnectionMethod implements ProbeMethod {
  readonly #host: ProbeHost;
  readonly #target: Endpoint;

  constructor(host: ProbeHost, target: Endpoint) {
    this.#host = host;
    this.#target = target;
  }

  attempt(settle: (outcome: ProbeOutcome) => void): () => void {
    const lines = new Lines();
    let answered = false;
    const socket = this.#host.tcp.connect(this.#target, {
      opened: () => socket.write(QUESTION),
      data: (bytes) => {
        for (const line of lines.take(bytes)) {
          answered = true;
          settle(ok(line));
        }
      },
      closed: (because) => settle(failed(FAILURES[because])),
    });
    return () => (answered ? socket.close() : socket.abort());
  }
}

class StreamMethod implements ProbeMethod {
  readonly #host: ProbeHost;
  readonly #target: Endpoint;
  #socket: TcpSocket | undefined;
  /** Answers come in the order of the questions, also those to questions that nobody waits for any more. */
  #waiting: ((outcome: ProbeOutcome) => void)[] = [];

  constructor(host: ProbeHost, target: Endpoint) {
    this.#host = host;
    this.#target = target;
  }

  attempt(settle: (outcome: ProbeOutcome) => void): () => void {
    this.#waiting.push(settle);
    this.#socket ??= this.#connect();
    this.#socket.write(QUESTION);
    return () => undefined;
  }

  #connect(): TcpSocket {
    const lines = new Lines();
    return this.#host.tcp.connect(this.#target, {
      data: (bytes) => {
        for (const line of lines.take(bytes)) this.#waiting.shift()?.(ok(line));
      },
      closed: (because) => {
        this.#socket = undefined;
        for (const settle of this.#waiting.splice(0)) settle(failed(FAILURES[because]));
      },
    });
  }
}

class DatagramMethod implements ProbeMethod {
  readonly #host: ProbeHost;
  readonly #target: Endpoint;

  constructor(host: ProbeHost, target: Endpoint) {
    this.#host = host;
    this.#target = target;
  }

  attempt(settle: (outcome: ProbeOutcome) => void): () => void {
    const ip = isIpv6(this.#target.ip) ? UNSPECIFIED_V6 : UNSPECIFIED_V4;
    const socket = this.#host.udp.open({ ip, port: 0 }, (from, bytes) => {
      const isAnswer = from.ip === this.#target.ip && from.port === this.#target.port;
      if (isAnswer) settle(ok(decodeUtf8(bytes).trimEnd()));
    });
    socket.send(this.#target, QUESTION);
    return () => socket.close();
  }
}

class EchoMethod implements ProbeMethod {
  readonly #host: ProbeHost;
  readonly #target: Endpoint;
  #sequence = 0;

  constructor(host: ProbeHost, target: Endpoint) {
    this.#host = host;
    this.#target = target;
  }

  attempt(settle: (outcome: ProbeOutcome) => void): () => void {
    const socket = this.#host.openEcho({
      reply: (from) => {
        if (from === this.#target.ip) settle(ok(""));
      },
      unreachable: () => settle(failed("unreachable")),
    });
    socket.send(this.#target.ip, ++this.#sequence & 0xffff);
    return () => socket.close();
  }
}
