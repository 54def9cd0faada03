// IPAddressPool: what one pool object means, and that pools do not overlap.
import { type AddressEntry, Claims, parseAddressEntry } from "./address-range.ts";
import { type PoolAllocation } from "./config.ts";
import { type NamespaceObject } from "./kubernetes.ts";
import { type IPAddressPool } from "./metallb.ts";
import { attempt, type ProblemList, type Report } from "./problem.ts";
import { EVERYTHING, matchesAny } from "./selector.ts";
import { compileSelectors, reportDuplicateSelectors, reportDuplicates } from "./selector-list.ts";

/** An entry of spec.addresses, with its position there. */
export interface PoolEntry extends AddressEntry {
  readonly index: number;
}

/** A pool before advertisements are attached to it. */
export interface ParsedPool {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly entries: readonly PoolEntry[];
  readonly autoAssign: boolean;
  readonly avoidBuggyIPs: boolean;
  readonly allocation: PoolAllocation | undefined;
}

function parseEntries(pool: IPAddressPool, report: Report): readonly PoolEntry[] {
  const { addresses } = pool.spec;
  if (addresses.length === 0) report("spec.addresses", "pool has no prefixes defined");
  const invalid = (text: string): string => `invalid CIDR ${JSON.stringify(text)} in pool "${pool.metadata.name}"`;
  return addresses.flatMap((text, index) => {
    const wrapped: Report = (path, what) =>
      report(path, what, { message: `parsing address pool ${pool.metadata.name}: ${invalid(text)}: ${what}` });
    const entry = attempt(wrapped, () => parseAddressEntry(text, `spec.addresses[${index}]`));
    return entry === undefined ? [] : [{ ...entry, index }];
  });
}

function parseAllocation(
  pool: IPAddressPool,
  namespaces: readonly NamespaceObject[],
  report: Report,
): PoolAllocation | undefined {
  const allocation = pool.spec.serviceAllocation;
  if (allocation === undefined) return undefined;
  const { priority = 0, namespaces: names = [], namespaceSelectors = [], serviceSelectors = [] } = allocation;
  const path = "spec.serviceAllocation";
  if (names.length + namespaceSelectors.length + serviceSelectors.length === 0) {
    // A pool with only a priority is for every Service.
    return { priority, namespaces: new Set(), serviceSelectors: [EVERYTHING] };
  }
  reportDuplicates(report, `${path}.namespaces`, "namespaces", names);
  reportDuplicateSelectors(report, `${path}.namespaceSelectors`, "namespaceSelectors", namespaceSelectors);
  reportDuplicateSelectors(report, `${path}.serviceSelectors`, "serviceSelectors", serviceSelectors);
  const where = `in ip pool ${pool.metadata.name}`;
  const ofNamespaces = compileSelectors(
    report,
    `${path}.namespaceSelectors`,
    namespaceSelectors,
    `invalid namespace label selector ${where}`,
  );
  const matching = namespaces.filter((namespace) => matchesAny(ofNamespaces, namespace.metadata.labels ?? {}));
  return {
    priority,
    namespaces: new Set([...names, ...matching.map((namespace) => namespace.metadata.name)]),
    serviceSelectors: compileSelectors(
      report,
      `${path}.serviceSelectors`,
      serviceSelectors,
      `invalid service label selector ${where}`,
    ),
  };
}

function claimEntries(pool: ParsedPool, claims: Claims, report: Report): void {
  const name = JSON.stringify(pool.name);
  for (const entry of pool.entries) {
    const overlap = claims.claim(entry);
    if (overlap === undefined) continue;
    const { prefix, defined } = overlap;
    const message = `CIDR "${prefix}" in pool ${name} overlaps with already defined CIDR "${defined}"`;
    report(`spec.addresses[${entry.index}]`, `CIDR "${prefix}" overlaps with already defined CIDR "${defined}"`, {
      message,
    });
  }
}

/** Pools in the order given; a name that stands twice is reported and its second pool left out. */
export function parsePools(
  pools: readonly IPAddressPool[],
  namespaces: readonly NamespaceObject[],
  problems: ProblemList,
): ReadonlyMap<string, ParsedPool> {
  const parsed = new Map<string, ParsedPool>();
  const claims = new Claims();
  for (const object of pools) {
    const { name, labels = {} } = object.metadata;
    const report = problems.about(object, (what) => `parsing address pool ${name}: ${what}`);
    if (name === "") report("metadata.name", "missing pool name");
    const pool: ParsedPool = {
      name,
      labels,
      entries: parseEntries(object, report),
      autoAssign: object.spec.autoAssign ?? true,
      avoidBuggyIPs: object.spec.avoidBuggyIPs ?? false,
      allocation: parseAllocation(object, namespaces, report),
    };
    if (parsed.has(name)) {
      const what = `duplicate definition of pool ${JSON.stringify(name)}`;
      report("metadata.name", what, { message: what });
      continue;
    }
    claimEntries(pool, claims, report);
    parsed.set(name, pool);
  }
  return parsed;
}
