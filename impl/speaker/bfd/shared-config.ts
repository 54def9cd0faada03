// RFC 5882 section 2: all that depend on one path share one BFD session.
import { earliest, type Micros } from "../../wire/time.ts";
import { type BfdConfig } from "./config.ts";

/** What serves every one of several: each of them learns of a failure at least as soon as it asked for. */
export function sharedConfig(configs: readonly [BfdConfig, ...BfdConfig[]]): BfdConfig {
  return configs.reduce((a, b) => ({
    role: a.role === "active" ? a.role : b.role,
    desiredMinTx: shorter(a.desiredMinTx, b.desiredMinTx),
    requiredMinRx: shorter(a.requiredMinRx, b.requiredMinRx),
    detectMultiplier: Math.min(a.detectMultiplier, b.detectMultiplier),
    echoInterval: earliest(a.echoInterval, b.echoInterval),
    minimumTtl: Math.max(a.minimumTtl, b.minimumTtl),
  }));
}

const shorter = (a: Micros, b: Micros): Micros => (a < b ? a : b);
