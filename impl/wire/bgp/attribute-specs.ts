// RFC 7606 section 7: for each attribute, what makes it malformed and what then becomes of the routes. RFC 6793 section 6
// (AS4_PATH, AS4_AGGREGATOR), RFC 7311 section 3 (AIGP), RFC 8092 section 6 (large communities), RFC 8669 (Prefix-SID),
// RFC 9012 (tunnels), RFC 9234 section 5 (Only to Customer).
import { type Ipv4 } from "../ip.ts";
import { type Reader } from "../reader.ts";
import { type AsPath, type AsSize, isConfederation, readAsPath } from "./as-path.ts";
import { type Community, type LargeCommunity, readCommunities, readLargeCommunities } from "./communities.ts";
import { type ErrorCode, ERRORS } from "./error-codes.ts";
import { judgeAigp, judgePrefixSid, judgeTunnels } from "./nested-tlvs.ts";
import {
  type Aggregator,
  ATTRIBUTE_TYPES,
  type AttributeName,
  OPTIONAL,
  OPTIONAL_TRANSITIVE,
  type Origin,
  ORIGINS,
  WELL_KNOWN,
} from "./path-attributes.ts";
import { type AttributeFault } from "./update-faults.ts";

/** What the attributes of a message have said so far. */
export interface AttributeDraft {
  origin?: Origin;
  asPath?: AsPath;
  as4Path?: AsPath;
  nextHop?: Ipv4;
  multiExitDisc?: number;
  localPref?: number;
  atomicAggregate?: true;
  aggregator?: Aggregator;
  as4Aggregator?: Aggregator;
  communities?: readonly Community[];
  largeCommunities?: readonly LargeCommunity[];
}

/** What of the session decides how an attribute is read. */
export interface AttributeContext {
  readonly asSize: AsSize;
  /** The peer is of the same AS. */
  readonly internal: boolean;
}

export interface AttributeSpec {
  readonly name: AttributeName;
  /** Whether it is optional and transitive (RFC 7606 section 3 (c)). */
  readonly flags: number;
  readonly malformed: AttributeFault;
  readonly answer: ErrorCode;
  /** Bytes of the value: exactly so many, or a multiple of them, at least once. */
  readonly length?: number;
  readonly multipleOf?: number;
  /** From an external peer it is discarded, whatever it says. */
  readonly internalOnly?: true;
  /** Looks for what is wrong inside a value that is kept as it is. */
  readonly judge?: (value: Reader) => void;
  /** Without a reader the value is kept as it is. */
  readonly read?: (value: Reader, draft: AttributeDraft, context: AttributeContext) => void;
}

const withdraw = { malformed: "treatAsWithdraw" } as const;
const discard = { malformed: "attributeDiscard" } as const;
const optional = { flags: OPTIONAL, answer: ERRORS.optionalAttributeError } as const;
const optionalTransitive = { flags: OPTIONAL_TRANSITIVE, answer: ERRORS.optionalAttributeError } as const;

