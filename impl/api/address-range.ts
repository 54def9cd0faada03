// What stands in spec.addresses of an IPAddressPool: a prefix or an inclusive range.
import { ConfigError } from "../wire/errors.ts";
import { familyOf, type Ip, ipToBigInt, readIp } from "../wire/ip.ts";
import { lengthOf, overlaps, type Prefix, type Range, rangeOf, readPrefix, summarise } from "../wire/prefix.ts";

/** One entry of spec.addresses, read. */
export interface AddressEntry {
  readonly text: string;
  readonly range: Range;
  /** Ascending, the fewest that cover the range. */
  readonly prefixes: readonly Prefix[];
}

const isMapped = (ip: string): boolean => ip.startsWith("::ffff:") && ip.includes(".");
const MAPPED = "IPv4-mapped IPv6 addresses are not usable, write the IPv4 address";

function parsePrefixEntry(text: string, path: string): AddressEntry {
  const prefix = readPrefix(text);
  if (prefix === undefined) throw new ConfigError(path, `invalid CIDR ${JSON.stringify(text)}`);
  if (isMapped(prefix)) throw new ConfigError(path, `invalid CIDR ${JSON.stringify(text)}: ${MAPPED}`);
  if (lengthOf(prefix) === 0) {
    throw new ConfigError(path, `invalid CIDR ${JSON.stringify(text)}: a pool cannot hold every address there is`);
  }
  return { text, range: rangeOf(prefix), prefixes: [prefix] };
}

function parseBound(text: string, bound: string, end: "start" | "end", path: string): Ip {
  const ip = readIp(bound.trim());
  const problem = `invalid IP range ${JSON.stringify(text)}: invalid ${end} IP ${JSON.stringify(bound)}`;
  if (ip === undefined) throw new ConfigError(path, problem);
  if (isMapped(ip)) throw new ConfigError(path, `${problem}: ${MAPPED}`);
  return ip;
}

/** Reads `192.0.2.0/24` or `192.0.2.10-192.0.2.20`. Throws ConfigError at `path`. */
export function parseAddressEntry(text: string, path: string): AddressEntry {
  const dash = text.indexOf("-");
  if (dash < 0) return parsePrefixEntry(text, path);
  const start = parseBound(text, text.slice(0, dash), "start", path);
  const end = parseBound(text, text.slice(dash + 1), "end", path);
  const family = familyOf(start);
  if (family !== familyOf(end)) {
    throw new ConfigError(path, `invalid IP range ${JSON.stringify(text)}: start and end are of different families`);
  }
  const range = { family, first: ipToBigInt(start), last: ipToBigInt(end) };
  if (range.first > range.last) {
    const problem = `start IP ${JSON.stringify(start)} is after the end IP ${JSON.stringify(end)}`;
    throw new ConfigError(path, `invalid IP range ${JSON.stringify(text)}: ${problem}`);
  }
  const prefixes = summarise(range);
  if (prefixes.some((prefix) => lengthOf(prefix) === 0)) {
    throw new ConfigError(path, `invalid IP range ${JSON.stringify(text)}: a pool cannot hold every address there is`);
  }
  return { text, range, prefixes };
}

/** Two prefixes, of different entries, that share addresses. */
export interface Overlap {
  readonly prefix: Prefix;
  readonly defined: Prefix;
}

/** The entries that pools have laid claim to so far. Claims never overlap, so they stay sorted and a new one is cheap to judge. */
export class Claims {
  readonly #sorted: { readonly entry: AddressEntry; readonly order: number }[] = [];
  #count = 0;

  /** Adds an entry, or says which of its prefixes is first in the way and of what. */
  claim(entry: AddressEntry): Overlap | undefined {
    const at = this.#firstNotBefore(entry.range);
    const inTheWay: { readonly entry: AddressEntry; readonly order: number }[] = [];
    for (let index = at; index < this.#sorted.length; index++) {
      const other = this.#sorted[index];
      if (other === undefined || !overlaps(entry.range, other.entry.range)) break;
      inTheWay.push(other);
    }
    if (inTheWay.length === 0) {
      this.#sorted.splice(at, 0, { entry, order: this.#count++ });
      return undefined;
    }
    inTheWay.sort((a, b) => a.order - b.order);
    return firstOverlap(
      entry,
      inTheWay.map((other) => other.entry),
    );
  }

  /** Index of the first claim that does not end before `range` begins. */
  #firstNotBefore(range: Range): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#sorted[middle];
      if (other !== undefined && endsBefore(other.entry.range, range)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function endsBefore(range: Range, other: Range): boolean {
  return range.family === other.family ? range.last < other.first : range.family === "ipv4";
}

function firstOverlap(entry: AddressEntry, others: readonly AddressEntry[]): Overlap {
  for (const prefix of entry.prefixes) {
    for (const other of others) {
      const defined = other.prefixes.find((candidate) => overlaps(rangeOf(prefix), rangeOf(candidate)));
      if (defined !== undefined) return { prefix, defined };
    }
  }
  throw new Error(`overlapping ranges without overlapping prefixes: ${entry.text}`);
}
