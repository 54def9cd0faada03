// RFC 4271 section 4.3, RFC 7606 section 5.1 (one kind of prefixes in a message, the attributes of MP-BGP first),
// RFC 4724 section 2 (End-of-RIB).
import { type Family, isIpv4 } from "../ip.ts";
import { type Prefix, prefixFamily } from "../prefix.ts";
import { Writer } from "../writer.ts";
import { type AsSize } from "./as-path.ts";
import { frame, MAX_MESSAGE_LENGTH } from "./header.ts";
import { writeReachHead, writeUnreachHead } from "./multiprotocol.ts";
import { PREFIX_ROOM, putPrefix } from "./nlri.ts";
import {
  type Announcement,
  ATTRIBUTE_TYPES,
  encodeAttributes,
  FLAGS,
  OPTIONAL,
  type PathAttributes,
} from "./path-attributes.ts";

/** What of the session decides how routes are written. */
export interface PackContext {
  readonly asSize: AsSize;
  readonly maxLength?: number | undefined;
}

export interface Packed {
  /** In the order in which their attributes were first named. */
  readonly messages: readonly Uint8Array[];
  /** Routes whose attributes leave no room for their prefix in any message. */
  readonly oversized: readonly Announcement[];
}

/** A message in which only the prefixes are missing. */
interface Template {
  /** Up to the prefixes. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** Where fields of 16 bits stand in `before` that count the prefixes, beside the length of the message. */
  readonly lengthsAt: readonly number[];
}

const NOTHING: Uint8Array = new Uint8Array();
const FAMILIES: readonly Family[] = ["ipv4", "ipv6"];
const LENGTH_AT = 16;
const WITHDRAWN_LENGTH_AT = 19;
const ATTRIBUTES_LENGTH_AT = 21;
const MP_LENGTH_AT = 25;

/** Writes routes whose attributes are equal into as few messages as they need; prefixes keep their order. */
export function packUpdates(announcements: Iterable<Announcement>, context: PackContext): Packed {
  const messages: Uint8Array[] = [];
  const oversized: Announcement[] = [];
  for (const group of groups([...announcements], context)) {
    const template = announceTemplate(group.family, group.announcement, context);
    const left = fill(template, group, context, messages);
    if (left.length > 0) oversized.push({ ...group.announcement, prefixes: left });
  }
  return { messages, oversized };
}

export interface WithdrawContext {
  /** IPv4 routes went out with IPv6 next hops (RFC 8950): as FRR does, they are withdrawn where they were announced. */
  readonly ipv4InMultiprotocol?: boolean | undefined;
  readonly maxLength?: number | undefined;
}

/** Each family in messages of its own, IPv4 first. */
export function packWithdrawals(prefixes: Iterable<Prefix>, context: WithdrawContext = {}): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  const all = [...prefixes];
  for (const family of FAMILIES) {
    const plain = family === "ipv4" && context.ipv4InMultiprotocol !== true;
    const template = plain ? withdrawTemplate() : unreachTemplate(family);
    const prefixes = all.filter((prefix) => prefixFamily(prefix) === family);
    const left = fill(template, { family, prefixes }, context, messages);
    if (left.length > 0) throw new Error(`no message of ${context.maxLength} bytes holds ${left[0]}`);
  }
  return messages;
}

/** The only message without a route: it says that all of them have been sent. */
export function encodeEndOfRib(family: Family): Uint8Array {
  return family === "ipv4" ? update(NOTHING) : unreachTemplate(family).before;
}

/** Prefixes of one family. */
interface Batch {
  readonly family: Family;
  readonly prefixes: readonly Prefix[];
}

interface Group extends Batch {
  readonly announcement: Announcement;
  readonly prefixes: Prefix[];
}

