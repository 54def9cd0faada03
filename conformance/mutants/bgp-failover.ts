import { type Mutant } from "./mutant.ts";

const BACK_OFF = "impl/speaker/bgp/session/back-off.ts";
const CONFIG = "impl/speaker/bgp/session/config.ts";
const ENDING = "impl/speaker/bgp/session/ending.ts";
const ESTABLISHED = "impl/speaker/bgp/session/established.ts";
const NEGOTIATION = "impl/speaker/bgp/session/negotiation.ts";
const NEXT_HOPS = "impl/speaker/bgp/next-hops.ts";
const RIB_OUT = "impl/speaker/bgp/rib-out.ts";
const UNNUMBERED = "impl/speaker/bgp/unnumbered";

/** Ways to find out too late, too early or never that a router is gone, and to come back too late. */
const DETECTION_MUTANTS: readonly Mutant[] = [
  {
    name: "failover-hold-timer-one-second-early",
    file: ESTABLISHED,
    find: "holdAt: holdTime === 0 ? undefined : plus(now, holdTime)",
    replace: "holdAt: holdTime === 0 ? undefined : plus(now, times(holdTime, 8 / 9))",
  },
  {
    name: "failover-hold-timer-one-second-late",
    file: ESTABLISHED,
    find: "holdAt: holdTime === 0 ? undefined : plus(now, holdTime)",
    replace: "holdAt: holdTime === 0 ? undefined : plus(now, times(holdTime, 10 / 9))",
  },
  {
    name: "failover-hold-timer-not-restarted",
    file: "impl/speaker/bgp/session/step.ts",
    find: 'case "keepalive":\n    case "update":\n      return heard(state, context);',
    replace: 'case "keepalive":\n    case "update":\n      return unchanged(state);',
  },
  {
    name: "failover-dead-router-not-told",
    file: ESTABLISHED,
    find: 'return failWith(state, notification(ERRORS.holdTimerExpired), "nothing heard in time", restAfterLoss(), context);',
    replace: 'return fail(state, { kind: "sendHoldTimerExpired" }, restAfterLoss(), context);',
  },
  {
    name: "failover-long-hold-time-offered",
    file: "impl/speaker/bgp/session/negotiation.ts",
    find: 'return { kind: "open", asn: localAsn, holdTime, bgpIdentifier',
    replace: 'return { kind: "open", asn: localAsn, holdTime: times(holdTime, 4 / 3), bgpIdentifier',
  },
  {
    name: "failover-jitter-above-whole",
    file: BACK_OFF,
    find: "return micros(Math.floor(time * (0.75 + 0.25 * random.next())));",
    replace: "return micros(Math.floor(time * (1 + 0.25 * random.next())));",
  },
  {
    name: "failover-hasty-keepalives",
    file: BACK_OFF,
    find: "return micros(Math.floor(time * (0.75 + 0.25 * random.next())));",
    replace: "return micros(Math.floor(time * (0.5 + 0.25 * random.next())));",
  },
  {
    name: "failover-rests-for-minutes",
    file: BACK_OFF,
    find: "first: seconds(1), most: seconds(5) };",
    replace: "first: seconds(60), most: seconds(60) };",
  },
  {
    name: "failover-patient-dial",
    file: "impl/speaker/bgp/session/step.ts",
    find: "const CONNECT_TIME = seconds(5);",
    replace: "const CONNECT_TIME = seconds(500);",
  },
];

