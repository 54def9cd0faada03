// Linux connection tracking (net/netfilter/nf_conntrack_core.c), for the flows that a node translates.
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { type Micros, plus, seconds } from "../../impl/wire/time.ts";
import { type FlowDirection, nextTracked, TRACKED_TIMEOUTS, type TrackedState } from "./conntrack-tcp.ts";
import { inverse, keyOf, type Tuple } from "./conntrack-tuple.ts";
import { type IpPacket } from "./hooks.ts";

/** nf_conntrack_udp_timeout and nf_conntrack_udp_timeout_stream; a stream has answers and is older than 2 s. */
const UDP_TIMEOUT = seconds(30);
const UDP_STREAM_TIMEOUT = seconds(120);
const UDP_STREAM_AGE = seconds(2);

/** How many old flows each new one looks at, so that the table forgets without a timer of its own. */
const SWEEP = 2;

interface Flow {
  /** As the first packet was named when it came. */
  readonly original: Tuple;
  /** As an answer to the translated packet is named. */
  readonly reply: Tuple;
  readonly keys: Readonly<Record<FlowDirection, string>>;
  readonly since: Micros;
  state: TrackedState;
  answered: boolean;
  expiresAt: Micros;
}

export type Tracking =
  /** Its flow says under which name it goes on. */
  | { readonly kind: "known"; readonly to: Tuple }
  /** It belongs to no flow; one may begin with it. */
  | { readonly kind: "new" }
  /** It belongs to no flow, and none can begin with it, or it contradicts its flow. */
  | { readonly kind: "invalid" };

export class Conntrack {
  readonly #now: () => Micros;
  /** Both directions of every flow; the order is that of insertion, which is how sweeping goes round. */
  readonly #flows = new Map<string, Flow>();

  constructor(now: () => Micros) {
    this.#now = now;
  }

  get size(): number {
    return this.#flows.size / 2;
  }

  /** Whether an answer could come under this name already. */
  has(tuple: Tuple): boolean {
    return this.#find(keyOf(tuple)) !== undefined;
  }

  /** Finds the flow of a packet and follows it. */
  track(packet: IpPacket, tuple: Tuple): Tracking {
    const key = keyOf(tuple);
    const flow = this.#find(key);
    if (flow === undefined) return { kind: beginsFlow(packet) ? "new" : "invalid" };
    const direction = key === flow.keys.original ? "original" : "reply";
    if (!this.#follow(flow, direction, packet)) return { kind: "invalid" };
    // A SYN on a flow that is over opens another one (RFC 9293 section 3.6.1), which is translated anew.
    if (!this.#flows.has(key)) return { kind: "new" };
    return { kind: "known", to: inverse(direction === "original" ? flow.reply : flow.original) };
  }

  /** A flow begins with `packet`, which is named `from` and shall go on under the name `to`. */
  begin(packet: IpPacket, from: Tuple, to: Tuple): void {
    this.#sweep();
    const reply = inverse(to);
    const keys = { original: keyOf(from), reply: keyOf(reply) };
    const now = this.#now();
    const flow: Flow = { original: from, reply, keys, since: now, state: "new", answered: false, expiresAt: now };
    this.#flows.set(keys.original, flow);
    this.#flows.set(keys.reply, flow);
    this.#follow(flow, "original", packet);
  }

  /** Forgets the flows that `which` names by their two tuples: `conntrack -D`. Returns how many they were. */
  forget(which: (original: Tuple, reply: Tuple) => boolean): number {
    let count = 0;
    for (const flow of this.#flows.values()) {
      if (!which(flow.original, flow.reply)) continue;
      this.#remove(flow);
      count++;
    }
    return count;
  }

  clear(): void {
    this.#flows.clear();
  }

  #find(key: string): Flow | undefined {
    const flow = this.#flows.get(key);
    if (flow === undefined || flow.expiresAt > this.#now()) return flow;
    this.#remove(flow);
    return undefined;
  }

  /** False where the packet contradicts the flow. */
  #follow(flow: Flow, direction: FlowDirection, packet: IpPacket): boolean {
    const now = this.#now();
    if (direction === "reply") flow.answered = true;
    if (packet.protocol === IP_PROTOCOLS.udp) {
      const isStream = flow.answered && now - flow.since > UDP_STREAM_AGE;
      flow.state = "established";
      flow.expiresAt = plus(now, isStream ? UDP_STREAM_TIMEOUT : UDP_TIMEOUT);
      return true;
    }
    const next = nextTracked(flow.state, direction, packet.payload[13] ?? 0);
    if (next === "invalid") return false;
    if (next === "ignore" || next === "new") return true;
    if (next === "synSent" && (flow.state === "timeWait" || flow.state === "close")) {
      this.#remove(flow);
      return true;
    }
    flow.state = next;
    flow.expiresAt = plus(now, TRACKED_TIMEOUTS[next]);
    return true;
  }

  #remove(flow: Flow): void {
    this.#flows.delete(flow.keys.original);
    this.#flows.delete(flow.keys.reply);
  }

  #sweep(): void {
    const now = this.#now();
    for (let looked = 0; looked < SWEEP; looked++) {
      const oldest = this.#flows.values().next().value;
      if (oldest === undefined) return;
      this.#remove(oldest);
      if (oldest.expiresAt <= now) continue;
      this.#flows.set(oldest.keys.original, oldest);
      this.#flows.set(oldest.keys.reply, oldest);
    }
  }
}

/** Whether a flow may begin with it: any datagram, a SYN, or a segment in the middle (nf_conntrack_tcp_loose). */
function beginsFlow(packet: IpPacket): boolean {
  if (packet.protocol === IP_PROTOCOLS.udp) return true;
  return nextTracked("new", "original", packet.payload[13] ?? 0) !== "invalid";
}
