// A router's idea of its neighbours, a line for each, from our reading of a configuration and from FRR's own
// (`show bgp neighbors json`), so that both can be compared.
import { inSeconds, type Micros, micros } from "../../../impl/wire/time.ts";
import { MAX_TTL } from "./defaults.ts";
import { type BgpConfig, type MaximumPrefix, type NeighborConfig, type NeighborFamilyConfig } from "./model.ts";

const GR_MODES = { restarter: "Restart", helper: "Helper", disabled: "Disable" } as const;

interface Idea {
  readonly name: string;
  readonly remoteAs: string;
  readonly localAs: number;
  readonly hold: number;
  readonly keepalive: number;
  readonly connect: number;
  readonly interval: number;
  readonly hops: number;
  readonly restart: string;
  readonly more: readonly (string | false)[];
}

function lineOf(idea: Idea): string {
  const { name, remoteAs, localAs, hold, keepalive, connect, interval, hops, restart, more } = idea;
  return [
    `${name} ${remoteAs} as ${localAs}`,
    `timers ${keepalive}/${hold}/${connect}/${interval}`,
    `hops ${hops}`,
    restart,
    ...more.filter((word) => word !== false),
  ].join(", ");
}

const limitText = ({ count, threshold, restart }: MaximumPrefix): string =>
  ` limit ${count} ${threshold} ${restart === undefined ? "" : inSeconds(restart)}`;

function familyText(name: string, settings: NeighborFamilyConfig | undefined): string | false {
  if (settings === undefined) return false;
  const { routeMapIn, routeMapOut, prefixListIn, prefixListOut, softReconfiguration, nextHopSelf } = settings;
  return [
    name,
    routeMapIn === undefined ? "" : ` map in ${routeMapIn}`,
    routeMapOut === undefined ? "" : ` map out ${routeMapOut}`,
    prefixListIn === undefined ? "" : ` list in ${prefixListIn}`,
    prefixListOut === undefined ? "" : ` list out ${prefixListOut}`,
    softReconfiguration ? " soft" : "",
    nextHopSelf === false ? "" : " self",
    settings.maximumPrefix === undefined ? "" : limitText(settings.maximumPrefix),
  ].join("");
}

const isInternal = ({ asn }: BgpConfig, { remoteAs }: NeighborConfig): boolean =>
  remoteAs === "internal" || remoteAs === asn;

function ideaOf(bgp: BgpConfig, neighbor: NeighborConfig): Idea {
  const { peer, remoteAs, localAs, ttl, minTtl, families } = neighbor;
  return {
    name: peer.kind === "interface" ? peer.device : peer.ip,
    remoteAs: String(remoteAs),
    localAs: localAs?.asn ?? bgp.asn,
    hold: inSeconds(neighbor.holdTime),
    keepalive: inSeconds(neighbor.keepalive),
    connect: inSeconds(neighbor.connectRetry),
    interval: inSeconds(neighbor.advertisementInterval),
    hops: isInternal(bgp, neighbor) ? MAX_TTL : minTtl === undefined ? ttl : MAX_TTL - minTtl + 1,
    restart: GR_MODES[neighbor.gracefulRestart],
    more: [
      neighbor.shutdown !== undefined && "shutdown",
      neighbor.password !== undefined && "password",
      neighbor.description !== undefined && `"${neighbor.description}"`,
      neighbor.bfd !== undefined && "BFD",
      familyText("ipv4", families.ipv4),
      familyText("ipv6", families.ipv6),
    ],
  };
}

/** Sorted. */
export const neighborLines = (bgp: BgpConfig): readonly string[] =>
  bgp.neighbors.map((neighbor) => lineOf(ideaOf(bgp, neighbor))).sort();

type Json = Readonly<Record<string, unknown>>;

const within = (json: Json, key: string): Json => {
  const value = json[key];
  return typeof value === "object" && value !== null ? { ...value } : {};
};

const numberAt = (json: Json, key: string): number => {
  const value = json[key];
  return typeof value === "number" ? value : 0;
};

const textAt = (json: Json, key: string): string => {
  const value = json[key];
  return typeof value === "string" ? value : "";
};

const asSeconds = (millis: number): number => inSeconds(micros(millis * 1e3));

function frrLimit(json: Json): string {
  const restart: Micros | undefined =
    "prefixAllowedRestartIntervalMsecs" in json
      ? micros(numberAt(json, "prefixAllowedRestartIntervalMsecs") * 1e3)
      : undefined;
  const [count, threshold] = [numberAt(json, "prefixAllowedMax"), numberAt(json, "prefixAllowedWarningThresh")];
  return limitText({ count, threshold, restart, warningOnly: false });
}

const FILTERS = [
  ["routeMapForIncomingAdvertisements", "map in"],
  ["routeMapForOutgoingAdvertisements", "map out"],
  ["incomingUpdatePrefixFilterList", "list in"],
  ["outgoingUpdatePrefixFilterList", "list out"],
] as const;

function frrFamily(name: string, families: Json): string | false {
  const key = `${name}Unicast`;
  if (!(key in families)) return false;
  const json = within(families, key);
  return [
    name,
    ...FILTERS.map(([filter, word]) => (filter in json ? ` ${word} ${textAt(json, filter).replace(/^\*/, "")}` : "")),
    json["inboundSoftConfigPermit"] === true ? " soft" : "",
    json["routerAlwaysNextHop"] === true ? " self" : "",
    "prefixAllowedMax" in json ? frrLimit(json) : "",
  ].join("");
}

function frrIdea(name: string, json: Json): Idea {
  const families = within(json, "addressFamilyInfo");
  const asn = numberAt(json, "remoteAs");
  const kind = json["nbrInternalLink"] === true ? "internal" : "external";
  return {
    name,
    // What `internal` and `external` stand for it learns from the neighbour's OPEN.
    remoteAs: asn === 0 ? kind : String(asn),
    localAs: numberAt(json, "localAs"),
    hold: asSeconds(numberAt(json, "bgpTimerConfiguredHoldTimeMsecs")),
    keepalive: asSeconds(numberAt(json, "bgpTimerConfiguredKeepAliveIntervalMsecs")),
    connect: numberAt(json, "connectRetryTimer"),
    interval: asSeconds(numberAt(json, "minBtwnAdvertisementRunsTimerMsecs")),
    hops: numberAt(json, `${kind}BgpNbrMaxHopsAway`),
    // A star marks what the instance says for all.
    restart: textAt(within(json, "gracefulRestartInfo"), "localGrMode").replace("*", ""),
    more: [
      json["adminShutDown"] === true && "shutdown",
      "authenticationEnabled" in json && "password",
      "nbrDesc" in json && `"${textAt(json, "nbrDesc")}"`,
      "peerBfdInfo" in json && "BFD",
      frrFamily("ipv4", families),
      frrFamily("ipv6", families),
    ],
  };
}

/** The same from what FRR says, dynamic neighbours left out; sorted. */
export function frrNeighborLines(shown: unknown): readonly string[] {
  const all = typeof shown === "object" && shown !== null ? Object.entries({ ...shown }) : [];
  const neighbors = all.filter(([, json]) => typeof json === "object" && json !== null && "bgpState" in json);
  return neighbors.map(([name, json]) => lineOf(frrIdea(name, within({ json }, "json")))).sort();
}
