import { type Micros, micros, millis, seconds } from "../../impl/wire/time.ts";
import { type MoveDampening } from "./forwarding-table.ts";
import { type QuerierTimers, QUERIER_TIMERS } from "./multicast-snooping.ts";

/** How one kind of switch differs from another. */
export interface SwitchProfile {
  readonly name: string;
  /** A station that sent nothing for this long is forgotten … */
  readonly ageing: Micros;
  /** … at the next multiple of this. */
  readonly sweepEvery: Micros;
  /** How long after a port lost its carrier its stations are forgotten. */
  readonly flushAfter: Micros;
  /** Queries for IPv6 groups and sends their frames only where somebody listens. */
  readonly querier?: QuerierTimers;
  readonly moveDampening?: MoveDampening;
  /** How many gratuitous ARP packets per second a port may send. */
  readonly gratuitousArpRate?: number;
  /** Drops ARP from stations that Switch.bind() was not told of ("dynamic ARP inspection"). */
  readonly arpInspection?: boolean;
  /** Drops frames for stations that it does not know ("unknown unicast flood blocking") instead of sending them everywhere. */
  readonly blockUnknownUnicast?: boolean;
}

/** Measured on Linux 6.18: with 20 s set, an entry went after 23.1 s; carrier loss flushed the port after 0.51 s. */
const LINUX_BRIDGE = {
  name: "linux-bridge",
  ageing: seconds(300),
  sweepEvery: seconds(4),
  flushAfter: millis(510),
} as const satisfies SwitchProfile;

const HARDWARE = {
  name: "hardware-300s",
  ageing: seconds(300),
  sweepEvery: seconds(1),
  flushAfter: micros(0),
} as const satisfies SwitchProfile;

export const SWITCH_PROFILES = {
  "linux-bridge": LINUX_BRIDGE,
  "hardware-300s": HARDWARE,
  "mld-snooping": { ...HARDWARE, name: "mld-snooping", querier: QUERIER_TIMERS },
  "garp-rate-limited": { ...HARDWARE, name: "garp-rate-limited", gratuitousArpRate: 10 },
  // RFC 7432 section 15.1: the fifth move in 180 s is taken for a duplicate address.
  "move-dampening": {
    ...HARDWARE,
    name: "move-dampening",
    moveDampening: { most: 4, within: seconds(180), frozenFor: seconds(180) },
  },
  "no-unknown-flood": { ...HARDWARE, name: "no-unknown-flood", blockUnknownUnicast: true },
  dai: { ...HARDWARE, name: "dai", arpInspection: true },
} as const satisfies Readonly<Record<string, SwitchProfile>>;
