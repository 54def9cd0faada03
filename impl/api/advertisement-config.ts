// L2Advertisement and BGPAdvertisement: what one object means, before it is attached to pools.
import { type CommunityValue, compareCommunities, formatCommunity, readCommunity } from "./community.ts";
import { type BgpAdvertisement, type L2Advertisement } from "./config.ts";
import { type LabelSelector } from "./kubernetes.ts";
import { type BGPAdvertisement, type L2Advertisement as L2AdvertisementObject } from "./metallb.ts";
import { attempt, type ProblemList, type Report } from "./problem.ts";
import { parseRouteAnnotations } from "./route-annotations.ts";
import { compileSelector, type Selector } from "./selector.ts";
import { compileSelectors, reportDuplicateSelectors, reportDuplicates, sortSelectors } from "./selector-list.ts";

/** Which pools an advertisement is for; with neither names nor selectors: all. */
export interface PoolChoice {
  readonly names: readonly string[];
  readonly selectors: readonly Selector[];
}

interface SelectorLists {
  readonly ipAddressPools?: readonly string[];
  readonly ipAddressPoolSelectors?: readonly LabelSelector[];
  readonly nodeSelectors?: readonly LabelSelector[];
  readonly serviceSelectors?: readonly LabelSelector[];
}

function reportSelectorDuplicates(spec: SelectorLists, report: Report): void {
  for (const list of ["ipAddressPoolSelectors", "nodeSelectors", "serviceSelectors"] as const) {
    reportDuplicateSelectors(report, `spec.${list}`, list, spec[list] ?? []);
  }
}

interface CompiledLists {
  readonly nodeSelectors: readonly Selector[];
  readonly serviceSelectors: readonly Selector[];
}

function compileLists(name: string, spec: SelectorLists, report: Report): CompiledLists {
  const failed = (what: string): string => `failed to parse ${what} selector for ${name}`;
  return {
    nodeSelectors: compileSelectors(report, "spec.nodeSelectors", spec.nodeSelectors ?? [], failed("node")),
    serviceSelectors: sortSelectors(
      compileSelectors(report, "spec.serviceSelectors", spec.serviceSelectors ?? [], failed("service")),
    ),
  };
}

function choosePools(spec: SelectorLists, report: Report): PoolChoice {
  const selectors = spec.ipAddressPoolSelectors ?? [];
  return {
    names: spec.ipAddressPools ?? [],
    selectors: compileSelectors(report, "spec.ipAddressPoolSelectors", selectors, "invalid label selector"),
  };
}

export interface ParsedAdvertisement<Object, Meaning> {
  readonly object: Object;
  readonly pools: PoolChoice;
  readonly meaning: Meaning;
}

export function parseL2Advertisement(
  object: L2AdvertisementObject,
  problems: ProblemList,
): ParsedAdvertisement<L2AdvertisementObject, L2Advertisement> {
  const { name } = object.metadata;
  const { spec = {} } = object;
  const report = problems.about(object);
  reportDuplicates(report, "spec.ipAddressPools", "ipAddressPools", spec.ipAddressPools ?? []);
  reportSelectorDuplicates(spec, report);
  const lists = compileLists(name, spec, report);
  const context = `failed to parse preferred node selectors for ${name}`;
  const preferredNodeSelectors = (spec.preferredNodeSelectors ?? []).flatMap(({ weight, preference }, index) => {
    const path = `spec.preferredNodeSelectors[${index}].preference`;
    const compiled = attempt(report, () => compileSelector(preference, path), { context });
    return compiled === undefined ? [] : [{ weight, preference: compiled }];
  });
  const meaning = { name, ...lists, interfaces: spec.interfaces ?? [], preferredNodeSelectors };
  return { object, pools: choosePools(spec, report), meaning };
}

function reportAggregation(object: BGPAdvertisement, report: Report): void {
  const { aggregationLength = 32, aggregationLengthV6 = 128, serviceSelectors = [] } = object.spec ?? {};
  const exclusive = (field: string): string =>
    `serviceSelectors and ${field} are mutually exclusive, both cannot be set in ${object.metadata.name}`;
  if (serviceSelectors.length > 0) {
    if (aggregationLength !== 32) report("spec.aggregationLength", exclusive("aggregationLength"));
    if (aggregationLengthV6 !== 128) report("spec.aggregationLengthV6", exclusive("aggregationLengthV6"));
  }
  const valid = (length: number, longest: number): boolean =>
    Number.isInteger(length) && length >= 0 && length <= longest;
  if (!valid(aggregationLength, 32)) {
    report("spec.aggregationLength", `invalid aggregation length ${aggregationLength} for IPv4`);
  }
  if (!valid(aggregationLengthV6, 128)) {
    report("spec.aggregationLengthV6", `invalid aggregation length ${aggregationLengthV6} for IPv6`);
  }
}

function parseCommunities(
  object: BGPAdvertisement,
  aliases: ReadonlyMap<string, CommunityValue>,
  report: Report,
): readonly string[] {
  const values = new Map<string, CommunityValue>();
  for (const [index, text] of (object.spec?.communities ?? []).entries()) {
    const alias = aliases.get(text);
    const reading = alias === undefined ? readCommunity(text) : { kind: "value" as const, value: alias };
    if (reading.kind === "value") {
      values.set(formatCommunity(reading.value), reading.value);
      continue;
    }
    const context = `invalid community ${JSON.stringify(text)} in BGP advertisement`;
    // What does not look like a community may be an alias that nobody has defined yet.
    const transient = reading.kind === "notACommunity";
    report(`spec.communities[${index}]`, reading.problem, { context, transient });
  }
  return [...values].sort(([, a], [, b]) => compareCommunities(a, b)).map(([text]) => text);
}

export function parseBgpAdvertisement(
  object: BGPAdvertisement,
  aliases: ReadonlyMap<string, CommunityValue>,
  problems: ProblemList,
): ParsedAdvertisement<BGPAdvertisement, BgpAdvertisement> {
  const { name } = object.metadata;
  const { spec = {} } = object;
  const report = problems.about(object);
  reportDuplicates(report, "spec.ipAddressPools", "ipAddressPools", spec.ipAddressPools ?? []);
  reportDuplicates(report, "spec.communities", "community", spec.communities ?? []);
  reportDuplicates(report, "spec.peers", "peers", spec.peers ?? []);
  reportSelectorDuplicates(spec, report);
  reportAggregation(object, report);
  const communities = parseCommunities(object, aliases, report);
  const meaning = {
    name,
    aggregationLength: spec.aggregationLength ?? 32,
    aggregationLengthV6: spec.aggregationLengthV6 ?? 128,
    localPref: spec.localPref ?? 0,
    communities,
    ...parseRouteAnnotations(object, report),
    ...compileLists(name, spec, report),
    peers: spec.peers ?? [],
  };
  return { object, pools: choosePools(spec, report), meaning };
}
