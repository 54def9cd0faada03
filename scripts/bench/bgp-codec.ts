// UPDATEs as a peer sends and reads them: as full as they get, and with one prefix each.
import { pathOf } from "../../impl/wire/bgp/as-path.ts";
import { type PackContext, packUpdates } from "../../impl/wire/bgp/pack.ts";
import { type Announcement } from "../../impl/wire/bgp/path-attributes.ts";
import { decodeUpdate, type UpdateContext } from "../../impl/wire/bgp/update.ts";
import { type Family, parseIp } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { type Aim, type Benchmark, type Result } from "./benchmark.ts";
import { time } from "./timing.ts";

/** In one round. */
const PREFIXES = 48_000;
const ALONE = 1;
/** About as many /32 as 4,096 bytes hold, and as many /128. */
const FULL = { ipv4: 800, ipv6: 200 } as const;
const FAMILIES = ["ipv4", "ipv6"] as const;
const NEXT_HOPS = { ipv4: parseIp("192.0.2.11"), ipv6: parseIp("2001:db8:0:2::11") } as const;
const PACK: PackContext = { asSize: 4 };
const READ: UpdateContext = { asSize: 4, internal: false, families: FAMILIES };
const NANOSECONDS = 1e6;

function prefixOf(family: Family, index: number): string {
  const [high, low] = [(index >>> 8) + 1, index & 255];
  return family === "ipv4"
    ? `198.18.${high}.${low}/32`
    : `2001:db8:0:113::${high.toString(16)}:${low.toString(16)}/128`;
}

/** What a node announces to an eBGP peer, cut into messages of `count` prefixes. */
function announcements(family: Family, count: number): readonly Announcement[] {
  const attributes = { origin: "igp", asPath: pathOf(64_500) } as const;
  return Array.from({ length: PREFIXES / count }, (_, message) => ({
    prefixes: Array.from({ length: count }, (__, at) => parsePrefix(prefixOf(family, message * count + at))),
    nextHop: NEXT_HOPS[family],
    attributes,
  }));
}

function perPrefix(work: () => void): number {
  return (time(work, { rounds: 5 }) / PREFIXES) * NANOSECONDS;
}

function codec(family: Family, count: number, aims: { readonly parse: Aim; readonly encode: Aim }): readonly Result[] {
  const all = announcements(family, count);
  const messages = all.flatMap((announcement) => packUpdates([announcement], PACK).messages);
  if (messages.length !== all.length) throw new Error(`${messages.length} messages`);
  const parse = (): void => {
    let found = 0;
    for (const message of messages) {
      const update = decodeUpdate(message, READ);
      if (update.kind !== "update") continue;
      // The engine puts text together when somebody looks at it, so somebody must.
      for (const prefix of update.announced[0]?.prefixes ?? []) if (prefix.charCodeAt(0) > 0) found++;
    }
    if (found !== PREFIXES) throw new Error(`${found} of ${PREFIXES} prefixes`);
  };
  const encode = (): void => {
    let bytes = 0;
    for (const announcement of all)
      for (const message of packUpdates([announcement], PACK).messages) bytes += message.length;
    if (bytes !== messages.reduce((sum, { length }) => sum + length, 0)) throw new Error(`${bytes} bytes`);
  };
  const name = `${family === "ipv4" ? "IPv4" : "IPv6"}, ${count === 1 ? "1 prefix" : `${count} prefixes`} in an UPDATE`;
  const row = (what: string, value: number, aim: Aim): Result => ({
    benchmark: `BGP: ${what} a prefix, ${name}`,
    value,
    unit: "ns",
    aim,
  });
  return [row("parse", perPrefix(parse), aims.parse), row("encode", perPrefix(encode), aims.encode)];
}

const AIMS = { parse: { of: "value", atMost: 60 }, encode: { of: "value", atMost: 20 } } as const;

export const bgpCodec: Benchmark = {
  name: "bgp-codec",
  run: () => FAMILIES.flatMap((family) => [FULL[family], ALONE].flatMap((count) => codec(family, count, AIMS))),
};
