// RFC 1997 (communities), RFC 8092 (large communities).
import { type Brand } from "../brand.ts";
import { DecodeError } from "../errors.ts";
import { type Reader } from "../reader.ts";
import { type Writer } from "../writer.ts";

/** Two numbers of 16 bits: `64512:100`. */
export type Community = Brand<string, "Community">;
/** Three numbers of 32 bits: `64512:1:2` (RFC 8092 section 5). */
export type LargeCommunity = Brand<string, "LargeCommunity">;

/** IANA "Border Gateway Protocol (BGP) Well-known Communities". */
export const WELL_KNOWN_COMMUNITIES = {
  /** RFC 8326. */
  gracefulShutdown: community(65535, 0),
  /** RFC 7999. */
  blackhole: community(65535, 666),
  noExport: community(65535, 65281),
  noAdvertise: community(65535, 65282),
  noExportSubconfed: community(65535, 65283),
} as const;

const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;

export function community(high: number, low: number): Community {
  return `${high}:${low}` as Community;
}

export function largeCommunity(global: number, first: number, second: number): LargeCommunity {
  return `${global}:${first}:${second}` as LargeCommunity;
}

function numbersOf(text: string, count: number, max: number): readonly number[] | undefined {
  const parts = text.split(":");
  if (parts.length !== count) return undefined;
  const valid = parts.every((part) => /^(0|[1-9]\d{0,9})$/.test(part) && Number(part) <= max);
  return valid ? parts.map(Number) : undefined;
}

/** Throws DecodeError at `path`. */
export function parseCommunity(text: string, path = "community"): Community {
  if (numbersOf(text, 2, MAX_16) === undefined) throw new DecodeError(path, `"${text}" is not a community`);
  return text as Community;
}

/** Throws DecodeError at `path`. */
export function parseLargeCommunity(text: string, path = "largeCommunity"): LargeCommunity {
  if (numbersOf(text, 3, MAX_32) === undefined) throw new DecodeError(path, `"${text}" is not a large community`);
  return text as LargeCommunity;
}

export function writeCommunities(writer: Writer, communities: readonly Community[]): void {
  for (const each of communities) for (const part of each.split(":")) writer.u16(Number(part));
}

export function writeLargeCommunities(writer: Writer, communities: readonly LargeCommunity[]): void {
  for (const each of communities) for (const part of each.split(":")) writer.u32(Number(part));
}

/** RFC 7606 section 7.8: at least one, and nothing left over. */
export function readCommunities(value: Reader): readonly Community[] {
  const communities: Community[] = [];
  do communities.push(community(value.u16("global"), value.u16("local")));
  while (value.remaining > 0);
  return communities;
}

/** RFC 8092 section 6: at least one, nothing left over; section 3: what is repeated is dropped. */
export function readLargeCommunities(value: Reader): readonly LargeCommunity[] {
  const communities = new Set<LargeCommunity>();
  do communities.add(largeCommunity(value.u32("global"), value.u32("local1"), value.u32("local2")));
  while (value.remaining > 0);
  return [...communities];
}
