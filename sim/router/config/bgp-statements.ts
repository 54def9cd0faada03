// `router bgp`: what is said of the instance. Neighbours and address families have files of their own.
import { type Family } from "../../../impl/wire/ip.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { LISTEN_LIMIT, LOCAL_PREFERENCE, PROFILES, RESTART_TIME, STALE_PATH_TIME } from "./defaults.ts";
import { type BgpDraft, type BgpFlag } from "./draft.ts";
import { familyFrame } from "./family-statements.ts";
import { type Command, type Frame, Grammar, ignored, oneOf, statement } from "./grammar.ts";
import { groupNamed, NEIGHBOR_STATEMENTS, remoteAsOf } from "./neighbor-statements.ts";
import { fail, ipv4, number, prefix } from "./values.ts";

const flag = (pattern: string, name: BgpFlag): Command<BgpDraft> =>
  statement(pattern, ({ flags }, _words, no) => {
    flags[name] = !no;
  });

const FLAGS: readonly Command<BgpDraft>[] = [
  flag("bgp ebgp-requires-policy", "ebgpRequiresPolicy"),
  flag("bgp network import-check", "networkImportCheck"),
  flag("bgp fast-external-failover", "fastExternalFailover"),
  flag("bgp bestpath as-path ignore", "ignoreAsPath"),
  flag("bgp bestpath as-path multipath-relax", "multipathRelax"),
  flag("bgp bestpath compare-routerid", "compareRouterId"),
  flag("bgp bestpath med missing-as-worst", "missingMedIsWorst"),
  flag("bgp always-compare-med", "alwaysCompareMed"),
  flag("bgp deterministic-med", "deterministicMed"),
  flag("bgp graceful-restart preserve-fw-state", "preserveForwarding"),
  flag("bgp graceful-restart notification", "restartNotification"),
  flag("bgp graceful-shutdown", "gracefulShutdown"),
];

function setTimers(bgp: BgpDraft, keepalive: number, holdTime: number): void {
  if (holdTime !== 0 && holdTime < 3) fail("HOLD must be 0 or at least 3");
  // RFC 4271 section 4.2. FRR sends keepalives as often as it was told, yet never less often than a third of the hold time.
  bgp.timers = { keepalive: seconds(keepalive), holdTime: seconds(holdTime) };
}

const INSTANCE: readonly Command<BgpDraft>[] = [
  statement("bgp router-id / ID", (bgp, words, no) => {
    bgp.routerId = no ? undefined : words.read("ID", ipv4);
  }),
  statement("timers bgp / KEEPALIVE HOLD", (bgp, words, no) => {
    const { keepalive, holdTime } = PROFILES[bgp.profile];
    if (no) bgp.timers = { keepalive, holdTime };
    else setTimers(bgp, words.read("KEEPALIVE", number(0, 65535)), words.read("HOLD", number(0, 65535)));
  }),
  statement("bgp default ipv4-unicast|ipv6-unicast", (bgp, words, no) => {
    const family: Family = words.text("ipv4-unicast|ipv6-unicast") === "ipv4-unicast" ? "ipv4" : "ipv6";
    bgp.activeByDefault[family] = !no;
  }),
  statement("bgp default local-preference / VALUE", (bgp, words, no) => {
    bgp.localPreference = no ? LOCAL_PREFERENCE : words.read("VALUE", number(0, 0xffffffff));
  }),
  statement("bgp shutdown", (bgp, _words, no) => {
    bgp.shutdown = no ? undefined : { message: undefined };
  }),
  statement("bgp shutdown message ...", (bgp, words, no) => {
    bgp.shutdown = no ? undefined : { message: words.rest.join(" ") };
  }),
  ignored("bgp log-neighbor-changes"),
  ignored("bgp default show-hostname"),
  ignored("bgp default show-nexthop-hostname"),
  ignored("bgp suppress-duplicates"),
  ignored("coalesce-time ..."),
];

const RESTART: readonly Command<BgpDraft>[] = [
  statement("bgp graceful-restart", (bgp, _words, no) => {
    bgp.restart = no ? "helper" : "restarter";
  }),
  statement("bgp graceful-restart-disable", (bgp, _words, no) => {
    bgp.restart = no ? "helper" : "disabled";
  }),
  statement("bgp graceful-restart restart-time / SECONDS", (bgp, words, no) => {
    bgp.restartTime = no ? RESTART_TIME : seconds(words.read("SECONDS", number(0, 4095)));
  }),
  statement("bgp graceful-restart stalepath-time / SECONDS", (bgp, words, no) => {
    bgp.stalePathTime = no ? STALE_PATH_TIME : seconds(words.read("SECONDS", number(1, 4095)));
  }),
  // How long a router that restarts waits for others, which is its own matter.
  ignored("bgp graceful-restart select-defer-time ..."),
  ignored("bgp graceful-restart rib-stale-time ..."),
];

const LISTEN: readonly Command<BgpDraft>[] = [
  statement("bgp listen limit / COUNT", (bgp, words, no) => {
    bgp.listenLimit = no ? LISTEN_LIMIT : words.read("COUNT", number(1, 65535));
  }),
  statement("bgp listen range PREFIX peer-group NAME", (bgp, words, no) => {
    const range = words.read("PREFIX", prefix);
    const group = groupNamed(bgp, words.text("NAME"));
    if (no && !bgp.ranges.delete(range)) fail(`there is no listen range ${range}`);
    if (no) return;
    if (remoteAsOf(bgp, group) === undefined) fail(`peer-group ${group.name} has no remote-as yet`);
    bgp.ranges.set(range, group.name);
  }),
];

const FAMILIES: readonly Command<BgpDraft>[] = [
  {
    pattern: "address-family ipv4|ipv6 [unicast]",
    run: (bgp, words, no) => {
      if (no) fail("an address family cannot be taken back");
      const family: Family = words.text("ipv4|ipv6") === "ipv4" ? "ipv4" : "ipv6";
      return familyFrame(bgp, family);
    },
  },
];

export const BGP = new Grammar<BgpDraft>([
  ...FLAGS,
  ...INSTANCE,
  ...RESTART,
  ...LISTEN,
  ...FAMILIES,
  ...NEIGHBOR_STATEMENTS,
]);

export function bgpFrame(bgp: BgpDraft): Frame {
  const name = `router bgp ${bgp.asn}${bgp.vrf === undefined ? "" : ` vrf ${bgp.vrf}`}`;
  // What belongs to an address family is IPv4's where it stands outside of one.
  return oneOf(name, [BGP.on(name, bgp), familyFrame(bgp, "ipv4")]);
}
