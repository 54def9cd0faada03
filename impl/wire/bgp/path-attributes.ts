// RFC 4271 sections 4.3 and 5; IANA "BGP Path Attributes".
import { type Ip, type Ipv4, type Ipv6 } from "../ip.ts";
import { type Prefix } from "../prefix.ts";
import { Writer } from "../writer.ts";
import { type AsPath, type AsSize, as4PathFor, asPathSize, writeAsn, writeAsPath } from "./as-path.ts";
import { type Community, type LargeCommunity, writeCommunities, writeLargeCommunities } from "./communities.ts";
import { MAX_TWO_OCTET_AS } from "./open.ts";

export const ATTRIBUTE_TYPES = {
  origin: 1,
  asPath: 2,
  nextHop: 3,
  multiExitDisc: 4,
  localPref: 5,
  atomicAggregate: 6,
  aggregator: 7,
  communities: 8,
  originatorId: 9,
  clusterList: 10,
  mpReachNlri: 14,
  mpUnreachNlri: 15,
  extendedCommunities: 16,
  as4Path: 17,
  as4Aggregator: 18,
  tunnelEncapsulation: 23,
  ipv6ExtendedCommunities: 25,
  aigp: 26,
  largeCommunities: 32,
  onlyToCustomer: 35,
  prefixSid: 40,
} as const;
export type AttributeName = keyof typeof ATTRIBUTE_TYPES;

/** RFC 4271 section 4.3, the high bits of the flags. Well-known attributes are transitive and not optional. */
export const FLAGS = { optional: 0x80, transitive: 0x40, partial: 0x20, extendedLength: 0x10 } as const;
export const WELL_KNOWN = FLAGS.transitive;
export const OPTIONAL = FLAGS.optional;
export const OPTIONAL_TRANSITIVE = FLAGS.optional | FLAGS.transitive;

/** RFC 4271 section 5.1.1. */
export const ORIGINS = { igp: 0, egp: 1, incomplete: 2 } as const;
export type Origin = keyof typeof ORIGINS;

export interface Aggregator {
  readonly asn: number;
  readonly address: Ipv4;
}

/** An attribute whose value is not ours to understand; kept as it came, to be judged and passed on. */
export interface RawAttribute {
  readonly flags: number;
  readonly type: number;
  readonly value: Uint8Array;
}

/** What routes have in common, but for their next hop. AS4_PATH and AS4_AGGREGATOR are merged into what they complete. */
export interface PathAttributes {
  readonly origin: Origin;
  readonly asPath: AsPath;
  readonly multiExitDisc?: number | undefined;
  readonly localPref?: number | undefined;
  readonly atomicAggregate?: true | undefined;
  readonly aggregator?: Aggregator | undefined;
  readonly communities?: readonly Community[] | undefined;
  readonly largeCommunities?: readonly LargeCommunity[] | undefined;
  readonly others?: readonly RawAttribute[] | undefined;
}

/** Routes that one UPDATE can carry: they differ in nothing but their prefix. */
export interface Announcement {
  readonly prefixes: readonly Prefix[];
  /** Of the other family than the prefixes where RFC 8950 is used. */
  readonly nextHop: Ip;
  /** RFC 2545 section 3: beside an IPv6 next hop on the link of the peer. */
  readonly linkLocal?: Ipv6 | undefined;
  readonly attributes: PathAttributes;
}

/** RFC 4271 section 5: ascending types. The next hops and prefixes of MP-BGP are not among them. */
export function encodeAttributes(attributes: PathAttributes, asSize: AsSize, nextHop?: Ipv4): Uint8Array {
  const { origin, asPath, multiExitDisc, localPref, aggregator, communities = [], largeCommunities = [] } = attributes;
  const writer = new AttributeWriter(attributes.others ?? []);
  writer.begin("origin", WELL_KNOWN, 1).u8(ORIGINS[origin]);
  writeAsPath(writer.begin("asPath", WELL_KNOWN, asPathSize(asPath, asSize)), asPath, asSize);
  if (nextHop !== undefined) writer.begin("nextHop", WELL_KNOWN, 4).ip(nextHop);
  if (multiExitDisc !== undefined) writer.begin("multiExitDisc", OPTIONAL, 4).u32(multiExitDisc);
  if (localPref !== undefined) writer.begin("localPref", WELL_KNOWN, 4).u32(localPref);
  if (attributes.atomicAggregate === true) writer.begin("atomicAggregate", WELL_KNOWN, 0);
  if (aggregator !== undefined) {
    writeAggregator(writer.begin("aggregator", OPTIONAL_TRANSITIVE, asSize + 4), aggregator, asSize);
  }
  if (communities.length > 0) {
    writeCommunities(writer.begin("communities", OPTIONAL_TRANSITIVE, communities.length * 4), communities);
  }
  if (asSize === 2) writeFourOctetNumbers(writer, attributes);
  if (largeCommunities.length > 0) {
    const value = writer.begin("largeCommunities", OPTIONAL_TRANSITIVE, largeCommunities.length * 12);
    writeLargeCommunities(value, largeCommunities);
  }
  return writer.finish();
}

/**
 * Writes the heads of attributes; those of other origin come in between, where their types belong.
 *
 *   flags   1
 *   type    1
 *   length  1 or 2  two bytes where the flag says so
 *   value   …
 */
class AttributeWriter {
  readonly #writer = new Writer(128);
  readonly #others: RawAttribute[];

  constructor(others: readonly RawAttribute[]) {
    this.#others = others.toSorted((a, b) => a.type - b.type);
  }

  /** Exactly so many bytes of value must follow. */
  begin(name: AttributeName, flags: number, length: number): Writer {
    const type = ATTRIBUTE_TYPES[name];
    this.#insert(type);
    return this.#head(flags, type, length);
  }

  finish(): Uint8Array {
    this.#insert(Number.POSITIVE_INFINITY);
    return this.#writer.finish();
  }

  #head(flags: number, type: number, length: number): Writer {
    const plain = flags & ~FLAGS.extendedLength;
    if (length <= 0xff) return this.#writer.u8(plain).u8(type).u8(length);
    return this.#writer
      .u8(plain | FLAGS.extendedLength)
      .u8(type)
      .u16(length);
  }

  #insert(below: number): void {
    let next = this.#others.at(0);
    while (next !== undefined && next.type < below) {
      this.#head(next.flags, next.type, next.value.length).bytes(next.value);
      this.#others.shift();
      next = this.#others.at(0);
    }
  }
}

function writeAggregator(value: Writer, { asn, address }: Aggregator, asSize: AsSize): void {
  writeAsn(value, asn, asSize);
  value.ip(address);
}

/** RFC 6793 section 4.2.2: beside AS_TRANS, the number that it stands for. */
function writeFourOctetNumbers(writer: AttributeWriter, { asPath, aggregator }: PathAttributes): void {
  const as4Path = as4PathFor(asPath);
  if (as4Path !== undefined) {
    writeAsPath(writer.begin("as4Path", OPTIONAL_TRANSITIVE, asPathSize(as4Path, 4)), as4Path, 4);
  }
  if (aggregator !== undefined && aggregator.asn > MAX_TWO_OCTET_AS) {
    writeAggregator(writer.begin("as4Aggregator", OPTIONAL_TRANSITIVE, 8), aggregator, 4);
  }
}
