// What the driver and its processes in namespaces say to each other. Types only: importing a program would run it.
import { type Micros } from "../../../impl/wire/time.ts";

// A node's pods and its service proxy.

/** A pod; `via` is the address of its node where it is another one. */
export interface Backend {
  readonly pod: string;
  readonly via: string | undefined;
}

/** One port of one address. */
export interface Frontend {
  readonly ip: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  readonly backends: readonly Backend[];
}

// A client.

/** `tcp` opens a connection for each attempt, `stream` sends all over one and opens it anew when it is lost. */
export type MethodName = "tcp" | "udp" | "stream";

export interface AgentTarget {
  readonly ip: string;
  readonly port: number;
}

export type ClientQuestion =
  | {
      readonly kind: "request";
      readonly method: MethodName;
      readonly target: AgentTarget;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: "startProbe";
      readonly probe: string;
      readonly method: MethodName;
      readonly target: AgentTarget;
      readonly everyMs: number;
      readonly timeoutMs: number;
    }
  /** Those under way still count. */
  | { readonly kind: "stopProbe"; readonly probe: string }
  | { readonly kind: "results"; readonly probe: string }
  /** Starts writing down neighbour frames. */
  | { readonly kind: "listen"; readonly listening: string; readonly link: string }
  | { readonly kind: "heard"; readonly listening: string }
  | { readonly kind: "stopListening"; readonly listening: string }
  /** Listens on port 179; `rawBgp` names the listener from then on. Bytes are in base64. */
  | {
      readonly kind: "startRawBgp";
      readonly rawBgp: string;
      readonly greet: readonly string[];
      readonly md5Key?: string;
    }
  | { readonly kind: "rawBgpSend"; readonly rawBgp: string; readonly bytes: string }
  | { readonly kind: "rawBgpConnections"; readonly rawBgp: string }
  | { readonly kind: "rawBgpClose"; readonly rawBgp: string; readonly abort: boolean }
  | { readonly kind: "rawBgpRead"; readonly rawBgp: string; readonly reading: boolean }
  | { readonly kind: "stopRawBgp"; readonly rawBgp: string }
  /** Sends a frame, and answers with the neighbour frames that came in meanwhile. Frames are in base64. */
  | { readonly kind: "exchange"; readonly link: string; readonly frame: string; readonly listenMs: number };

/** `at` on the machine's monotonic clock, the frame in base64. */
export interface Heard {
  readonly at: Micros;
  readonly frame: string;
}

/** A connection of a raw BGP speaker; times on the machine's monotonic clock, messages in base64. */
export interface HeardConnection {
  readonly at: Micros;
  readonly from: string;
  readonly messages: readonly { readonly at: Micros; readonly bytes: string }[];
  readonly closed: { readonly at: Micros; readonly because: string } | undefined;
}

// A switch.

export interface SwitchSpec {
  readonly ports: readonly { readonly device: string; readonly point: string }[];
  /** Every frame, or only what can claim an address. */
  readonly everything: boolean;
}

export interface SwitchEvent {
  readonly point: string;
  /** In base64. */
  readonly frame: string;
}
