import { type Mutant } from "./mutant.ts";

const BGP = "impl/speaker/bgp/bgp.ts";
const CONFIG = "impl/speaker/bgp/session/config.ts";
const CONNECT = "impl/speaker/bgp/connect-options.ts";
const ELIGIBILITY = "impl/speaker/bgp/advertise/eligibility.ts";
const ESTABLISHED = "impl/speaker/bgp/session/established.ts";
const NEGOTIATION = "impl/speaker/bgp/session/negotiation.ts";
const OFFERS = "impl/speaker/bgp/advertise/offers.ts";
const OFFER_TABLE = "impl/speaker/bgp/advertise/offer-table.ts";
const REST = "impl/speaker/bgp/session/back-off.ts";
const RIB_OUT = "impl/speaker/bgp/rib-out.ts";
const ROUTE = "impl/speaker/bgp/route.ts";

/** Ways to talk wrongly with a router, to keep a dead session, or to lose a good one. */
const SESSION_MUTANTS: readonly Mutant[] = [
  {
    name: "bgp-no-hold-timer",
    scenarios: ["bgp-input/stream"],
    file: ESTABLISHED,
    find: "holdAt: holdTime === 0 ? undefined : plus(now, holdTime)",
    replace: "holdAt: holdTime === 0 ? undefined : plus(now, times(holdTime, 100))",
  },
  {
    name: "bgp-hold-timer-one-keepalive-late",
    file: ESTABLISHED,
    find: "holdAt: holdTime === 0 ? undefined : plus(now, holdTime)",
    replace: "holdAt: holdTime === 0 ? undefined : plus(now, times(holdTime, 4 / 3))",
  },
  {
    name: "bgp-rare-keepalives",
    file: NEGOTIATION,
    find: "const third = times(holdTime, 1 / 3);",
    replace: "const third = times(holdTime, 2);",
  },
  {
    name: "bgp-keepalives-in-step",
    file: ESTABLISHED,
    find: "plus(now, jitter(keepaliveTime, random))",
    replace: "plus(now, keepaliveTime)",
  },
  {
    name: "bgp-greater-hold-time",
    scenarios: ["bgp-input/open"],
    file: NEGOTIATION,
    find: "open.holdTime < config.holdTime ?",
    replace: "open.holdTime > config.holdTime ?",
  },
  {
    name: "bgp-default-hold-time",
    file: CONFIG,
    find: "const HOLD_TIME = seconds(180);",
    replace: "const HOLD_TIME = seconds(90);",
  },
  {
    name: "bgp-own-timers-ignored",
    file: CONFIG,
    find: "peer.holdTime ?? HOLD_TIME",
    replace: "HOLD_TIME",
  },
  {
    name: "bgp-any-peer-as",
    file: NEGOTIATION,
    find: "if (!isExpected(config, open.asn)) return",
    replace: "if (!Number.isInteger(open.asn)) return",
  },
  {
    name: "bgp-dynamic-as-turned-round",
    file: NEGOTIATION,
    find: 'return (asn === localAsn) === (peerAsn === "internal");',
    replace: 'return (asn === localAsn) === (peerAsn === "external");',
  },
  {
    name: "bgp-local-as-ignored",
    file: CONFIG,
    find: "localAsn: peer.localAsn ?? peer.myAsn,",
    replace: "localAsn: peer.myAsn,",
  },
  {
    name: "bgp-router-id-ignored",
    file: "impl/speaker/bgp/neighbour.ts",
    find: "return routerId !== undefined && isIpv4(routerId) ? routerId : undefined;",
    replace: "return routerId !== undefined && isIpv4(routerId) ? undefined : undefined;",
  },
  {
    name: "bgp-unsigned",
    scenarios: ["bgp-input/flow", "bgp-input/dial"],
    file: CONNECT,
    find: "    ...(peer.password === undefined ? {} : { md5Key: encodeUtf8(peer.password) }),\n",
    replace: "",
  },
  {
    name: "bgp-any-source",
    file: CONNECT,
    find: "    ...(peer.sourceAddress === undefined ? {} : { source: peer.sourceAddress }),\n",
    replace: "",
  },
  {
    name: "bgp-common-ttl",
    scenarios: ["bgp-topologies/multihop"],
    file: CONNECT,
    find: "    ttl: GREATEST_TTL,\n",
    replace: "",
  },
  {
    name: "bgp-standard-port",
    file: "impl/speaker/bgp/neighbour.ts",
    find: "const to = { ip, port: peer.peerPort };",
    replace: "const to = { ip, port: 179 };",
  },
  {
    name: "bgp-restart-always-offered",
    file: NEGOTIATION,
    find: "if (config.gracefulRestart) {\n    offered.push",
    replace: "if (config !== undefined) {\n    offered.push",
  },
  {
    name: "bgp-restart-never-offered",
    file: NEGOTIATION,
    find: "if (config.gracefulRestart) {\n    offered.push",
    replace: "if (config === undefined) {\n    offered.push",
  },
  {
    name: "bgp-password-in-small-letters",
    scenarios: ["bgp-input/flow", "bgp-input/dial"],
    file: CONNECT,
    find: "md5Key: encodeUtf8(peer.password)",
    replace: "md5Key: encodeUtf8(peer.password.toLowerCase())",
  },
  {
    name: "bgp-one-family-only",
    file: CONFIG,
    find: 'if (peer.kind === "interface" || dualStackAddressFamily)',
    replace: 'if (peer.kind === "interface")',
  },
  {
    name: "bgp-everything-resets",
    file: BGP,
    find: "!sameSession(peer, neighbour.peer) ||",
    replace: "peer !== neighbour.peer ||",
  },
  {
    name: "bgp-changes-of-peers-ignored",
    scenarios: ["bgp-input/flow", "bgp-input/dial"],
    file: BGP,
    find: "!sameSession(peer, neighbour.peer) ||",
    replace: "",
  },
  {
    name: "bgp-impatient-after-refusal",
    scenarios: ["bgp-input/open", "bgp-input/goodbye"],
    file: REST,
    find: "first: seconds(1), most: seconds(30) };",
    replace: "first: seconds(1), most: seconds(1) };",
  },
  {
    name: "bgp-impatient-after-goodbye",
    scenarios: ["bgp-input/goodbye"],
    file: REST,
    find: "first: seconds(15), most: seconds(60) };",
    replace: "first: seconds(1), most: seconds(60) };",
  },
  {
    name: "bgp-impatient-after-overload",
    scenarios: ["bgp-input/goodbye"],
    file: REST,
    find: "first: seconds(30), most: seconds(300) };",
    replace: "first: seconds(1), most: seconds(300) };",
  },
  {
    name: "bgp-patient-after-reset",
    file: REST,
    find: "[ERRORS.administrativeReset, UNREACHABLE],",
    replace: "[ERRORS.administrativeReset, UNWANTED],",
  },
  {
    name: "bgp-gives-up-on-routers",
    scenarios: ["bgp-input/goodbye", "bgp-input/flow", "bgp-input/dial"],
    file: REST,
    find: "first: seconds(1), most: seconds(5) };",
    replace: "first: seconds(1), most: seconds(600) };",
  },
  {
    name: "bgp-endless-handshake",
    scenarios: ["bgp-input/stream"],
    file: "impl/speaker/bgp/session/step.ts",
    find: "const HANDSHAKE_TIME = seconds(10);",
    replace: "const HANDSHAKE_TIME = seconds(1000);",
  },
  {
    name: "bgp-refresh-unanswered",
    file: ESTABLISHED,
    find: 'effects: [{ kind: "refresh", family: { afi, safi } }]',
    replace: "effects: []",
  },
  {
    name: "bgp-refresh-answered-each-time",
    file: RIB_OUT,
    find: "const REFRESH_INTERVAL = seconds(1);",
    replace: "const REFRESH_INTERVAL = seconds(0);",
  },
];

