// A router's kernel: which routes it forwards by.
import { compareIp, readIp, UNSPECIFIED_V4, UNSPECIFIED_V6 } from "../../../impl/wire/ip.ts";
import { prefixFamily, readPrefix } from "../../../impl/wire/prefix.ts";
import { type ForwardingEntry } from "../../world.ts";
import { run } from "./command.ts";
import { type NodeOf } from "./routing-suite.ts";

interface RouteHop {
  readonly gateway?: string;
  /** RFC 8950: an IPv4 route over an IPv6 neighbour. */
  readonly via?: { readonly host: string };
  readonly dev?: string;
  readonly flags?: readonly string[];
}

interface Route extends RouteHop {
  readonly dst: string;
  readonly protocol?: string;
  readonly nexthops?: readonly RouteHop[];
}

/** `default`, or without its length where it is a host's. */
function prefixOf(dst: string, isV6: boolean): string {
  if (dst === "default") return isV6 ? "::/0" : "0.0.0.0/0";
  return dst.includes("/") ? dst : `${dst}/${isV6 ? 128 : 32}`;
}

/** `ip -j route show PREFIX`; routes to nowhere (blackhole) and dead next hops do not count. */
export function forwardingIn(text: string, prefix: string, nodeOf: NodeOf): ForwardingEntry | undefined {
  const parsed = readPrefix(prefix);
  if (parsed === undefined) throw new Error(`"${prefix}" is not a prefix`);
  const family = prefixFamily(parsed);
  const routes: readonly Route[] = JSON.parse(text || "[]");
  const route = routes.find(({ dst }) => readPrefix(prefixOf(dst, family === "ipv6")) === parsed);
  if (route === undefined) return undefined;
  const hops = (route.nexthops ?? [route]).flatMap(({ gateway, via, dev, flags = [] }) => {
    if (dev === undefined || flags.includes("dead")) return [];
    const ip = readIp(gateway ?? via?.host ?? "") ?? (family === "ipv6" ? UNSPECIFIED_V6 : UNSPECIFIED_V4);
    return [{ ip, link: dev, node: nodeOf(ip) }];
  });
  if (hops.length === 0) return undefined;
  return { prefix: parsed, nextHops: hops.sort((a, b) => compareIp(a.ip, b.ip) || a.link.localeCompare(b.link)) };
}

/** What a namespace's kernel forwards by, for exactly this prefix. */
export async function forwardingOf(
  namespace: string,
  prefix: string,
  nodeOf: NodeOf,
): Promise<ForwardingEntry | undefined> {
  const parsed = readPrefix(prefix);
  const family = parsed !== undefined && prefixFamily(parsed) === "ipv6" ? "-6" : "-4";
  return forwardingIn(await run("ip", ["-n", namespace, "-j", family, "route", "show", prefix]), prefix, nodeOf);
}
