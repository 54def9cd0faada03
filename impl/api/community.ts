// BGP communities as users write them. RFC 1997 (communities), RFC 8092 (large communities).
import { ConfigError } from "../wire/errors.ts";

export type CommunityValue =
  /** RFC 1997: two numbers of 16 bits, written `64512:100`. */
  | { readonly kind: "standard"; readonly parts: readonly [number, number] }
  /** RFC 8092 section 3: three numbers of 32 bits, written `large:64512:1:2`. */
  | { readonly kind: "large"; readonly parts: readonly [number, number, number] };

export type CommunityReading =
  | { readonly kind: "value"; readonly value: CommunityValue }
  /** Not of the form of a community: where aliases are allowed, it may be one. */
  | { readonly kind: "notACommunity"; readonly problem: string }
  | { readonly kind: "invalid"; readonly problem: string };

const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;

function readSections(text: string, sections: readonly string[], max: number): readonly number[] | string {
  const numbers: number[] = [];
  for (const section of sections) {
    if (!/^\d+$/.test(section) || Number(section) > max) {
      const limits = `must be a number from 0 to ${max}`;
      return `invalid community value: invalid section ${JSON.stringify(section)} of community ${JSON.stringify(text)}, ${limits}`;
    }
    numbers.push(Number(section));
  }
  return numbers;
}

export function readCommunity(text: string): CommunityReading {
  const [first = "", ...rest] = text.split(":");
  if (rest.length === 1) {
    const numbers = readSections(text, [first, ...rest], MAX_16);
    if (typeof numbers === "string") return { kind: "invalid", problem: numbers };
    const [upper = 0, lower = 0] = numbers;
    return { kind: "value", value: { kind: "standard", parts: [upper, lower] } };
  }
  if (rest.length === 3) {
    if (first !== "large") {
      const expected = "expected community to be of format large:<uint32>:<uint32>:<uint32>";
      const got = `but got ${JSON.stringify(text)} instead`;
      const problem = `invalid community value: invalid marker for large community, ${expected} ${got}`;
      return { kind: "invalid", problem };
    }
    const numbers = readSections(text, rest, MAX_32);
    if (typeof numbers === "string") return { kind: "invalid", problem: numbers };
    const [a = 0, b = 0, c = 0] = numbers;
    return { kind: "value", value: { kind: "large", parts: [a, b, c] } };
  }
  return { kind: "notACommunity", problem: `invalid community format: ${text}` };
}

/** As readCommunity, where no alias may stand. Throws ConfigError at `path`. */
export function parseCommunity(text: string, path = "community"): CommunityValue {
  const reading = readCommunity(text);
  if (reading.kind !== "value") throw new ConfigError(path, reading.problem);
  return reading.value;
}

/** The one way a community is written: `64512:100` or `large:64512:1:2`. */
export function formatCommunity(value: CommunityValue): string {
  return value.kind === "large" ? `large:${value.parts.join(":")}` : value.parts.join(":");
}

function sortKey(value: CommunityValue): readonly [number, number, number] {
  // A standard community counts as the large community (its 32 bits, 0, 0).
  return value.kind === "large" ? value.parts : [value.parts[0] * 0x10000 + value.parts[1], 0, 0];
}

export function compareCommunities(left: CommunityValue, right: CommunityValue): number {
  const a = sortKey(left);
  const b = sortKey(right);
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
