// bird.conf of what an frr.conf means, so that one topology shows both. What cannot be said is refused, not left out.
import { type Family, type Ip, isLinkLocal } from "../../../impl/wire/ip.ts";
import { contains, maskTo, prefixFamily } from "../../../impl/wire/prefix.ts";
import { inSeconds } from "../../../impl/wire/time.ts";
import {
  type BfdSettings,
  type BgpConfig,
  type MaximumPrefix,
  type NeighborConfig,
  type PeerSettings,
  type RouterConfig,
  type StaticRoute,
} from "../../../sim/router/config/model.ts";
import { filterFunctions, policyTest, untranslated } from "./bird-filters.ts";

const FAMILIES = ["ipv4", "ipv6"] as const;
const HOPS = 255;

const block = (head: string, lines: readonly string[]): string =>
  [`${head} {`, ...lines.map((line) => `  ${line}`), "}"].join("\n");

const ms = (settings: BfdSettings): readonly string[] => [
  `min rx interval ${settings.receiveInterval / 1000} ms;`,
  `min tx interval ${settings.transmitInterval / 1000} ms;`,
  `multiplier ${settings.detectMultiplier};`,
  ...(settings.passive ? ["passive on;"] : []),
];

const isOwnSubnet = (config: RouterConfig, ip: Ip): boolean =>
  config.interfaces.some(({ addresses }) => addresses.some((own) => contains(maskTo(own.ip, own.length), ip)));

function staticRoute({ to, prefix, vrf }: StaticRoute): string {
  if (vrf !== undefined) untranslated("a VRF");
  if (to.kind === "blackhole") return `route ${prefix} blackhole;`;
  const via = to.kind === "via" ? `${to.via}${to.device === undefined ? "" : `%${to.device}`}` : `"${to.device}"`;
  return `route ${prefix} via ${via};`;
}

function limit({ count, warningOnly, restart }: MaximumPrefix): string {
  const action = warningOnly ? "warn" : restart === undefined ? "disable" : "restart";
  return `import limit ${count} action ${action};`;
}

/** Routes of BGP, and of this router what the family names. */
function exported(bgp: BgpConfig, family: Family): string {
  const { networks, redistribute } = bgp.families[family];
  if (networks.some(({ routeMap }) => routeMap !== undefined)) untranslated("network … route-map");
  const sources = { connected: "RTS_DEVICE", static: "RTS_STATIC", kernel: "RTS_INHERIT" } as const;
  const tests = redistribute.map(({ source, routeMap, metric }) =>
    routeMap === undefined && metric === undefined
      ? `source = ${sources[source]}`
      : untranslated("redistribute with a map"),
  );
  const own = networks.length === 0 ? [] : [`net ~ [ ${networks.map(({ prefix }) => prefix).join(", ")} ]`];
  return ["source = RTS_BGP", ...tests, ...own].join(" || ");
}

function channel(config: RouterConfig, bgp: BgpConfig, family: Family, peer: PeerSettings): readonly string[] {
  const settings = peer.families[family];
  if (settings === undefined) return [];
  const withoutPolicy = bgp.ebgpRequiresPolicy && peer.remoteAs !== "internal" && peer.remoteAs !== bgp.asn;
  const policy = (direction: "in" | "out"): string => {
    const test = policyTest(config, family, settings, direction);
    return test === "" && withoutPolicy ? "false" : test;
  };
  const out = [`(${exported(bgp, family)})`, policy("out")].filter((test) => test !== "").join(" && ");
  return [
    `${family} {`,
    policy("in") === "" ? "  import all;" : `  import where ${policy("in")};`,
    `  export where ${out};`,
    ...(settings.nextHopSelf === false ? [] : ["  next hop self on;"]),
    ...(peer.extendedNextHop && family === "ipv4" ? ["  extended next hop on;"] : []),
    ...(settings.maximumPrefix === undefined ? [] : [`  ${limit(settings.maximumPrefix)}`]),
    "};",
  ];
}

const RESTART = { restarter: "on", helper: "aware", disabled: "off" } as const;

