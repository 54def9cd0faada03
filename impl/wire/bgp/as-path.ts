// RFC 4271 section 4.3 (AS_PATH), RFC 5065 (confederations), RFC 6793 (AS numbers of four bytes), RFC 7607 (AS 0).
import { type Reader } from "../reader.ts";
import { type Writer } from "../writer.ts";
import { AS_TRANS, MAX_TWO_OCTET_AS } from "./open.ts";

/** IANA "BGP AS_PATH Segment Types" has no names to use; these are RFC 4271's and RFC 5065's. */
const SEGMENTS = { set: 1, sequence: 2, confedSequence: 3, confedSet: 4 } as const;
export type AsSegmentKind = keyof typeof SEGMENTS;

/**
 *   type   1
 *   count  1  of AS numbers
 *   asns   …  two or four bytes each
 */
export interface AsSegment {
  readonly kind: AsSegmentKind;
  readonly asns: readonly number[];
}

export type AsPath = readonly AsSegment[];

/** Bytes of an AS number in this session: four where both speakers offered it. */
export type AsSize = 2 | 4;

const MAX_COUNT = 255;

/** The path of a route that started here: empty within the AS, else the number once or more. */
export function pathOf(...asns: readonly number[]): AsPath {
  return asns.length === 0 ? [] : [{ kind: "sequence", asns }];
}

/** Writes a number as both kinds of speakers can read it. */
export function writeAsn(writer: Writer, asn: number, size: AsSize): void {
  if (size === 4) writer.u32(asn);
  else writer.u16(asn > MAX_TWO_OCTET_AS ? AS_TRANS : asn);
}

/** Bytes that writeAsPath writes. */
export function asPathSize(path: AsPath, size: AsSize): number {
  let bytes = 0;
  for (const { asns } of path) bytes += Math.ceil(asns.length / MAX_COUNT) * 2 + asns.length * size;
  return bytes;
}

/** A segment of more than 255 numbers becomes several. */
export function writeAsPath(writer: Writer, path: AsPath, size: AsSize): void {
  for (const { kind, asns } of path) {
    for (let start = 0; start < asns.length; start += MAX_COUNT) {
      const part = asns.slice(start, start + MAX_COUNT);
      writer.u8(SEGMENTS[kind]).u8(part.length);
      for (const asn of part) writeAsn(writer, asn, size);
    }
  }
}

/** RFC 7606 section 7.2: a type that nobody defined, a count of 0 and a segment that does not end with the value are malformed. */
export function readAsPath(value: Reader, size: AsSize): AsPath {
  const path: AsSegment[] = [];
  while (value.remaining > 0) {
    const kind = readKind(value);
    const count = value.u8("count");
    if (count === 0) value.fail("count", "is 0");
    const segment = value.part(count * size, "asns");
    const asns: number[] = [];
    while (segment.remaining > 0) {
      const asn = size === 4 ? segment.u32("asn") : segment.u16("asn");
      // RFC 7607 section 2.
      if (asn === 0) value.fail("asns", "hold AS 0");
      asns.push(asn);
    }
    path.push({ kind, asns });
  }
  return path;
}

function readKind(value: Reader): AsSegmentKind {
  const type = value.u8("type");
  switch (type) {
    case SEGMENTS.set:
      return "set";
    case SEGMENTS.sequence:
      return "sequence";
    case SEGMENTS.confedSequence:
      return "confedSequence";
    case SEGMENTS.confedSet:
      return "confedSet";
    default:
      return value.fail("type", `is ${type}`);
  }
}

export const isConfederation = ({ kind }: AsSegment): boolean => kind === "confedSequence" || kind === "confedSet";

/** RFC 4271 section 9.1.2.2 (a): a set counts as one; RFC 5065 section 5.3: confederations do not count. */
export function asPathLength(path: AsPath): number {
  let length = 0;
  for (const { kind, asns } of path) length += kind === "sequence" ? asns.length : kind === "set" ? 1 : 0;
  return length;
}

/** RFC 6793 section 4.2.2: what goes into AS4_PATH for a speaker of two bytes; undefined where AS_PATH says everything. */
export function as4PathFor(path: AsPath): AsPath | undefined {
  const long = path.some(({ asns }) => asns.some((asn) => asn > MAX_TWO_OCTET_AS));
  return long ? path.filter((segment) => !isConfederation(segment)) : undefined;
}

/** RFC 6793 section 4.2.3: AS4_PATH replaces the end of AS_PATH, unless it is the longer of the two. */
export function mergeAs4Path(path: AsPath, as4Path: AsPath): AsPath {
  let lead = asPathLength(path) - asPathLength(as4Path);
  if (lead < 0) return path;
  const merged: AsSegment[] = [];
  for (const segment of path) {
    if (isConfederation(segment)) {
      merged.push(segment);
      continue;
    }
    if (lead === 0) break;
    const asns = segment.kind === "set" ? segment.asns : segment.asns.slice(0, lead);
    lead -= segment.kind === "set" ? 1 : asns.length;
    merged.push({ kind: segment.kind, asns });
  }
  const [first, ...rest] = as4Path;
  const last = merged.at(-1);
  if (first?.kind === "sequence" && last?.kind === "sequence") {
    merged.pop();
    return [...merged, { kind: "sequence", asns: [...last.asns, ...first.asns] }, ...rest];
  }
  return [...merged, ...as4Path];
}