/** Ways to restart less gracefully than was promised. */
const RESTART_MUTANTS: readonly Mutant[] = [
  {
    name: "failover-forwarding-not-preserved",
    file: NEGOTIATION,
    find: "forwardingPreserved: true",
    replace: "forwardingPreserved: false",
  },
  {
    name: "failover-restarting-never-said",
    file: NEGOTIATION,
    find: "      restarting,\n      notification: true,",
    replace: "      restarting: false,\n      notification: true,",
  },
  {
    name: "failover-short-restart-time",
    file: NEGOTIATION,
    find: "const RESTART_TIME = seconds(120);",
    replace: "const RESTART_TIME = seconds(3);",
  },
  {
    name: "failover-long-restart-time",
    file: NEGOTIATION,
    find: "const RESTART_TIME = seconds(120);",
    replace: "const RESTART_TIME = seconds(240);",
  },
  {
    name: "failover-restart-never-offered",
    scenarios: ["ecmp/"],
    file: CONFIG,
    find: "gracefulRestart: peer.gracefulRestart,",
    replace: "gracefulRestart: false,",
  },
  {
    name: "failover-restart-always-offered",
    file: CONFIG,
    find: "gracefulRestart: peer.gracefulRestart,",
    replace: "gracefulRestart: true,",
  },
  {
    name: "failover-notification-at-graceful-stop",
    scenarios: ["bgp-input/restart"],
    file: ENDING,
    find: "const silent = negotiated?.gracefulRestart !== undefined && !notificationKeepsRoutes;",
    replace: "const silent = negotiated === undefined;",
  },
  {
    name: "failover-hard-reset-at-graceful-stop",
    scenarios: ["ecmp/"],
    file: ENDING,
    find: 'return sent(notificationWithText(ERRORS.administrativeShutdown, "speaker stops"), "the speaker stops");',
    replace: 'return sent(hardReset(notification(ERRORS.administrativeShutdown)), "the speaker stops");',
  },
  {
    name: "failover-only-changes-after-restart",
    file: RIB_OUT,
    find: "    for (const prefix of this.#wanted.keys()) this.#changed.add(prefix);\n  }\n\n  down",
    replace: "  }\n\n  down",
  },
];

/** Ways to lose what depends on a node, or to keep it. */
const ROUTE_MUTANTS: readonly Mutant[] = [
  {
    name: "failover-cluster-policy-as-local",
    file: "impl/speaker/bgp/advertise/eligibility.ts",
    find: "if (local && !endpoints.nodes.has(node.name))",
    replace: "if (!endpoints.nodes.has(node.name))",
  },
];

/** Ways to be wrong about who and where a peer is. */
const PATH_MUTANTS: readonly Mutant[] = [
  {
    name: "failover-no-extended-next-hop",
    file: CONFIG,
    find: "extendedNextHop: unnumbered,",
    replace: "extendedNextHop: false,",
  },
  {
    name: "failover-deaf-link",
    file: `${UNNUMBERED}/advertised-link.ts`,
    find: 'if (kind === "routerAdvertisement") return this.#hear(source, now);',
    replace: 'if (kind === "routerAdvertisement" && now < 0) return this.#hear(source, now);',
  },
  {
    name: "failover-one-next-hop-for-both",
    file: NEXT_HOPS,
    find: 'const other = onInterface.find(family === "ipv4" ? isIpv4 : isGlobalIpv6);',
    replace: "const other = onInterface.find((ip) => familyOf(ip) === family && ip === address);",
  },
  {
    name: "failover-several-hops-as-one",
    file: "impl/speaker/bgp/hops.ts",
    find: 'if (peer.ebgpMultiHop) return "multi";',
    replace: 'if (peer.ebgpMultiHop) return "single";',
  },
  {
    name: "failover-internal-as-one-hop",
    file: "impl/speaker/bgp/hops.ts",
    find: 'return isInternal(peer) && !isConnected ? "multi" : "single";',
    replace: 'return isConnected && peer.ebgpMultiHop ? "multi" : "single";',
  },
  {
    name: "failover-vrf-ignored",
    file: "impl/speaker/bgp/connect-options.ts",
    find: 'peer.peer.kind === "interface" ? peer.peer.name : peer.vrf;',
    replace: 'peer.peer.kind === "interface" ? peer.peer.name : undefined;',
  },
];

export const BGP_FAILOVER_MUTANTS: readonly Mutant[] = [
  ...DETECTION_MUTANTS,
  ...RESTART_MUTANTS,
  ...ROUTE_MUTANTS,
  ...PATH_MUTANTS,
];
