// RFC 5880 section 6.8.1 (the variables that an operator sets), RFC 5881 (single hop), RFC 5883 (several hops).
import { type BfdProfile } from "../../api/config.ts";
import { type Micros, millis } from "../../wire/time.ts";

/** How a session runs. Times are what this side wishes; what is used is negotiated. */
export interface BfdConfig {
  /** RFC 5880 section 6.1: a passive side is silent until it has heard the other. */
  readonly role: "active" | "passive";
  readonly desiredMinTx: Micros;
  readonly requiredMinRx: Micros;
  readonly detectMultiplier: number;
  /** Undefined: no Echo function, neither ours nor the peer's through us. */
  readonly echoInterval: Micros | undefined;
  /** Control packets that crossed more routers than this allows are dropped. */
  readonly minimumTtl: number;
}

export type Hops = "single" | "multi";

/** FRR's defaults: what a profile that leaves a field out means. */
const DEFAULTS = {
  interval: millis(300),
  detectMultiplier: 3,
  echoInterval: millis(50),
  minimumTtl: 254,
} as const;

/** RFC 5881 section 5: an address of the same link is proved by the greatest TTL. */
const SINGLE_HOP_TTL = 255;

export function bfdConfig(profile: BfdProfile, hops: Hops): BfdConfig {
  // RFC 5883 section 3: no Echo over several hops.
  const echo = profile.echoMode && hops === "single";
  return {
    role: profile.passiveMode ? "passive" : "active",
    desiredMinTx: profile.transmitInterval ?? DEFAULTS.interval,
    requiredMinRx: profile.receiveInterval ?? DEFAULTS.interval,
    detectMultiplier: profile.detectMultiplier ?? DEFAULTS.detectMultiplier,
    echoInterval: echo ? (profile.echoInterval ?? DEFAULTS.echoInterval) : undefined,
    minimumTtl: hops === "single" ? SINGLE_HOP_TTL : (profile.minimumTtl ?? DEFAULTS.minimumTtl),
  };
}