/** Ways to announce too much, too little, or in the wrong words. */
const ROUTE_MUTANTS: readonly Mutant[] = [
  {
    name: "bgp-nothing-withdrawn",
    scenarios: ["bgp-failover/"],
    file: RIB_OUT,
    find: "if (routes.delete(prefix)) withdrawn.push(prefix);",
    replace: "routes.delete(prefix);",
  },
  {
    name: "bgp-end-of-rib-first",
    scenarios: ["bgp-failover/"],
    file: RIB_OUT,
    find: "messages: [...before, ...difference.messages, ...ends, ...after]",
    replace: "messages: [...before, ...ends, ...difference.messages, ...after]",
  },
  {
    name: "bgp-no-end-of-rib",
    scenarios: ["bgp-failover/"],
    file: RIB_OUT,
    find: "const ends = [...told.incomplete].map((family) => encodeEndOfRib(family));",
    replace: "const ends: readonly Uint8Array[] = [];",
  },
  {
    name: "bgp-preference-to-everybody",
    file: ROUTE,
    find: "localPref: internal ? localPrefOf(route) : undefined,",
    replace: "localPref: localPrefOf(route),",
  },
  {
    name: "bgp-default-preference",
    file: ROUTE,
    find: "const DEFAULT_LOCAL_PREF = 100;",
    replace: "const DEFAULT_LOCAL_PREF = 0;",
  },
  {
    name: "bgp-own-as-within",
    file: ROUTE,
    find: "asPath: internal ? [] : pathOf(",
    replace: "asPath: pathOf(",
  },
  {
    name: "bgp-no-med",
    file: ROUTE,
    find: "    multiExitDisc,\n    localPref: internal",
    replace: "    localPref: internal",
  },
  {
    name: "bgp-link-local-next-hop",
    file: "impl/speaker/bgp/next-hops.ts",
    find: 'const other = onInterface.find(family === "ipv4" ? isIpv4 : isGlobalIpv6);',
    replace: 'const other = onInterface.find(family === "ipv4" ? isIpv4 : isIpv6);',
  },
  {
    name: "bgp-first-communities-only",
    file: OFFERS,
    find: "communities: union(routes.map(({ communities }) => communities)),",
    replace: "communities: routes[0]?.communities ?? [],",
  },
  {
    name: "bgp-no-large-communities",
    file: OFFERS,
    find: "else large.push(largeCommunity(...value.parts));",
    replace: "",
  },
  {
    name: "bgp-every-peer",
    file: OFFER_TABLE,
    find: ".filter(({ peers }) => peers.length === 0 || peers.includes(peer));",
    replace: ".filter(() => true);",
  },
  {
    name: "bgp-aggregate-goes-with-the-first",
    file: OFFER_TABLE,
    find: "--known.services > 0",
    replace: "--known.services < 0",
  },
  {
    name: "bgp-never-aggregates",
    file: ELIGIBILITY,
    find: 'return familyOf(ip) === "ipv4" ? aggregationLength : aggregationLengthV6;',
    replace: 'return familyOf(ip) === "ipv4" ? 32 : 128;',
  },
  {
    name: "bgp-every-node",
    file: ELIGIBILITY,
    find: "return nodeSelectors.length === 0 || matchesAny(nodeSelectors, labels);",
    replace: "return nodeSelectors.length === 0 || labels !== undefined;",
  },
  {
    name: "bgp-every-service",
    file: ELIGIBILITY,
    find: "return serviceSelectors.length === 0 || matchesAny(serviceSelectors, labels);",
    replace: "return serviceSelectors.length === 0 || labels !== undefined;",
  },
  {
    name: "bgp-conflicts-announced",
    file: ELIGIBILITY,
    find: "if (conflict !== undefined) return",
    replace: "if (conflict === advertisements) return",
  },
  {
    name: "bgp-network-unavailable-ignored",
    file: ELIGIBILITY,
    find: 'if (node.networkUnavailable) return refuse("nodeNetworkUnavailable");',
    replace: "",
  },
  {
    name: "bgp-exclusion-ignored",
    file: ELIGIBILITY,
    find: 'if (node.excluded && !ignoreExcludeLabel) return refuse("nodeLabeledExcludeBalancers");',
    replace: "",
  },
  {
    name: "bgp-exclusion-flag-ignored",
    file: ELIGIBILITY,
    find: "if (node.excluded && !ignoreExcludeLabel)",
    replace: "if (node.excluded)",
  },
  {
    name: "bgp-local-policy-ignored",
    scenarios: ["bgp-failover/"],
    file: ELIGIBILITY,
    find: "if (local && !endpoints.nodes.has(node.name))",
    replace: "if (local && !endpoints.serving)",
  },
  {
    name: "bgp-announced-without-endpoints",
    file: ELIGIBILITY,
    find: 'if (!endpoints.serving) return refuse("noEndpoints");',
    replace: "",
  },
  {
    name: "bgp-status-without-peers",
    file: BGP,
    find: "peers: peers.length === 0 ? undefined : peers }",
    replace: "peers: peers.length === 0 ? undefined : [] }",
  },
];

export const BGP_MUTANTS: readonly Mutant[] = [...SESSION_MUTANTS, ...ROUTE_MUTANTS];
