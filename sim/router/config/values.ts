// The values in statements. Each reader throws ConfigError with what the word is not.
import {
  type Community,
  community,
  type LargeCommunity,
  parseCommunity,
  parseLargeCommunity,
  WELL_KNOWN_COMMUNITIES,
} from "../../../impl/wire/bgp/communities.ts";
import { ConfigError, DecodeError } from "../../../impl/wire/errors.ts";
import { type Family, familyOf, type Ip, type Ipv4, isIpv4, readIp } from "../../../impl/wire/ip.ts";
import {
  type InterfaceAddress,
  type Prefix,
  prefixFamily,
  readInterfaceAddress,
  readPrefix,
} from "../../../impl/wire/prefix.ts";

const MAX_32 = 0xffffffff;

export const fail = (problem: string): never => {
  throw new ConfigError("", problem);
};

/** A whole number from `least` to `most`. */
export const number =
  (least: number, most: number) =>
  (text: string, name: string): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) fail(`${name} is "${text}", and must be from ${least} to ${most}`);
    return value;
  };

export const unsigned32 = number(0, MAX_32);

export function asn(text: string, name: string): number {
  return number(1, MAX_32)(text, name);
}

export function address(text: string): Ip {
  return readIp(text) ?? fail(`"${text}" is not an IP address`);
}

export function ipv4(text: string): Ipv4 {
  const ip = readIp(text);
  return ip !== undefined && isIpv4(ip) ? ip : fail(`"${text}" is not an IPv4 address`);
}

export function interfaceAddress(text: string): InterfaceAddress {
  return readInterfaceAddress(text) ?? fail(`"${text}" is not an address with a prefix length`);
}

export function prefix(text: string): Prefix {
  return readPrefix(text) ?? fail(`"${text}" is not a prefix`);
}

export function prefixOf(family: Family): (text: string) => Prefix {
  return (text) => {
    const value = prefix(text);
    return prefixFamily(value) === family ? value : fail(`"${text}" is not a prefix of ${NAMES[family]}`);
  };
}

export function addressIn(family: Family): (text: string) => Ip {
  return (text) => {
    const value = address(text);
    return familyOf(value) === family ? value : fail(`"${text}" is not an address of ${NAMES[family]}`);
  };
}

export const NAMES = { ipv4: "IPv4", ipv6: "IPv6" } as const satisfies Readonly<Record<Family, string>>;

/** `ip` and `ipv6` as statements begin. */
export const familyNamed = (word: string): Family => (word === "ip" || word === "ipv4" ? "ipv4" : "ipv6");

/** Names that FRR has for communities (RFC 1997 and IANA's registry). */
const COMMUNITY_NAMES: Readonly<Record<string, Community>> = {
  internet: community(0, 0),
  "local-AS": WELL_KNOWN_COMMUNITIES.noExportSubconfed,
  "no-advertise": WELL_KNOWN_COMMUNITIES.noAdvertise,
  "no-export": WELL_KNOWN_COMMUNITIES.noExport,
  "no-peer": community(65535, 65284),
  blackhole: WELL_KNOWN_COMMUNITIES.blackhole,
  "graceful-shutdown": WELL_KNOWN_COMMUNITIES.gracefulShutdown,
  "accept-own": community(65535, 1),
};

/** What `parse` says of bytes is here said of a word. */
function orFail<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    if (error instanceof DecodeError) return fail(error.problem);
    throw error;
  }
}

export const communityValue = (text: string): Community =>
  Object.hasOwn(COMMUNITY_NAMES, text)
    ? (COMMUNITY_NAMES[text] ?? parseCommunity(text))
    : orFail(() => parseCommunity(text));

export const largeCommunityValue = (text: string): LargeCommunity => orFail(() => parseLargeCommunity(text));
