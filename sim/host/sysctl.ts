// Linux Documentation/networking/ip-sysctl.rst: the settings that change what a host says and believes.
import { ConfigError } from "../../impl/wire/errors.ts";
import { millis, seconds } from "../../impl/wire/time.ts";
import { type MultipathSettings } from "./multipath.ts";
import { type NeighbourParameters } from "./neighbour-parameters.ts";

/** net.ipv4.conf.<interface>.*, as the kernel sets them. */
export const CONF4 = {
  arp_accept: 0,
  arp_announce: 0,
  arp_evict_nocarrier: 1,
  arp_ignore: 0,
  arp_notify: 0,
  drop_gratuitous_arp: 0,
  forwarding: 0,
} as const;

/** net.ipv6.conf.<interface>.*. */
export const CONF6 = {
  accept_dad: 0,
  accept_untracked_na: 0,
  drop_unsolicited_na: 0,
  forwarding: 0,
  ndisc_evict_nocarrier: 1,
  ndisc_notify: 0,
} as const;

export type Conf4 = { -readonly [Key in keyof typeof CONF4]: number };
export type Conf6 = { -readonly [Key in keyof typeof CONF6]: number };

/** net.<family>.neigh.<interface>.*; each value is in the unit of its name. */
const NEIGHBOUR: Readonly<Record<string, (value: number) => Partial<NeighbourParameters>>> = {
  base_reachable_time: (value) => ({ baseReachable: seconds(value) }),
  base_reachable_time_ms: (value) => ({ baseReachable: millis(value) }),
  delay_first_probe_time: (value) => ({ delayFirstProbe: seconds(value) }),
  gc_stale_time: (value) => ({ staleCollect: seconds(value) }),
  // In USER_HZ, hundredths of a second.
  locktime: (value) => ({ lockTime: millis(value * 10) }),
  mcast_resolicit: (value) => ({ multicastReprobes: value }),
  mcast_solicit: (value) => ({ multicastProbes: value }),
  retrans_time_ms: (value) => ({ retransmit: millis(value) }),
  ucast_solicit: (value) => ({ unicastProbes: value }),
  unres_qlen_bytes: (value) => ({ queueBytes: value }),
};

/** Settings of the whole table, that Linux keeps under `default`. */
const NEIGHBOUR_TABLE: Readonly<Record<string, (value: number) => Partial<NeighbourParameters>>> = {
  gc_thresh1: (value) => ({ collectAbove: value }),
  gc_thresh3: (value) => ({ mostEntries: value }),
};

/** Simulated kernels spread both families by the same policy. 2 and 3, unless told otherwise, look at addresses too. */
const policy = (value: number): Partial<MultipathSettings> => ({ hash: value === 1 ? "l4" : "l3" });

const MULTIPATH: Readonly<Record<string, (value: number) => Partial<MultipathSettings>>> = {
  "net.ipv4.fib_multipath_hash_policy": policy,
  "net.ipv6.fib_multipath_hash_policy": policy,
  "net.ipv4.fib_multipath_hash_seed": (value) => ({ seed: value }),
  "net.ipv4.fib_multipath_use_neigh": (value) => ({ passOverSilent: value !== 0 }),
};

/** What one setting changes: of the host, on an interface, on `all` of them, or the `default` of those to come. */
export type Setting = { readonly kind: "multipath"; readonly change: Partial<MultipathSettings> } | LinkSetting;

export type LinkSetting =
  | { readonly kind: "conf4"; readonly link: string; readonly key: keyof Conf4; readonly value: number }
  | { readonly kind: "conf6"; readonly link: string; readonly key: keyof Conf6; readonly value: number }
  | {
      readonly kind: "neighbours";
      readonly family: "ipv4" | "ipv6";
      readonly link: string;
      readonly change: Partial<NeighbourParameters>;
    };

const isKeyOf = <T extends object>(table: T, key: string): key is Extract<keyof T, string> => Object.hasOwn(table, key);

/** Reads `net.ipv4.conf.eth0.arp_accept` and its like; an unknown name or a value that is no number is a ConfigError. */
export function readSetting(name: string, text: string): Setting {
  const value = Number(text);
  if (!/^\d+$/.test(text)) throw new ConfigError(name, `"${text}" is not a number`);
  const multipath = MULTIPATH[name]?.(value);
  if (multipath !== undefined) return { kind: "multipath", change: multipath };
  if (name === "net.ipv4.ip_forward") return { kind: "conf4", link: "all", key: "forwarding", value };
  const [, version, group, link = "", key = ""] = /^net\.ipv([46])\.(conf|neigh)\.(.+)\.([^.]+)$/.exec(name) ?? [];
  if (group === "conf" && version === "4" && isKeyOf(CONF4, key)) return { kind: "conf4", link, key, value };
  if (group === "conf" && version === "6" && isKeyOf(CONF6, key)) return { kind: "conf6", link, key, value };
  if (group === "neigh") {
    const ofLink = NEIGHBOUR[key];
    const ofTable = link === "default" ? NEIGHBOUR_TABLE[key] : undefined;
    const change = ofLink?.(value) ?? ofTable?.(value);
    const family = version === "4" ? "ipv4" : "ipv6";
    if (change !== undefined) return { kind: "neighbours", family, link: ofLink === undefined ? "all" : link, change };
  }
  throw new ConfigError(name, "is not a setting that the simulated kernel knows");
}
