// RFC 7606 sections 3 to 5: the walk over the attributes of an UPDATE, and what becomes of those that are wrong.
import { DecodeError } from "../errors.ts";
import { type Family } from "../ip.ts";
import { type Prefix } from "../prefix.ts";
import { Reader } from "../reader.ts";
import { mergeAs4Path } from "./as-path.ts";
import { type AttributeContext, type AttributeDraft, attributeSpec, lengthProblem } from "./attribute-specs.ts";
import { answering, BgpError } from "./bgp-error.ts";
import { type ErrorCode, ERRORS } from "./error-codes.ts";
import { type AddressFamily, unicastFamily } from "./families.ts";
import { type Reach, readFamily, readReach, readUnreach } from "./multiprotocol.ts";
import { AS_TRANS } from "./open.ts";
import {
  ATTRIBUTE_TYPES,
  type AttributeName,
  FLAGS,
  OPTIONAL,
  OPTIONAL_TRANSITIVE,
  type PathAttributes,
  type RawAttribute,
} from "./path-attributes.ts";
import { attributeFault, familyFault, type UpdateFault } from "./update-faults.ts";

export interface ListContext extends AttributeContext {
  /** The families that both speakers offered; IPv4 alone where neither spoke of any (RFC 4760 section 8). */
  readonly families: readonly Family[];
}

const { mpReachNlri, mpUnreachNlri } = ATTRIBUTE_TYPES;
const pathTo = (name: string): string => `bgp.update.${name}`;

/** One attribute as it stands in the message. */
interface Found extends RawAttribute {
  readonly start: number;
  readonly end: number;
}

/** The attributes of one message. Reading throws BgpError where nothing but a session reset is left. */
export class AttributeList {
  readonly #bytes: Uint8Array;
  readonly #context: ListContext;
  readonly #draft: AttributeDraft = {};
  readonly #others: RawAttribute[] = [];
  readonly #seen = new Set<number>();
  readonly #repeated = new Set<number>();
  readonly #faults: UpdateFault[] = [];
  /** The first of the faults that withdraw the routes, as it is answered where there are none. */
  #refusal: BgpError | undefined;
  #reach: Reach | undefined;
  #unreachable: readonly Prefix[] = [];
  #endOfRib: AddressFamily | undefined;

  constructor(bytes: Uint8Array, context: ListContext) {
    this.#bytes = bytes;
    this.#context = context;
    const reader = new Reader(bytes, pathTo("attributes"));
    while (reader.remaining > 0) {
      const attribute = this.#next(reader);
      if (attribute === undefined) break;
      this.#take(attribute);
    }
  }

  get faults(): readonly UpdateFault[] {
    return this.#faults;
  }

  get reach(): Reach | undefined {
    return this.#reach;
  }

  get unreachable(): readonly Prefix[] {
    return this.#unreachable;
  }

  /** The address of NEXT_HOP, which IPv4 prefixes outside MP_REACH_NLRI need. */
  get nextHop(): AttributeDraft["nextHop"] {
    return this.#draft.nextHop;
  }

  /** The family whose end an MP_UNREACH_NLRI alone and without prefixes marks. */
  get endOfRib(): AddressFamily | undefined {
    return this.#seen.size === 1 && this.#refusal === undefined ? this.#endOfRib : undefined;
  }

  /** The fault that makes withdrawn routes of all routes. */
  get refusal(): BgpError | undefined {
    return this.#refusal;
  }

  /** RFC 7606 section 5.2: attributes that speak of routes stand here, and no MP_REACH_NLRI that could have held them. */
  get expectsRoutes(): boolean {
    return !this.#seen.has(mpReachNlri) && (this.#seen.size > 1 || !this.#seen.has(mpUnreachNlri));
  }

  /** Notes that the routes of the message cannot be used. */
  refuse(name: string, problem: string, answer: ErrorCode, data?: Uint8Array): void {
    this.#refusal ??= new BgpError(pathTo(name), problem, answer, data);
    this.#faults.push(attributeFault("treatAsWithdraw", pathTo(name), problem, answer));
  }

  /** RFC 7606 section 3 (d): what every route has to say. RFC 4271 section 5.1.5: LOCAL_PREF to internal peers. */
  require(...names: readonly AttributeName[]): void {
    for (const name of this.#context.internal ? [...names, "localPref" as const] : names) {
      const type = ATTRIBUTE_TYPES[name];
      if (this.#seen.has(type)) continue;
      this.refuse(name, "is missing", ERRORS.missingWellKnownAttribute, Uint8Array.of(type));
    }
  }

  /** Undefined where what every route needs is missing or wrong. */
  attributes(): PathAttributes | undefined {
    const { origin, asPath, as4Path, aggregator, as4Aggregator, nextHop: _nextHop, ...rest } = this.#draft;
    if (origin === undefined || asPath === undefined) return undefined;
    // RFC 6793 section 4.2.3: an aggregator beside AS4_AGGREGATOR that is not AS_TRANS came later than both AS4 attributes.
    const stale = as4Aggregator !== undefined && aggregator !== undefined && aggregator.asn !== AS_TRANS;
    return {
      ...rest,
      origin,
      asPath: as4Path === undefined || stale ? asPath : mergeAs4Path(asPath, as4Path),
      aggregator: stale ? aggregator : (as4Aggregator ?? aggregator),
      others: this.#others.length === 0 ? undefined : this.#others,
    };
  }

  /** RFC 7606 section 4: where the lengths do not fit, the rest of the field is lost and the routes are withdrawn. */
  #next(reader: Reader): Found | undefined {
    const start = reader.offset;
    try {
      const flags = reader.u8("flags");
      const type = reader.u8("type");
      const length = (flags & FLAGS.extendedLength) === 0 ? reader.u8("length") : reader.u16("length");
      const value = reader.bytes(length, "value");
      return { flags, type, value, start, end: reader.offset };
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.refuse("attributes", error.message, ERRORS.malformedAttributeList);
      return undefined;
    }
  }