function groups(announcements: readonly Announcement[], { asSize }: PackContext): Iterable<Group> {
  const found = new Map<string, Group>();
  const keys = new Map<PathAttributes, string>();
  // Attributes that stand alone are equal to no others.
  const keyOf = (attributes: PathAttributes): string =>
    announcements.length === 1 ? "" : String.fromCharCode(...encodeAttributes(attributes, asSize));
  for (const announcement of announcements) {
    const { attributes, nextHop, linkLocal } = announcement;
    const key = keys.get(attributes) ?? keyOf(attributes);
    keys.set(attributes, key);
    let group: Group | undefined;
    for (const prefix of announcement.prefixes) {
      const family = prefixFamily(prefix);
      if (group?.family !== family) {
        const name = `${family} ${nextHop} ${linkLocal ?? ""} ${key}`;
        group = found.get(name) ?? { family, announcement, prefixes: [] };
        found.set(name, group);
      }
      group.prefixes.push(prefix);
    }
  }
  return found.values();
}

function announceTemplate(family: Family, announcement: Announcement, { asSize }: PackContext): Template {
  const { attributes, nextHop } = announcement;
  if (family === "ipv4" && isIpv4(nextHop)) {
    const bytes = encodeAttributes(attributes, asSize, nextHop);
    return { before: update(bytes), after: NOTHING, lengthsAt: [] };
  }
  if (isIpv4(nextHop)) throw new Error(`an IPv6 route with the next hop ${nextHop}`);
  const head = new Writer();
  writeReachHead(head, family, announcement);
  return multiprotocol("mpReachNlri", head.view(), encodeAttributes(attributes, asSize));
}

const withdrawTemplate = (): Template => ({
  before: update(NOTHING).subarray(0, ATTRIBUTES_LENGTH_AT),
  after: Uint8Array.of(0, 0),
  lengthsAt: [WITHDRAWN_LENGTH_AT],
});

function unreachTemplate(family: Family): Template {
  const head = new Writer();
  writeUnreachHead(head, family);
  return multiprotocol("mpUnreachNlri", head.view(), NOTHING);
}

function multiprotocol(name: "mpReachNlri" | "mpUnreachNlri", head: Uint8Array, others: Uint8Array): Template {
  const first = new Writer()
    .u8(OPTIONAL | FLAGS.extendedLength)
    .u8(ATTRIBUTE_TYPES[name])
    .u16(head.length)
    .bytes(head);
  const before = update(first.view(), others.length);
  return { before, after: others, lengthsAt: [ATTRIBUTES_LENGTH_AT, MP_LENGTH_AT] };
}

/** An UPDATE that withdraws nothing, with these attributes and, later, so many bytes more of them. */
function update(attributes: Uint8Array, more = 0): Uint8Array {
  return frame("update", (body) =>
    body
      .u16(0)
      .u16(attributes.length + more)
      .bytes(attributes),
  );
}

/** Adds the messages that hold the prefixes; returns those that no message can hold. */
function fill(
  { before, after, lengthsAt }: Template,
  { family, prefixes }: Batch,
  { maxLength = MAX_MESSAGE_LENGTH }: { readonly maxLength?: number | undefined },
  messages: Uint8Array[],
): readonly Prefix[] {
  const end = maxLength - after.length;
  const left: Prefix[] = [];
  const most = Math.min(maxLength, before.length + prefixes.length * PREFIX_ROOM + after.length);
  // A prefix that does not fit is written before that is known.
  const buffer = new Uint8Array(Math.max(most, before.length + after.length) + PREFIX_ROOM);
  let at = before.length;
  const finish = (): void => {
    if (at === before.length) return;
    buffer.set(before);
    buffer.set(after, at);
    for (const field of lengthsAt) putU16(buffer, field, getU16(before, field) + at - before.length);
    putU16(buffer, LENGTH_AT, at + after.length);
    messages.push(buffer.slice(0, at + after.length));
    at = before.length;
  };
  for (const prefix of prefixes) {
    let next = putPrefix(prefix, family, buffer, at);
    if (next > end) {
      finish();
      next = putPrefix(prefix, family, buffer, at);
    }
    if (next > end) left.push(prefix);
    else at = next;
  }
  finish();
  return left;
}

const getU16 = (bytes: Uint8Array, at: number): number => (bytes[at] ?? 0) * 0x100 + (bytes[at + 1] ?? 0);

function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}
