// How Linux follows a TCP connection that passes through it (net/netfilter/nf_conntrack_proto_tcp.c): a flow is in a state,
// and the flags of each segment lead to the next. Windows are not followed, and neither is simultaneous open.
import { type Micros, minutes, seconds } from "../../impl/wire/time.ts";

export type TrackedState =
  | "new"
  | "synSent"
  | "synReceived"
  | "established"
  | "finWait"
  | "closeWait"
  | "lastAck"
  | "timeWait"
  | "close";

export type FlowDirection = "original" | "reply";

/** `ignore`: it may be wrong, but the receiver will say so. `invalid`: it belongs to nothing. */
export type TrackedNext = TrackedState | "ignore" | "invalid";

type Row = Readonly<Partial<Record<TrackedState, TrackedNext>>>;
type SegmentClass = "syn" | "synAck" | "fin" | "ack" | "rst" | "none";

const CLOSING: Row = {
  synReceived: "finWait",
  established: "finWait",
  finWait: "lastAck",
  closeWait: "lastAck",
  lastAck: "lastAck",
  timeWait: "timeWait",
  close: "close",
};
const ACKNOWLEDGING: Row = {
  established: "established",
  finWait: "closeWait",
  closeWait: "closeWait",
  lastAck: "timeWait",
  timeWait: "timeWait",
  close: "close",
};
const RESETTING: Row = {
  synSent: "close",
  synReceived: "close",
  established: "close",
  finWait: "close",
  closeWait: "close",
  lastAck: "close",
  timeWait: "close",
  close: "close",
};
const IGNORING: Row = {
  synReceived: "ignore",
  established: "ignore",
  finWait: "ignore",
  closeWait: "ignore",
  lastAck: "ignore",
};

/** What follows a state; what is not here is invalid. */
const NEXT: Readonly<Record<FlowDirection, Readonly<Record<SegmentClass, Row>>>> = {
  original: {
    syn: { ...IGNORING, new: "synSent", synSent: "synSent", timeWait: "synSent", close: "synSent" },
    synAck: {},
    fin: CLOSING,
    // From "new": net.netfilter.nf_conntrack_tcp_loose is 1, so a flow is picked up where its beginning was not seen.
    ack: { ...ACKNOWLEDGING, new: "established", synReceived: "established" },
    rst: RESETTING,
    none: {},
  },
  reply: {
    syn: {},
    synAck: { ...IGNORING, synSent: "synReceived", timeWait: "ignore", close: "ignore" },
    fin: CLOSING,
    ack: { ...ACKNOWLEDGING, synSent: "ignore", synReceived: "synReceived" },
    rst: RESETTING,
    none: {},
  },
};

/**
 * How long a flow in a state is remembered without a segment (nf_conntrack_tcp_timeout_*), with the two that kube-proxy
 * sets: established to 24 h (conntrack.tcpEstablishedTimeout) and closeWait to 1 h (conntrack.tcpCloseWaitTimeout).
 */
export const TRACKED_TIMEOUTS: Readonly<Record<Exclude<TrackedState, "new">, Micros>> = {
  synSent: minutes(2),
  synReceived: seconds(60),
  established: minutes(24 * 60),
  finWait: minutes(2),
  closeWait: minutes(60),
  lastAck: seconds(30),
  timeWait: minutes(2),
  close: seconds(10),
};

/** `flags` is byte 13 of the segment (RFC 9293 section 3.1). */
export function nextTracked(state: TrackedState, direction: FlowDirection, flags: number): TrackedNext {
  return NEXT[direction][classOf(flags)][state] ?? "invalid";
}

function classOf(flags: number): SegmentClass {
  if ((flags & 0x04) !== 0) return "rst";
  const ack = (flags & 0x10) !== 0;
  if ((flags & 0x02) !== 0) return ack ? "synAck" : "syn";
  if ((flags & 0x01) !== 0) return "fin";
  return ack ? "ack" : "none";
}
