// What the processes need from the world. A process is a synchronous core: inputs go in, effects come out.
// Adapters (impl/adapters) and the simulator (sim/host) carry out effects and make inputs; impl/shell joins them.
import { type Ip, type Ipv6 } from "./wire/ip.ts";
import { type Mac } from "./wire/mac.ts";
import { type InterfaceAddress } from "./wire/prefix.ts";
import { type Micros } from "./wire/time.ts";

/** `monotonic` drives every timer; `wall` (since the Unix epoch) is only ever printed. */
export interface Instant {
  readonly monotonic: Micros;
  readonly wall: Micros;
}

/** Draws uniformly from [0, 1). */
export interface Random {
  next(): number;
}

/** A network interface as the kernel reports it (rtnetlink: IFLA_*, IFA_*). */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  readonly mtu: number;
  /** IFF_UP: the administrator wants it up. */
  readonly up: boolean;
  /** IFF_RUNNING: it has carrier. */
  readonly running: boolean;
  /** IFF_BROADCAST. */
  readonly broadcast: boolean;
  /** IFF_NOARP. */
  readonly noArp: boolean;
  /** The bridge or bond that it is a port of. */
  readonly master: string | undefined;
  readonly addresses: readonly InterfaceAddress[];
}

export interface Endpoint {
  readonly ip: Ip;
  readonly port: number;
}

/** How a TCP connection is made; all of it holds from its first segment on. */
export interface StreamOptions {
  /** bind(2); EADDRNOTAVAIL where the host does not have it. */
  readonly source?: Ip;
  /** SO_BINDTODEVICE: an interface or a VRF. It also is the scope of link-local addresses. */
  readonly device?: string;
  /** IP_TTL, IPV6_UNICAST_HOPS. */
  readonly ttl?: number;
  /** IP_MINTTL, IPV6_MINHOPCOUNT (RFC 5082): segments that came further are dropped. */
  readonly minTtl?: number;
  /** TCP_MD5SIG (RFC 2385): 1 to 80 bytes. */
  readonly md5Key?: Uint8Array;
}

export interface DatagramOptions {
  /** SO_BINDTODEVICE, and the scope of link-local addresses. */
  readonly device?: string;
  /** IP_TTL, IPV6_UNICAST_HOPS. */
  readonly ttl?: number;
  /** IP_PKTINFO and IP_RECVTTL: inputs say how each datagram arrived. */
  readonly arrivals?: boolean;
}

/** How a datagram came to this host. */
export interface Arrival {
  readonly link: string;
  readonly destination: Ip;
  /** The TTL or hop limit that it still had. */
  readonly ttl: number;
}

/** Everything that can happen to a process. Plain data: a recording of inputs replays. */
export type Input =
  | { readonly kind: "started" }
  /** The deadline that the process named has come. */
  | { readonly kind: "wake" }
  /** The process shall hand over and end (SIGTERM). */
  | { readonly kind: "stop" }
  /** All interfaces, sent at start and after every change. */
  | { readonly kind: "links"; readonly links: readonly Link[] }
  /** A frame arrived on a captured interface (AF_PACKET: after the NIC's address filter, before IP). Own frames are not seen. */
  | { readonly kind: "frame"; readonly link: string; readonly bytes: Uint8Array }
  /** `arrival` where the socket was opened with `arrivals`. */
  | {
      readonly kind: "datagram";
      readonly socket: string;
      readonly from: Endpoint;
      readonly bytes: Uint8Array;
      readonly arrival?: Arrival;
    }
  /** A datagram socket could not be opened (EADDRINUSE, EACCES, ENODEV …); there is none under this name. */
  | { readonly kind: "socketFailed"; readonly socket: string; readonly because: string }
  | { readonly kind: "accepted"; readonly listener: string; readonly stream: string; readonly from: Endpoint }
  | { readonly kind: "streamOpened"; readonly stream: string; readonly local: Endpoint; readonly remote: Endpoint }
  | { readonly kind: "streamData"; readonly stream: string; readonly bytes: Uint8Array }
  /** How many bytes that were written the kernel has no room for yet; told whenever some wait, and 0 when none wait any more. */
  | { readonly kind: "streamBacklog"; readonly stream: string; readonly bytes: number }
  /** The stream is gone; `because` is "end" for the peer's FIN, else the error (ECONNREFUSED, ECONNRESET, ETIMEDOUT …). */
  | { readonly kind: "streamClosed"; readonly stream: string; readonly because: string }
  | {
      readonly kind: "response";
      readonly request: string;
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
    }
  /** A piece of the response body; pieces break anywhere. */
  | { readonly kind: "chunk"; readonly request: string; readonly text: string }
  /** The body is complete, or the connection failed: then `error` says how. */
  | { readonly kind: "responseEnd"; readonly request: string; readonly error?: string };

/** The Kubernetes-facing inputs, which impl/kube consumes. */
export type KubeInput = Extract<Input, { readonly kind: "response" | "chunk" | "responseEnd" }>;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Everything that a process can do. Names of sockets, streams and requests are chosen by the process. */
export type Effect =
  /** Starts capturing ARP, ICMPv6 and BFD Echo (UDP port 3785 over IPv4) on an interface, anew where it already did. */
  | { readonly kind: "openLink"; readonly link: string }
  | { readonly kind: "closeLink"; readonly link: string }
  /** Receives an IPv6 group on an interface and reports it to the network (MLD). */
  | { readonly kind: "joinGroup"; readonly link: string; readonly group: Ipv6 }
  | { readonly kind: "leaveGroup"; readonly link: string; readonly group: Ipv6 }
  /** Sends a complete Ethernet frame. */
  | { readonly kind: "sendFrame"; readonly link: string; readonly bytes: Uint8Array }
  /** Local port 0 takes a free one. */
  | {
      readonly kind: "openDatagrams";
      readonly socket: string;
      readonly local: Endpoint;
      readonly options?: DatagramOptions;
    }
  | { readonly kind: "closeDatagrams"; readonly socket: string }
  | { readonly kind: "sendDatagram"; readonly socket: string; readonly to: Endpoint; readonly bytes: Uint8Array }
  | { readonly kind: "listen"; readonly listener: string; readonly local: Endpoint }
  | { readonly kind: "connect"; readonly stream: string; readonly to: Endpoint; readonly options?: StreamOptions }
  | { readonly kind: "write"; readonly stream: string; readonly bytes: Uint8Array }
  /** Ends the stream: FIN after what was written, or RST at once. */
  | { readonly kind: "closeStream"; readonly stream: string; readonly abort: boolean }
  | KubeRequest
  | { readonly kind: "abortRequest"; readonly request: string }
  | { readonly kind: "log"; readonly level: LogLevel; readonly event: string; readonly fields: LogFields }
  /** The process has nothing left to do. */
  | { readonly kind: "exit"; readonly code: number };

/** One HTTP request to the API server. `path` carries the query. The answer is `response`, `chunk`*, `responseEnd`. */
export interface KubeRequest {
  readonly kind: "request";
  readonly request: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export type LogFields = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** A controller or a speaker, whole, without I/O. `deadline` is when it next wants a `wake` (monotonic). */
export interface Process {
  handle(input: Input, now: Instant): readonly Effect[];
  deadline(): Micros | undefined;
}

/** Where a process runs: a simulated host, or Linux. `deliver` (given at construction) brings the outcomes back as inputs. */
export interface Ports {
  now(): Instant;
  /** Replaces the one alarm; undefined clears it. */
  arm(at: Micros | undefined): void;
  run(effect: Effect): void;
}
