// Prefix lists and community lists.
import { type Community, type LargeCommunity } from "../../../impl/wire/bgp/communities.ts";
import { bitsOf, lengthOf, type Prefix } from "../../../impl/wire/prefix.ts";
import { type Draft, type ListDraft } from "./draft.ts";
import { type Command, ignored, statement, type Words } from "./grammar.ts";
import { type PrefixRule } from "./model.ts";
import { communityValue, fail, familyNamed, largeCommunityValue, number, prefixOf } from "./values.ts";

/** Sequence numbers that nobody gave go on in fives from the last. */
const nextSequence = (used: Iterable<number>): number => (Math.floor(Math.max(0, ...used) / 5) + 1) * 5;

const sequenceIn = (words: Words): number | undefined => words.optional("SEQUENCE", number(1, 4_294_967_295));

function readRule(words: Words): Omit<PrefixRule, "sequence"> {
  const family = familyNamed(words.text("ip|ipv6"));
  const permit = words.text("permit|deny") === "permit";
  const text = words.text("PREFIX");
  const most = bitsOf(family);
  const any = text === "any";
  const prefix: Prefix = prefixOf(family)(any ? (family === "ipv4" ? "0.0.0.0/0" : "::/0") : text);
  const length = lengthOf(prefix);
  const [ge, le] = [words.optional("GE", number(0, most)), words.optional("LE", number(0, most))];
  if (any && (ge !== undefined || le !== undefined)) fail("any has neither ge nor le");
  if ((ge !== undefined && ge < length) || (le !== undefined && le < (ge ?? length))) {
    fail(`must be: length of the prefix (${length}) <= ge <= le`);
  }
  const atMost = any ? most : (le ?? (ge === undefined ? length : most));
  return { permit, prefix, atLeast: ge ?? length, atMost };
}

const sameRule = (a: Omit<PrefixRule, "sequence">, b: Omit<PrefixRule, "sequence">): boolean =>
  a.permit === b.permit && a.prefix === b.prefix && a.atLeast === b.atLeast && a.atMost === b.atMost;

function prefixRule(draft: Draft, words: Words, no: boolean): void {
  const lists = draft.prefixLists[familyNamed(words.text("ip|ipv6"))];
  const name = words.text("NAME");
  const rule = readRule(words);
  const rules = lists.get(name) ?? [];
  const given = sequenceIn(words);
  if (no) {
    const left = rules.filter((known) => !sameRule(known, rule) || (given !== undefined && known.sequence !== given));
    if (left.length === rules.length) fail(`prefix-list ${name} has no such entry`);
    if (left.length === 0) lists.delete(name);
    else lists.set(name, left);
    return;
  }
  if (given === undefined && rules.some((known) => sameRule(known, rule))) return;
  const sequence = given ?? nextSequence(rules.map((known) => known.sequence));
  const others = rules.filter((known) => known.sequence !== sequence);
  lists.set(
    name,
    [...others, { sequence, ...rule }].sort((a, b) => a.sequence - b.sequence),
  );
}

interface ListKind<Value> {
  readonly of: (draft: Draft) => Map<string, ListDraft<Value>>;
  readonly read: (text: string) => Value;
}

/** An entry of a standard list; `internet` fits every path. */
function communityRule<Value>(draft: Draft, words: Words, no: boolean, { of, read }: ListKind<Value>): void {
  const lists = of(draft);
  const name = words.text("NAME");
  if (words.rest.length === 0) fail("no community is given");
  const communities = words.rest.filter((word) => word !== "internet").map(read);
  const permit = words.text("permit|deny") === "permit";
  const list: ListDraft<Value> = lists.get(name) ?? new Map();
  const same = [...list].find(([, rule]) => rule.permit === permit && rule.communities.join() === communities.join());
  const sequence = sequenceIn(words) ?? same?.[0] ?? nextSequence(list.keys());
  if (no && !list.delete(sequence)) fail(`community-list ${name} has no such entry`);
  if (!no) list.set(sequence, { permit, communities });
  if (list.size === 0) lists.delete(name);
  else lists.set(name, list);
}

function communityLists<Value>(word: string, kind: ListKind<Value>): readonly Command<Draft>[] {
  return [
    statement(`bgp ${word} [standard] NAME [seq SEQUENCE] permit|deny ...`, (draft, words, no) => {
      if (words.text("NAME") === "expanded") fail("lists of regular expressions are not supported; standard ones are");
      communityRule(draft, words, no, kind);
    }),
    statement(`bgp ${word} expanded ...`, () =>
      fail("lists of regular expressions are not supported; standard ones are"),
    ),
    statement(`bgp ${word} [standard] NAME`, (draft, words, no) => {
      if (!no) fail("permit or deny is missing");
      if (!kind.of(draft).delete(words.text("NAME"))) fail(`there is no ${word} ${words.text("NAME")}`);
    }),
  ];
}

const COMMUNITIES: ListKind<Community> = { of: (draft) => draft.communityLists, read: communityValue };
const LARGE: ListKind<LargeCommunity> = { of: (draft) => draft.largeCommunityLists, read: largeCommunityValue };

export function listStatements(): readonly Command<Draft>[] {
  return [
    ignored("ip|ipv6 prefix-list NAME description ..."),
    ignored("ip|ipv6 prefix-list sequence-number"),
    statement("ip|ipv6 prefix-list NAME [seq SEQUENCE] permit|deny PREFIX [ge GE] [le LE]", prefixRule),
    statement("ip|ipv6 prefix-list NAME [seq SEQUENCE] permit|deny PREFIX le LE ge GE", prefixRule),
    statement("ip|ipv6 prefix-list NAME", (draft, words, no) => {
      if (!no) fail("permit or deny is missing, and a prefix");
      const lists = draft.prefixLists[familyNamed(words.text("ip|ipv6"))];
      if (!lists.delete(words.text("NAME"))) fail(`there is no prefix-list ${words.text("NAME")}`);
    }),
    ...communityLists("community-list", COMMUNITIES),
    ...communityLists("large-community-list", LARGE),
  ];
}
