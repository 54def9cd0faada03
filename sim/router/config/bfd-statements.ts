// The `bfd` section: profiles, and sessions that stand by themselves.
import { millis } from "../../../impl/wire/time.ts";
import { type BfdDraft, type BfdPeerDraft, type Draft, newBfd } from "./draft.ts";
import { type Command, type Frame, Grammar, ignored, statement } from "./grammar.ts";
import { address, fail, number } from "./values.ts";

type Interval = "receiveInterval" | "transmitInterval" | "echoReceiveInterval" | "echoTransmitInterval";

const interval = (pattern: string, field: Interval): Command<BfdDraft> =>
  statement(`${pattern} / INTERVAL`, (bfd, words, no) => {
    bfd[field] = no ? undefined : millis(words.read("INTERVAL", number(10, 60_000)));
  });

const SESSION: readonly Command<BfdDraft>[] = [
  interval("receive-interval", "receiveInterval"),
  interval("transmit-interval", "transmitInterval"),
  statement("detect-multiplier / COUNT", (bfd, words, no) => {
    bfd.detectMultiplier = no ? undefined : words.read("COUNT", number(2, 255));
  }),
  statement("echo-mode", (bfd, _words, no) => {
    bfd.echo = !no;
  }),
  statement("echo receive-interval disabled", (bfd, _words, no) => {
    bfd.echoReceiveInterval = no ? undefined : millis(0);
  }),
  interval("echo receive-interval", "echoReceiveInterval"),
  interval("echo transmit-interval", "echoTransmitInterval"),
  statement("echo-interval / INTERVAL", (bfd, words, no) => {
    const value = no ? undefined : millis(words.read("INTERVAL", number(10, 60_000)));
    bfd.echoReceiveInterval = value;
    bfd.echoTransmitInterval = value;
  }),
  statement("passive-mode", (bfd, _words, no) => {
    bfd.passive = !no;
  }),
  statement("shutdown", (bfd, _words, no) => {
    bfd.shutdown = !no;
  }),
  statement("minimum-ttl / TTL", (bfd, words, no) => {
    bfd.minimumTtl = no ? undefined : words.read("TTL", number(1, 254));
  }),
  ignored("label ..."),
  ignored("log-session-changes"),
];

const PROFILE = new Grammar<BfdDraft>(SESSION);
export const PEER = new Grammar<BfdPeerDraft>([
  ...SESSION,
  statement("profile / NAME", (peer, words, no) => {
    peer.profile = no ? undefined : words.text("NAME");
  }),
]);

/** Options in any order behind the peer's address. */
function readPeer(ip: string, rest: readonly string[]): BfdPeerDraft {
  const options = new Map<string, string>();
  const words = [...rest];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "multihop") options.set(word, "");
    else if (word === "local-address" || word === "interface" || word === "vrf") {
      options.set(word, words.shift() ?? fail(`${word} has no value`));
    } else fail(`"${word}" is not understood; what is: multihop, local-address, interface, vrf`);
  }
  const local = options.get("local-address");
  const multihop = options.has("multihop");
  if (multihop && local === undefined) fail("multihop needs local-address");
  return {
    ...newBfd(),
    peer: address(ip),
    local: local === undefined ? undefined : address(local),
    multihop,
    device: options.get("interface"),
    vrf: options.get("vrf"),
    profile: undefined,
  };
}

function enterPeer(draft: Draft, peer: BfdPeerDraft, no: boolean): Frame | undefined {
  const key = [peer.peer, peer.local, peer.multihop, peer.device, peer.vrf].join(" ");
  if (no) {
    if (!draft.bfdPeers.delete(key)) fail(`there is no such peer`);
    return undefined;
  }
  const known = draft.bfdPeers.get(key) ?? peer;
  draft.bfdPeers.set(key, known);
  return PEER.on(`peer ${peer.peer}`, known);
}

function enterProfile(draft: Draft, name: string, no: boolean): Frame | undefined {
  if (no) {
    if (!draft.bfdProfiles.delete(name)) fail(`there is no profile ${name}`);
    return undefined;
  }
  const known = draft.bfdProfiles.get(name) ?? newBfd();
  draft.bfdProfiles.set(name, known);
  return PROFILE.on(`profile ${name}`, known);
}

export const BFD = new Grammar<Draft>([
  { pattern: "profile NAME", run: (draft, words, no) => enterProfile(draft, words.text("NAME"), no) },
  {
    pattern: "peer ADDRESS ...",
    run: (draft, words, no) => enterPeer(draft, readPeer(words.text("ADDRESS"), words.rest), no),
  },
]);

export const bfdFrame = (draft: Draft): Frame => BFD.on("bfd", draft);