function session(config: RouterConfig, bgp: BgpConfig, peer: PeerSettings, isNear: boolean): readonly string[] {
  const { localAs, updateSource, ttl, minTtl } = peer;
  if (localAs?.noPrepend === true) untranslated("local-as … no-prepend");
  const from = typeof updateSource === "object" ? untranslated("update-source INTERFACE") : updateSource;
  const source = from === undefined ? "" : ` ${from}`;
  const isInternal = peer.remoteAs === "internal" || peer.remoteAs === bgp.asn;
  const reach =
    isNear && (isInternal || ttl === 1 || minTtl !== undefined) ? "direct;" : `multihop ${ttl > 1 ? ttl : HOPS};`;
  return [
    `local${source} as ${localAs?.asn ?? bgp.asn};`,
    reach,
    `hold time ${inSeconds(peer.holdTime)};`,
    `keepalive time ${inSeconds(peer.keepalive)};`,
    `connect retry time ${inSeconds(peer.connectRetry)};`,
    "error wait time 1, 5;",
    `default bgp_local_pref ${bgp.bestPath.defaultLocalPreference};`,
    `graceful restart ${RESTART[peer.gracefulRestart]};`,
    ...(bgp.bestPath.alwaysCompareMed ? ["med metric on;"] : []),
    ...(minTtl === undefined ? [] : ["ttl security on;"]),
    ...(peer.passive ? ["passive on;"] : []),
    ...(peer.password === undefined ? [] : [`password "${peer.password}";`]),
    ...(peer.shutdown === undefined ? [] : ["disabled yes;"]),
    ...(peer.bfd === undefined || peer.bfd.shutdown ? [] : [`bfd { ${ms(peer.bfd).join(" ")} };`]),
    ...FAMILIES.flatMap((family) => channel(config, bgp, family, peer)),
  ];
}

const remoteAs = ({ remoteAs: asn }: PeerSettings): string => (typeof asn === "number" ? `as ${asn}` : asn);

function neighbor(config: RouterConfig, bgp: BgpConfig, index: number, { peer, ...settings }: NeighborConfig): string {
  if (peer.kind === "interface") {
    const lines = session(config, bgp, settings, true);
    // Whoever dials from a link-local address of this link; advertisements show the way.
    const range = [`interface "${peer.device}";`, `neighbor range fe80::/10 ${remoteAs(settings)};`];
    return block(`protocol bgp link${index}`, [...range, `dynamic name "link${index}_";`, ...lines]);
  }
  const { ip, device } = peer;
  const isNear = isLinkLocal(ip) || isOwnSubnet(config, ip);
  const scope = device === undefined ? "" : `%${device}`;
  const lines = session(config, bgp, settings, isNear);
  const port = settings.port === 179 ? "" : ` port ${settings.port}`;
  return block(`protocol bgp peer${index}`, [`neighbor ${ip}${scope}${port} ${remoteAs(settings)};`, ...lines]);
}

function protocols(config: RouterConfig, bgp: BgpConfig): readonly string[] {
  if (bgp.vrf !== undefined) untranslated("a VRF");
  const ranges = bgp.listen.ranges.map(({ prefix, settings }, index) => {
    const isNear = config.interfaces.some(({ addresses }) => addresses.some(({ ip }) => contains(prefix, ip)));
    const lines = session(config, bgp, settings, isNear);
    const head = [`neighbor range ${prefix} ${remoteAs(settings)};`, `dynamic name "range${index}_";`];
    return block(`protocol bgp range${index}`, [...head, ...lines]);
  });
  const links = bgp.neighbors.flatMap(({ peer }) => (peer.kind === "interface" ? [`interface "${peer.device}"`] : []));
  const interval = "{ min ra interval 3; max ra interval 10; default lifetime 0; };";
  const advertise =
    links.length === 0
      ? []
      : [
          block(
            "protocol radv",
            links.map((link) => `${link} ${interval}`),
          ),
        ];
  return [...ranges, ...bgp.neighbors.map((each, index) => neighbor(config, bgp, index, each)), ...advertise];
}

/** BIRD's own limit of `merge paths`. */
const MOST_PATHS = 255;

/** As many next hops as the most that BGP may use. */
const paths = (config: RouterConfig, family: Family): number =>
  Math.min(
    MOST_PATHS,
    Math.max(1, ...config.bgp.map(({ families }) => Math.max(...Object.values(families[family].maximumPaths)))),
  );

function kernel(config: RouterConfig, family: Family): string {
  const merge = paths(config, family) > 1 ? [`merge paths on limit ${paths(config, family)};`] : [];
  const exports = "export where source = RTS_BGP || source = RTS_STATIC;";
  return block(`protocol kernel kernel_${family}`, [`${family} { import none; ${exports} };`, ...merge]);
}

function routes(config: RouterConfig, family: Family): readonly string[] {
  const own = config.staticRoutes.filter(({ prefix }) => prefixFamily(prefix) === family);
  return own.length === 0 ? [] : [block(`protocol static static_${family}`, [`${family};`, ...own.map(staticRoute)])];
}

/** Throws an Error where the configuration has what BIRD is not told. */
export function birdConfig(config: RouterConfig): string {
  const [first] = config.bgp;
  if (config.bfdPeers.length > 0) untranslated("BFD peers of their own");
  return [
    "log stderr all;",
    "debug protocols { states, events };",
    ...(first?.routerId === undefined ? [] : [`router id ${first.routerId};`]),
    "protocol device { scan time 10; }",
    "protocol direct { ipv4; ipv6; }",
    "protocol bfd bfd1 { debug { states, events }; }",
    ...FAMILIES.flatMap((family) => [kernel(config, family), ...routes(config, family)]),
    ...filterFunctions(config),
    ...config.bgp.flatMap((bgp) => protocols(config, bgp)),
    "",
  ].join("\n");
}
