// RFC 4861 section 7.3 (neighbour unreachability detection) as Linux runs it, for IPv4 and IPv6 alike
// (net/core/neighbour.c: neigh_update, neigh_timer_handler, __neigh_event_send).
import { unreachable } from "../../impl/wire/brand.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { type Micros, minus, plus, times } from "../../impl/wire/time.ts";
import { type NeighbourParameters } from "./neighbour-parameters.ts";

interface Times {
  /** When state or address last changed: the lock time counts from here. */
  readonly updated: Micros;
  /** When it was last known to work. */
  readonly confirmed: Micros;
  /** When a packet last asked for it while it was not reachable. */
  readonly used: Micros;
  /** The R flag of its last advertisement. */
  readonly router: boolean;
}

/** `at` is when the timer of the state runs out; `probes` counts what was sent in this state. */
export type Neighbour = Times &
  (
    | { readonly kind: "incomplete"; readonly probes: number; readonly at: Micros }
    | { readonly kind: "reachable"; readonly mac: Mac; readonly at: Micros }
    | { readonly kind: "stale"; readonly mac: Mac }
    | { readonly kind: "delay"; readonly mac: Mac; readonly at: Micros }
    | { readonly kind: "probe"; readonly mac: Mac; readonly probes: number; readonly at: Micros }
    | { readonly kind: "failed" }
  );

/** States in which there is an address to send to. */
export type ValidNeighbour = Extract<Neighbour, { readonly mac: Mac }>;

export type NudEvent =
  | { readonly kind: "send" }
  | { readonly kind: "timer" }
  /** The layer above made progress (RFC 4861 section 7.3.1). */
  | { readonly kind: "confirm" }
  | Learned;

/** ARP or an NDP message speaks of the neighbour. */
export interface Learned {
  readonly kind: "learned";
  /** Undefined where the message named none. */
  readonly mac: Mac | undefined;
  readonly as: "reachable" | "stale";
  /** Whether another address may replace the known one; "weakly" keeps it but doubts it. */
  readonly override: "always" | "weakly" | "never";
  /** What the message says about the R flag, if anything. */
  readonly router?: boolean;
}

export interface Step {
  readonly neighbour: Neighbour;
  readonly solicit?: "unicast" | "group";
}

/** The parameters with the reachable time that was drawn. */
export interface NudParameters extends NeighbourParameters {
  readonly reachable: Micros;
}

export const isValid = (neighbour: Neighbour): neighbour is ValidNeighbour => "mac" in neighbour;
export const timerOf = (neighbour: Neighbour): Micros | undefined => ("at" in neighbour ? neighbour.at : undefined);

/** A neighbour of which nothing is known. */
export function unknownNeighbour(parameters: NudParameters, now: Micros): Neighbour {
  return { kind: "failed", ...longAgo(parameters, now), updated: now, used: now, router: false };
}

function longAgo(parameters: NudParameters, now: Micros): Pick<Times, "confirmed"> {
  return { confirmed: minus(now, times(parameters.baseReachable, 2)) };
}

export function step(old: Neighbour, event: NudEvent, parameters: NudParameters, now: Micros): Step {
  switch (event.kind) {
    case "send":
      return send(old, parameters, now);
    case "timer":
      return expire(old, parameters, now);
    case "confirm":
      return { neighbour: { ...old, confirmed: now } };
    case "learned":
      return { neighbour: learn(old, event, parameters, now) };
    default:
      return unreachable(event);
  }
}

function timesOf(old: Neighbour, change: Partial<Times>): Times {
  const { updated, confirmed, used, router } = old;
  return { updated, confirmed, used, router, ...change };
}

function send(old: Neighbour, parameters: NudParameters, now: Micros): Step {
  switch (old.kind) {
    case "reachable":
      return { neighbour: old };
    case "incomplete":
    case "delay":
    case "probe":
      return { neighbour: { ...old, used: now } };
    case "stale": {
      const at = plus(now, parameters.delayFirstProbe);
      return { neighbour: { kind: "delay", mac: old.mac, at, ...timesOf(old, { updated: now, used: now }) } };
    }
    case "failed": {
      const at = plus(now, parameters.retransmit);
      const neighbour: Neighbour = { kind: "incomplete", probes: 1, at, ...timesOf(old, { updated: now, used: now }) };
      return { neighbour, solicit: "group" };
    }
    default:
      return unreachable(old);
  }
}

function expire(old: Neighbour, parameters: NudParameters, now: Micros): Step {
  switch (old.kind) {
    case "reachable":
      return parameters.ageing.kind === "timeout"
        ? expireTimeout(old, parameters, now)
        : { neighbour: expireReachable(old, parameters, now) };
    case "delay": {
      if (now <= old.confirmed + parameters.delayFirstProbe) {
        return { neighbour: reachable(old.mac, timesOf(old, { updated: now }), parameters) };
      }
      return firstProbe(old, parameters, now);
    }
    case "incomplete":
    case "probe":
      return nextProbe(old, parameters, now);
    case "stale":
    case "failed":
      return { neighbour: old };
    default:
      return unreachable(old);
  }
}

