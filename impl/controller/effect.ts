import { shorten } from "../api/problem.ts";
import { type Ip } from "../wire/ip.ts";
import { type PoolCounters } from "./allocator.ts";

/** What the controller wants to happen in the cluster. */
export type ControllerEffect =
  /** The Service shall have exactly these addresses in its status and name this pool; none: both shall go. */
  | { readonly kind: "writeStatus"; readonly service: string; readonly ingress: readonly Ip[]; readonly pool?: string }
  | ServiceEvent
  | ({ readonly kind: "poolStatus"; readonly pool: string } & PoolCounters)
  | { readonly kind: "configurationState"; readonly error: string | undefined };

export interface ServiceEvent {
  readonly kind: "event";
  readonly service: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export function serviceEvent(
  service: string,
  type: ServiceEvent["type"],
  reason: string,
  message: string,
): ServiceEvent {
  return { kind: "event", service, type, reason, message: shorten(message) };
}
