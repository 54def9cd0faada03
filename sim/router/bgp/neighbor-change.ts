// What a change of its settings does to a session: most of them do nothing, as in FRR.
import { type PeerSettings } from "../config/model.ts";

/** Names what makes a new session necessary; undefined where the session may stay. */
export function needsReset(before: PeerSettings, after: PeerSettings): string | undefined {
  const parts = [sessionParts(before), sessionParts(after)] as const;
  return Object.keys(parts[0]).find((name) => JSON.stringify(parts[0][name]) !== JSON.stringify(parts[1][name]));
}

const sessionParts = (settings: PeerSettings): Readonly<Record<string, unknown>> => ({
  remoteAs: settings.remoteAs,
  localAs: settings.localAs ?? null,
  port: settings.port,
  password: settings.password ?? null,
  updateSource: settings.updateSource ?? null,
  ttl: settings.ttl,
  minTtl: settings.minTtl ?? null,
  extendedNextHop: settings.extendedNextHop,
  gracefulRestart: settings.gracefulRestart,
  families: [settings.families.ipv4 !== undefined, settings.families.ipv6 !== undefined],
});

/** Neighbours with the same text are told the same. */
export const outboundText = ({ families, localAs }: PeerSettings): string =>
  JSON.stringify([
    localAs,
    ...[families.ipv4, families.ipv6].map((family) => [
      family?.routeMapOut,
      family?.prefixListOut,
      family?.nextHopSelf,
      family?.routeReflectorClient,
      family?.defaultOriginate,
    ]),
  ]);

/** Everything that decides which routes pass, as a text to compare. */
export const policyText = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) => (each instanceof Map ? [...each] : each));