function reachable(mac: Mac, known: Times, parameters: NudParameters): Neighbour {
  const { ageing } = parameters;
  const before = ageing.kind === "timeout" && ageing.refresh !== "none" ? ageing.before : (0 as Micros);
  return { kind: "reachable", mac, at: minus(plus(known.confirmed, parameters.reachable), before), ...known };
}

type Reachable = Extract<Neighbour, { readonly kind: "reachable" }>;

function expireReachable(old: Reachable, parameters: NudParameters, now: Micros): Neighbour {
  const until = plus(old.confirmed, parameters.reachable);
  if (now < until) return { ...old, at: until };
  const known = timesOf(old, { updated: now });
  if (now <= old.used + parameters.delayFirstProbe) {
    return { kind: "delay", mac: old.mac, at: plus(now, parameters.delayFirstProbe), ...known };
  }
  return { kind: "stale", mac: old.mac, ...known };
}

function expireTimeout(old: Reachable, parameters: NudParameters, now: Micros): Step {
  const again = reachable(old.mac, timesOf(old, {}), parameters);
  const at = timerOf(again);
  if (at !== undefined && now < at) return { neighbour: again };
  if (parameters.ageing.kind === "timeout" && parameters.ageing.refresh === "none") {
    return { neighbour: { kind: "failed", ...timesOf(old, { updated: now }) } };
  }
  return firstProbe(old, parameters, now);
}

function firstProbe(old: ValidNeighbour, parameters: NudParameters, now: Micros): Step {
  const at = plus(now, parameters.retransmit);
  const neighbour: Neighbour = { kind: "probe", mac: old.mac, probes: 1, at, ...timesOf(old, { updated: now }) };
  return { neighbour, solicit: probeKind(0, parameters) };
}

/** A known address is asked for directly first, then everyone. */
function probeKind(sent: number, parameters: NudParameters): "unicast" | "group" {
  if (parameters.ageing.kind === "timeout" && parameters.ageing.refresh === "broadcast") return "group";
  return sent < parameters.unicastProbes ? "unicast" : "group";
}

function nextProbe(
  old: Extract<Neighbour, { readonly kind: "incomplete" | "probe" }>,
  parameters: NudParameters,
  now: Micros,
): Step {
  const most =
    old.kind === "incomplete" ? parameters.multicastProbes : parameters.unicastProbes + parameters.multicastReprobes;
  if (old.probes >= most) return { neighbour: { kind: "failed", ...timesOf(old, { updated: now }) } };
  const neighbour = { ...old, probes: old.probes + 1, at: plus(now, parameters.retransmit) };
  return { neighbour, solicit: old.kind === "incomplete" ? "group" : probeKind(old.probes, parameters) };
}

function learn(old: Neighbour, event: Learned, parameters: NudParameters, now: Micros): Neighbour {
  const known = isValid(old) ? old.mac : undefined;
  const offered = event.mac ?? known;
  if (offered === undefined) return old;
  // Routers with a fixed lifetime do not know doubt: whatever they believe, they believe for the whole time.
  const as = parameters.ageing.kind === "timeout" ? "reachable" : event.as;
  const confirmed = as === "reachable" ? now : old.confirmed;
  const router = event.router ?? old.router;
  if (known === undefined) return enter(old, offered, as, { ...old, confirmed, router }, parameters, now);
  if (offered === known) {
    // Hearing the same address again is no reason to doubt it.
    return as === "stale" ? { ...old, router } : enter(old, known, as, { ...old, confirmed, router }, parameters, now);
  }
  if (event.override === "always") return enter(old, offered, as, { ...old, confirmed, router }, parameters, now);
  // RFC 4861 section 7.2.5, I.: without the O flag, REACHABLE becomes STALE and nothing else changes.
  return event.override === "weakly" && old.kind === "reachable"
    ? enter(old, known, "stale", { ...old, confirmed }, parameters, now)
    : { ...old, confirmed };
}

function enter(
  old: Neighbour,
  mac: Mac,
  as: "reachable" | "stale",
  known: Times,
  parameters: NudParameters,
  now: Micros,
): Neighbour {
  const moved = !isValid(old) || old.mac !== mac;
  const { used, router } = known;
  const updated = moved || old.kind !== as ? now : known.updated;
  if (as === "stale") {
    const confirmed = moved ? longAgo(parameters, now).confirmed : known.confirmed;
    return { kind: "stale", mac, updated, confirmed, used, router };
  }
  // A running timer is not moved; when it runs out it looks at `confirmed`.
  if (old.kind === "reachable") return { ...old, mac, updated, confirmed: known.confirmed, router };
  return reachable(mac, { updated, confirmed: known.confirmed, used, router }, parameters);
}