/** In the order of RFC 7606 section 7, then by type. The attributes of MP-BGP are read elsewhere. */
const SPECS: readonly AttributeSpec[] = [
  {
    ...withdraw,
    name: "origin",
    flags: WELL_KNOWN,
    answer: ERRORS.invalidOriginAttribute,
    length: 1,
    read: (value, draft) => {
      draft.origin = readOrigin(value);
    },
  },
  {
    ...withdraw,
    name: "asPath",
    flags: WELL_KNOWN,
    answer: ERRORS.malformedAsPath,
    read: (value, draft, { asSize, internal }) => {
      const path = readAsPath(value, asSize);
      // RFC 5065 section 5: only a member of the same confederation may send these, and there is none outside the AS.
      if (!internal && path.some(isConfederation)) value.fail("type", "is of a confederation");
      draft.asPath = path;
    },
  },
  {
    ...withdraw,
    name: "nextHop",
    flags: WELL_KNOWN,
    answer: ERRORS.invalidNextHopAttribute,
    length: 4,
    read: (value, draft) => {
      draft.nextHop = value.ipv4("address");
    },
  },
  {
    ...withdraw,
    ...optional,
    name: "multiExitDisc",
    length: 4,
    read: (value, draft) => {
      draft.multiExitDisc = value.u32("value");
    },
  },
  {
    ...withdraw,
    name: "localPref",
    flags: WELL_KNOWN,
    answer: ERRORS.attributeLengthError,
    length: 4,
    internalOnly: true,
    read: (value, draft) => {
      draft.localPref = value.u32("value");
    },
  },
  {
    ...discard,
    name: "atomicAggregate",
    flags: WELL_KNOWN,
    answer: ERRORS.attributeLengthError,
    length: 0,
    read: (_value, draft) => {
      draft.atomicAggregate = true;
    },
  },
  {
    ...discard,
    ...optionalTransitive,
    name: "aggregator",
    read: (value, draft, { asSize }) => {
      draft.aggregator = readAggregator(value, asSize);
    },
  },
  {
    ...withdraw,
    ...optionalTransitive,
    name: "communities",
    multipleOf: 4,
    read: (value, draft) => {
      draft.communities = readCommunities(value);
    },
  },
  { ...withdraw, ...optional, name: "originatorId", length: 4, internalOnly: true },
  { ...withdraw, ...optional, name: "clusterList", multipleOf: 4, internalOnly: true },
  { ...withdraw, ...optionalTransitive, name: "extendedCommunities", multipleOf: 8 },
  { ...withdraw, ...optionalTransitive, name: "ipv6ExtendedCommunities", multipleOf: 20 },
  {
    ...discard,
    ...optionalTransitive,
    name: "as4Path",
    read: (value, draft, { asSize }) => {
      // RFC 6793 section 4.1: between speakers of four bytes it has no place.
      if (asSize === 4) value.fail("value", "comes from a speaker of four-octet AS numbers");
      // RFC 6793 section 6: what is left without the segments of confederations counts.
      draft.as4Path = readAsPath(value, 4).filter((segment) => !isConfederation(segment));
    },
  },
  {
    ...discard,
    ...optionalTransitive,
    name: "as4Aggregator",
    read: (value, draft, { asSize }) => {
      if (asSize === 4) value.fail("value", "comes from a speaker of four-octet AS numbers");
      draft.as4Aggregator = readAggregator(value, 4);
    },
  },
  { ...discard, ...optionalTransitive, name: "tunnelEncapsulation", judge: judgeTunnels },
  { ...discard, ...optional, name: "aigp", judge: judgeAigp },
  {
    ...withdraw,
    ...optionalTransitive,
    name: "largeCommunities",
    multipleOf: 12,
    read: (value, draft) => {
      draft.largeCommunities = readLargeCommunities(value);
    },
  },
  { ...withdraw, ...optionalTransitive, name: "onlyToCustomer", length: 4 },
  { ...discard, ...optionalTransitive, name: "prefixSid", judge: judgePrefixSid },
];

const BY_TYPE: ReadonlyMap<number, AttributeSpec> = new Map(SPECS.map((spec) => [ATTRIBUTE_TYPES[spec.name], spec]));

export const attributeSpec = (type: number): AttributeSpec | undefined => BY_TYPE.get(type);

/** RFC 7606 section 4: a length of 0 is an error but for the two attributes that may be empty, whose specs say so. */
export function lengthProblem({ length, multipleOf }: AttributeSpec, actual: number): string | undefined {
  const fits =
    length !== undefined ? actual === length : multipleOf === undefined || (actual > 0 && actual % multipleOf === 0);
  return fits ? undefined : `has ${actual} bytes`;
}

function readOrigin(value: Reader): Origin {
  const code = value.u8("value");
  switch (code) {
    case ORIGINS.igp:
      return "igp";
    case ORIGINS.egp:
      return "egp";
    case ORIGINS.incomplete:
      return "incomplete";
    default:
      return value.fail("value", `is ${code}`);
  }
}

function readAggregator(value: Reader, asSize: AsSize): Aggregator {
  if (value.remaining !== asSize + 4) value.fail("value", `has ${value.remaining} bytes`);
  const asn = asSize === 4 ? value.u32("asn") : value.u16("asn");
  // RFC 7607 section 2.
  if (asn === 0) value.fail("asn", "is 0");
  return { asn, address: value.ipv4("address") };
}
