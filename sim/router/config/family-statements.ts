// `address-family ipv4|ipv6 unicast`.
import { type Family } from "../../../impl/wire/ip.ts";
import { minutes } from "../../../impl/wire/time.ts";
import { ALLOW_AS_IN, MAXIMUM_PATHS, MAXIMUM_PREFIX_THRESHOLD } from "./defaults.ts";
import { type BgpDraft, type BgpFamilyDraft, type Said } from "./draft.ts";
import { type Command, type Frame, Grammar, statement, type Words } from "./grammar.ts";
import { type MaximumPrefix, type NeighborFamilyConfig } from "./model.ts";
import { peerNamed } from "./neighbor-statements.ts";
import { fail, number, prefixOf, unsigned32 } from "./values.ts";

interface Target {
  readonly bgp: BgpDraft;
  readonly family: Family;
}

const ofPeer = ({ bgp, family }: Target, words: Words): Said<NeighborFamilyConfig> =>
  peerNamed(bgp, words.text("PEER")).families[family].own;

const setting = <Key extends keyof NeighborFamilyConfig>(
  pattern: string,
  key: Key,
  read: (words: Words) => NeighborFamilyConfig[Key],
): Command<Target> =>
  statement(`neighbor PEER ${pattern}`, (target, words, no) => {
    ofPeer(target, words)[key] = no ? undefined : read(words);
  });

const flag = (
  pattern: string,
  key: "softReconfiguration" | "routeReflectorClient" | "defaultOriginate",
): Command<Target> =>
  statement(`neighbor PEER ${pattern}`, (target, words, no) => {
    ofPeer(target, words)[key] = !no;
  });

const FILTERS: readonly Command<Target>[] = [
  statement("neighbor PEER route-map NAME in|out", (target, words, no) => {
    const key = words.text("in|out") === "in" ? "routeMapIn" : "routeMapOut";
    ofPeer(target, words)[key] = no ? undefined : words.text("NAME");
  }),
  statement("neighbor PEER prefix-list NAME in|out", (target, words, no) => {
    const key = words.text("in|out") === "in" ? "prefixListIn" : "prefixListOut";
    ofPeer(target, words)[key] = no ? undefined : words.text("NAME");
  }),
];

function maximumPrefix(words: Words): MaximumPrefix {
  return {
    count: words.read("COUNT", number(1, 0xffffffff)),
    threshold: words.optional("THRESHOLD", number(1, 100)) ?? MAXIMUM_PREFIX_THRESHOLD,
    warningOnly: words.has("warning-only"),
    restart: words.optional("MINUTES", (text, name) => minutes(number(1, 65535)(text, name))),
  };
}

const NEIGHBORS: readonly Command<Target>[] = [
  statement("neighbor PEER activate", ({ bgp, family }, words, no) => {
    peerNamed(bgp, words.text("PEER")).families[family].activated = !no;
  }),
  setting("maximum-prefix / COUNT warning-only", "maximumPrefix", maximumPrefix),
  setting("maximum-prefix / COUNT restart MINUTES", "maximumPrefix", maximumPrefix),
  setting("maximum-prefix / COUNT [THRESHOLD]", "maximumPrefix", maximumPrefix),
  setting("maximum-prefix / COUNT THRESHOLD warning-only", "maximumPrefix", maximumPrefix),
  setting("maximum-prefix / COUNT THRESHOLD restart MINUTES", "maximumPrefix", maximumPrefix),
  setting("next-hop-self", "nextHopSelf", () => true),
  setting("next-hop-self force", "nextHopSelf", () => "force"),
  setting("allowas-in / [COUNT]", "allowAsIn", (words) => words.optional("COUNT", number(1, 10)) ?? ALLOW_AS_IN),
  flag("soft-reconfiguration inbound", "softReconfiguration"),
  flag("route-reflector-client", "routeReflectorClient"),
  flag("default-originate", "defaultOriginate"),
  statement("neighbor PEER send-community ...", (target, words, no) => {
    ofPeer(target, words);
    if (no) fail("communities are always sent here: no send-community is not supported");
  }),
];

const own = ({ bgp, family }: Target): BgpFamilyDraft => bgp.families[family];
const paths = number(1, MAXIMUM_PATHS);

const ROUTES: readonly Command<Target>[] = [
  statement("network PREFIX / [route-map NAME]", (target, words, no) => {
    const prefix = words.read("PREFIX", prefixOf(target.family));
    const { networks } = own(target);
    if (!no) networks.set(prefix, words.maybe("NAME"));
    else if (!networks.delete(prefix)) fail(`there is no network ${prefix}`);
  }),
  statement("redistribute connected|static|kernel / [metric METRIC] [route-map NAME]", (target, words, no) => {
    const text = words.text("connected|static|kernel");
    const source = text === "connected" || text === "static" ? text : "kernel";
    const { redistribute } = own(target);
    if (no) redistribute.delete(source);
    else
      redistribute.set(source, { source, routeMap: words.maybe("NAME"), metric: words.optional("METRIC", unsigned32) });
  }),
  statement("maximum-paths ibgp / COUNT", (target, words, no) => {
    own(target).ibgpPaths = no ? MAXIMUM_PATHS : words.read("COUNT", paths);
  }),
  statement("maximum-paths / COUNT", (target, words, no) => {
    own(target).ebgpPaths = no ? MAXIMUM_PATHS : words.read("COUNT", paths);
  }),
];

export const FAMILY = new Grammar<Target>([...FILTERS, ...NEIGHBORS, ...ROUTES]);

export const familyFrame = (bgp: BgpDraft, family: Family): Frame =>
  FAMILY.on(`address-family ${family} unicast`, { bgp, family });
