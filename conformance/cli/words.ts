// How lists, routes and peers are put into words.
import { type Ip } from "../../impl/wire/ip.ts";

const MOST_NAMES = 6;

/** `a, b, c, d, e and 37 more`. */
export const few = (names: readonly string[]): string =>
  names.length > MOST_NAMES
    ? `${names.slice(0, MOST_NAMES - 1).join(", ")} and ${names.length - MOST_NAMES + 1} more`
    : names.join(", ");

/** `1 route`, `2 routes`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;

export interface RouteWords {
  readonly asPath: readonly number[];
  readonly localPref: number | undefined;
  readonly med: number | undefined;
  readonly communities: readonly string[];
  readonly largeCommunities: readonly string[];
}

/** `AS path 64500, MED 50, communities 64500:123`. */
export function attributeWords({ asPath, localPref, med, communities, largeCommunities }: RouteWords): string {
  return [
    asPath.length === 0 ? "AS path empty" : `AS path ${asPath.join(" ")}`,
    ...(localPref === undefined ? [] : [`local preference ${localPref}`]),
    ...(med === undefined ? [] : [`MED ${med}`]),
    ...(communities.length === 0 ? [] : [`communities ${communities.join(" ")}`]),
    ...(largeCommunities.length === 0 ? [] : [`large communities ${largeCommunities.join(" ")}`]),
  ].join(", ");
}

/** `tor (192.0.2.1)`, `tor (fe80::1 on eth1)`. */
export function peerWords(peer: {
  readonly name: string;
  readonly address: Ip | undefined;
  readonly port: number;
  readonly interface: string | undefined;
}): string {
  const { name, address, port, interface: link } = peer;
  const where = [
    address ?? "not heard yet",
    ...(link === undefined ? [] : [`on ${link}`]),
    ...(port === 179 ? [] : [`port ${port}`]),
  ];
  return `${name} (${where.join(" ")})`;
}

/** `controlDetectionTimeExpired` as `control detection time expired`. */
export const spaced = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
