// What stands in an entry of a route-map.
import { ORIGINS, type Origin } from "../../../impl/wire/bgp/path-attributes.ts";
import { type RouteMapEntryDraft } from "./draft.ts";
import { type Command, type Frame, Grammar, ignored, statement, type Words } from "./grammar.ts";
import { type RouteMapMatch, type RouteMapSet } from "./model.ts";
import {
  address,
  addressIn,
  asn,
  communityValue,
  fail,
  familyNamed,
  largeCommunityValue,
  number,
  unsigned32,
} from "./values.ts";

/** `match …`: a second one of its kind replaces the first. */
const match = (pattern: string, read: (words: Words) => RouteMapMatch): Command<RouteMapEntryDraft> =>
  statement(pattern, (entry, words, no) => {
    const key = `${pattern.split(" / ")[0] ?? pattern} ${words.maybe("ip|ipv6") ?? ""}`;
    if (no) entry.matches.delete(key);
    else entry.matches.set(key, read(words));
  });

const set = (pattern: string, read: (words: Words) => RouteMapSet): Command<RouteMapEntryDraft> =>
  statement(pattern, (entry, words, no) => {
    const key = pattern.split(" / ")[0] ?? pattern;
    if (no) entry.sets.delete(key);
    else entry.sets.set(key, read(words));
  });

const MATCHES: readonly Command<RouteMapEntryDraft>[] = [
  match("match ip|ipv6 address prefix-list / NAME", (words) => ({
    kind: "prefixList",
    family: familyNamed(words.text("ip|ipv6")),
    name: words.text("NAME"),
  })),
  match("match ip|ipv6 address prefix-len / LENGTH", (words) => {
    const family = familyNamed(words.text("ip|ipv6"));
    return { kind: "prefixLength", family, length: words.read("LENGTH", number(0, family === "ipv4" ? 32 : 128)) };
  }),
  match("match ip|ipv6 next-hop prefix-list / NAME", (words) => ({
    kind: "nextHopPrefixList",
    family: familyNamed(words.text("ip|ipv6")),
    name: words.text("NAME"),
  })),
  match("match community / NAME [exact-match]", (words) => ({
    kind: "community",
    name: words.text("NAME"),
    exact: words.has("exact-match"),
  })),
  match("match large-community / NAME [exact-match]", (words) => ({
    kind: "largeCommunity",
    name: words.text("NAME"),
    exact: words.has("exact-match"),
  })),
  match("match local-preference / VALUE", (words) => ({
    kind: "localPreference",
    value: words.read("VALUE", unsigned32),
  })),
  match("match metric / VALUE", (words) => ({ kind: "metric", value: words.read("VALUE", unsigned32) })),
  match("match peer / ADDRESS", (words) => ({ kind: "peer", ip: words.read("ADDRESS", address) })),
];

function metric(text: string): RouteMapSet {
  const [, sign = "", digits = ""] = /^([+-]?)(\d+)$/.exec(text) ?? [];
  const change = sign === "+" ? "add" : sign === "-" ? "subtract" : "set";
  return { kind: "metric", value: unsigned32(digits === "" ? text : digits, "METRIC"), change };
}

/** Communities and what is to become of those that are there. */
function listOf<Value>(
  words: readonly string[],
  read: (text: string) => Value,
): { communities: Value[]; additive: boolean } {
  const additive = words.at(-1) === "additive";
  const named = additive ? words.slice(0, -1) : words;
  if (named.length === 0) fail("no community is given");
  return { communities: named.map(read), additive };
}

function origin(text: string): Origin {
  const found = Object.keys(ORIGINS).find((name): name is Origin => name === text);
  return found ?? fail(`"${text}" is none of igp, egp, incomplete`);
}

function prepended(words: readonly string[]): RouteMapSet {
  if (words[0] === "last-as") fail("last-as is not supported: write the numbers");
  if (words.length === 0) fail("no number is given");
  return { kind: "prepend", asns: words.map((word) => asn(word, "ASN")) };
}

const SETS: readonly Command<RouteMapEntryDraft>[] = [
  set("set local-preference / VALUE", (words) => ({ kind: "localPreference", value: words.read("VALUE", unsigned32) })),
  set("set weight / VALUE", (words) => ({ kind: "weight", value: words.read("VALUE", unsigned32) })),
  set("set metric / METRIC", (words) => metric(words.text("METRIC"))),
  set("set origin / ORIGIN", (words) => ({ kind: "origin", origin: words.read("ORIGIN", origin) })),
  set("set community / none", () => ({ kind: "community", communities: [], additive: false })),
  set("set community / ...", (words) => ({ kind: "community", ...listOf(words.rest, communityValue) })),
  set("set large-community / none", () => ({ kind: "largeCommunity", communities: [], additive: false })),
  set("set large-community / ...", (words) => ({ kind: "largeCommunity", ...listOf(words.rest, largeCommunityValue) })),
  set("set comm-list / NAME delete", (words) => ({ kind: "deleteCommunities", list: words.text("NAME") })),
  set("set as-path prepend / ...", (words) => prepended(words.rest)),
  set("set ip next-hop / peer-address", () => ({ kind: "nextHop", family: "ipv4", nextHop: "peerAddress" })),
  set("set ip next-hop / ADDRESS", (words) => ({
    kind: "nextHop",
    family: "ipv4",
    nextHop: words.read("ADDRESS", addressIn("ipv4")),
  })),
  set("set ipv6 next-hop prefer-global", () => ({ kind: "preferGlobal" })),
  set("set ipv6 next-hop peer-address", () => ({ kind: "nextHop", family: "ipv6", nextHop: "peerAddress" })),
  set("set ipv6 next-hop global / ADDRESS", (words) => ({
    kind: "nextHop",
    family: "ipv6",
    nextHop: words.read("ADDRESS", addressIn("ipv6")),
  })),
];

const sequence = number(1, 65535);

const WAYS_ON: readonly Command<RouteMapEntryDraft>[] = [
  statement("on-match next", (entry, _words, no) => {
    entry.continueAt = no ? undefined : entry.sequence + 1;
  }),
  statement("on-match goto / SEQUENCE", (entry, words, no) =>
    goOn(entry, no ? undefined : words.read("SEQUENCE", sequence)),
  ),
  statement("continue / SEQUENCE", (entry, words, no) =>
    goOn(entry, no ? undefined : words.read("SEQUENCE", sequence)),
  ),
  ignored("description ..."),
];

function goOn(entry: RouteMapEntryDraft, at: number | undefined): void {
  if (at !== undefined && at <= entry.sequence)
    fail(`entry ${entry.sequence} cannot go on at ${at}: only later entries`);
  entry.continueAt = at;
}

export const ENTRY = new Grammar<RouteMapEntryDraft>([...MATCHES, ...SETS, ...WAYS_ON]);

export const routeMapEntryFrame = (name: string, entry: RouteMapEntryDraft): Frame =>
  ENTRY.on(`route-map ${name} ${entry.sequence}`, entry);