  #take(found: Found): void {
    if (this.#seen.has(found.type)) {
      this.#takeAgain(found.type);
      return;
    }
    this.#seen.add(found.type);
    if (found.type === mpReachNlri) this.#takeFamily(found, "mpReachNlri");
    else if (found.type === mpUnreachNlri) this.#takeFamily(found, "mpUnreachNlri");
    else this.#takeAttribute(found);
  }

  /** RFC 7606 section 3 (g). */
  #takeAgain(type: number): void {
    const problem = `hold type ${type} twice`;
    if (type === mpReachNlri || type === mpUnreachNlri) {
      throw new BgpError(pathTo("attributes"), problem, ERRORS.malformedAttributeList);
    }
    if (!this.#repeated.has(type)) this.#discard("attributes", problem, ERRORS.malformedAttributeList);
    this.#repeated.add(type);
  }

  #discard(name: string, problem: string, answer: ErrorCode): void {
    this.#faults.push(attributeFault("attributeDiscard", pathTo(name), problem, answer));
  }

  /** RFC 4271 section 6.3: a NOTIFICATION shows the whole attribute. */
  #shown({ start, end }: Found): Uint8Array {
    return this.#bytes.slice(start, end);
  }

  #takeAttribute(found: Found): void {
    const { flags, type, value } = found;
    const spec = attributeSpec(type);
    if (spec === undefined) {
      this.#takeUnknown(found);
      return;
    }
    const { name, malformed } = spec;
    const fail = (problem: string, answer: ErrorCode): void => {
      if (malformed === "treatAsWithdraw") this.refuse(name, problem, answer, this.#shown(found));
      else this.#discard(name, problem, answer);
    };
    // RFC 7606 section 3 (c).
    if ((flags & OPTIONAL_TRANSITIVE) !== spec.flags) {
      this.refuse(name, `has flags 0x${flags.toString(16)}`, ERRORS.attributeFlagsError, this.#shown(found));
    } else if (spec.internalOnly === true && !this.#context.internal) {
      this.#discard(name, "comes from an external peer", ERRORS.updateUnspecific);
    } else {
      const problem = lengthProblem(spec, value.length);
      if (problem !== undefined) return fail(problem, ERRORS.attributeLengthError);
      try {
        if (spec.read !== undefined) spec.read(new Reader(value, name), this.#draft, this.#context);
        else {
          spec.judge?.(new Reader(value, name));
          this.#others.push({ flags, type, value });
        }
      } catch (error) {
        if (!(error instanceof DecodeError)) throw error;
        fail(error.message, spec.answer);
      }
    }
  }

  /** RFC 4271 section 5: an optional attribute that nobody knows is kept, and passed on where it is transitive. */
  #takeUnknown(found: Found): void {
    const { flags, type, value } = found;
    if ((flags & FLAGS.optional) === 0) {
      const path = pathTo(`attribute${type}`);
      throw new BgpError(path, "is well-known, and unknown", ERRORS.unrecognizedWellKnownAttribute, this.#shown(found));
    }
    this.#others.push({ flags, type, value });
  }

  #takeFamily(found: Found, name: "mpReachNlri" | "mpUnreachNlri"): void {
    const { flags, value } = found;
    const answer = ERRORS.optionalAttributeError;
    const path = pathTo(name);
    const reader = new Reader(value, path);
    // RFC 7606 section 3 (j): without a family, there is not even one to disable.
    const family = answering(answer, () => readFamily(reader));
    if ((flags & OPTIONAL_TRANSITIVE) !== OPTIONAL) {
      this.refuse(name, `has flags 0x${flags.toString(16)}`, ERRORS.attributeFlagsError, this.#shown(found));
    }
    if (name === "mpUnreachNlri" && reader.remaining === 0) {
      this.#endOfRib = family;
      return;
    }
    const unicast = unicastFamily(family);
    if (unicast === undefined || !this.#context.families.includes(unicast)) {
      const problem = `is of AFI ${family.afi} and SAFI ${family.safi}, which the session does not carry`;
      this.#faults.push(familyFault("familyIgnored", family, path, problem, answer));
      return;
    }
    try {
      if (name === "mpReachNlri") this.#reach = readReach(reader, unicast, path);
      else this.#unreachable = readUnreach(reader, unicast, path);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      // RFC 7606 sections 5.3 and 7.11: prefixes that cannot be found cannot be withdrawn, but those of other families can.
      this.#faults.push(familyFault("disableFamily", family, error.path, error.problem, answer));
    }
  }
}
