// On which interfaces this node answers. Decided from what the kernel reports, at once after every change.
import { isIpv6, isLinkLocal, type Ip, type Ipv6 } from "../../wire/ip.ts";
import { type Mac } from "../../wire/mac.ts";
import { type Link } from "../../ports.ts";

/** An interface on which this node answers ARP, NDP or both. */
export interface Responder {
  readonly name: string;
  /** Of the interface: one that was removed and made anew under its name has another. */
  readonly index: number;
  readonly mac: Mac;
  readonly arp: boolean;
  /** The source of every advertisement: the interface's IPv6 link-local address. Undefined: no NDP here. */
  readonly linkLocal: Ipv6 | undefined;
  readonly carrier: boolean;
}

export type LinkRefusal = "excluded" | "down" | "portOfMaster" | "noArpFlag" | "neitherBroadcastNorLinkLocal";

export type LinkVerdict =
  | { readonly respond: true; readonly responder: Responder }
  | { readonly respond: false; readonly because: LinkRefusal };

/** One expression for all patterns; undefined where there are none. A bad pattern throws, as at the start it should. */
export function compileExclusion(patterns: readonly string[]): RegExp | undefined {
  return patterns.length === 0 ? undefined : new RegExp(patterns.map((pattern) => `(${pattern})`).join("|"));
}

export function judgeLink(link: Link, exclude: RegExp | undefined): LinkVerdict {
  if (exclude?.test(link.name) === true) return { respond: false, because: "excluded" };
  if (!link.up) return { respond: false, because: "down" };
  // The bridge or bond above it answers.
  if (link.master !== undefined) return { respond: false, because: "portOfMaster" };
  if (link.noArp) return { respond: false, because: "noArpFlag" };
  const linkLocal = link.addresses.map(({ ip }) => ip).find(isIpv6LinkLocal);
  if (!link.broadcast && linkLocal === undefined) return { respond: false, because: "neitherBroadcastNorLinkLocal" };
  const { name, index, mac, broadcast: arp, running: carrier } = link;
  return { respond: true, responder: { name, index, mac, arp, linkLocal, carrier } };
}

const isIpv6LinkLocal = (ip: Ip): ip is Ipv6 => isIpv6(ip) && isLinkLocal(ip);

/** Whether `responder` speaks the protocol of the address. */
export function canAnswer(responder: Responder, ip: Ip): boolean {
  return isIpv6(ip) ? responder.linkLocal !== undefined : responder.arp;
}
