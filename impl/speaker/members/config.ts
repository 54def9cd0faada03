// The tunables of hashicorp/memberlist 0.5, with its names where people write them.
import { ConfigError } from "../../wire/errors.ts";
import { type Micros, millis, parseDuration, seconds } from "../../wire/time.ts";

export interface MembersConfig {
  readonly tcpTimeout: Micros;
  /** How many others are asked to probe a member that did not answer. */
  readonly indirectChecks: number;
  readonly retransmitMult: number;
  readonly suspicionMult: number;
  readonly suspicionMaxTimeoutMult: number;
  /** 0: never. */
  readonly pushPullInterval: Micros;
  readonly probeTimeout: Micros;
  readonly probeInterval: Micros;
  readonly disableTcpPings: boolean;
  readonly awarenessMaxMultiplier: number;
  readonly gossipNodes: number;
  readonly gossipInterval: Micros;
  readonly gossipToTheDeadTime: Micros;
  readonly udpBufferSize: number;
}

export const LAN: MembersConfig = {
  tcpTimeout: seconds(10),
  indirectChecks: 3,
  retransmitMult: 4,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  pushPullInterval: seconds(30),
  probeTimeout: millis(500),
  probeInterval: seconds(1),
  disableTcpPings: false,
  awarenessMaxMultiplier: 8,
  gossipNodes: 3,
  gossipInterval: millis(200),
  gossipToTheDeadTime: seconds(30),
  udpBufferSize: 1400,
};

export const WAN: MembersConfig = {
  ...LAN,
  tcpTimeout: seconds(30),
  suspicionMult: 6,
  pushPullInterval: seconds(60),
  probeTimeout: seconds(3),
  probeInterval: seconds(5),
  gossipNodes: 4,
  gossipInterval: millis(500),
  gossipToTheDeadTime: seconds(60),
};

/**
 * Reads MetalLB's memberlist configuration file: durations must be there, a number that is missing is 0. The keys
 * GossipVerifyIncoming, GossipVerifyOutgoing, EnableCompression, HandoffQueueDepth and QueueCheckInterval are accepted
 * and have no meaning here.
 */
export function parseMembersConfig(file: Readonly<Record<string, unknown>>): MembersConfig {
  const duration = (key: string): Micros => {
    const value = file[key];
    if (typeof value !== "string") throw new ConfigError(key, "must be a duration such as 500ms");
    const parsed = parseDuration(value, key);
    if (parsed < 0) throw new ConfigError(key, "must not be negative");
    return parsed;
  };
  /** memberlist takes 0 for never; without probes and gossip no address would ever move. */
  const interval = (key: string): Micros => {
    const parsed = duration(key);
    if (parsed === 0) throw new ConfigError(key, "must be longer than 0");
    return parsed;
  };
  const count = (key: string): number => {
    const value = file[key] ?? 0;
    if (typeof value !== "number" || !Number.isInteger(value)) throw new ConfigError(key, "must be a whole number");
    return value;
  };
  const flag = (key: string): boolean => {
    const value = file[key] ?? false;
    if (typeof value !== "boolean") throw new ConfigError(key, "must be true or false");
    return value;
  };
  return {
    tcpTimeout: interval("TCPTimeout"),
    indirectChecks: count("IndirectChecks"),
    retransmitMult: count("RetransmitMult"),
    suspicionMult: count("SuspicionMult"),
    suspicionMaxTimeoutMult: count("SuspicionMaxTimeoutMult"),
    pushPullInterval: duration("PushPullInterval"),
    probeTimeout: interval("ProbeTimeout"),
    probeInterval: interval("ProbeInterval"),
    disableTcpPings: flag("DisableTcpPings"),
    awarenessMaxMultiplier: count("AwarenessMaxMultiplier"),
    gossipNodes: count("GossipNodes"),
    gossipInterval: interval("GossipInterval"),
    gossipToTheDeadTime: duration("GossipToTheDeadTime"),
    udpBufferSize: count("UDPBufferSize"),
  };
}
