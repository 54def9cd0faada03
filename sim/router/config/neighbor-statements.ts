// `neighbor …` of a BGP instance, for neighbours and peer-groups alike.
import { readIp } from "../../../impl/wire/ip.ts";
import { millis, seconds } from "../../../impl/wire/time.ts";
import { MAX_TTL } from "./defaults.ts";
import { type BgpDraft, newBfd, newPeer, type OwnSettings, type PeerDraft } from "./draft.ts";
import { type Command, statement, type Words } from "./grammar.ts";
import { type RemoteAs } from "./model.ts";
import { asn, fail, number } from "./values.ts";

export function groupNamed(bgp: BgpDraft, name: string): PeerDraft {
  const group = bgp.peers.get(name);
  return group?.kind === "group" ? group : fail(`there is no peer-group ${name}`);
}

export const remoteAsOf = (bgp: BgpDraft, peer: PeerDraft): RemoteAs | undefined =>
  peer.own.remoteAs ?? (peer.group === undefined ? undefined : bgp.peers.get(peer.group)?.own.remoteAs);

/** Neighbours by address have one spelling. */
const spelling = (name: string): string => readIp(name) ?? name;

export function peerNamed(bgp: BgpDraft, name: string): PeerDraft {
  return (
    bgp.peers.get(spelling(name)) ?? fail(`there is no neighbor ${name} yet: its remote-as or peer-group comes first`)
  );
}

function addPeer(bgp: BgpDraft, name: string, kind: PeerDraft["kind"]): PeerDraft {
  const known = bgp.peers.get(spelling(name));
  const peer = known ?? newPeer(spelling(name), kind, bgp);
  bgp.peers.set(peer.name, peer);
  return peer;
}

/** The neighbour with this address, made where there is none; or the interface or group of this name. */
function addressedPeer(bgp: BgpDraft, name: string): PeerDraft {
  if (bgp.peers.has(spelling(name))) return peerNamed(bgp, name);
  if (readIp(name) === undefined) fail(`there is no peer-group or interface ${name} yet`);
  return addPeer(bgp, name, "address");
}

function remoteAs(text: string, name: string): RemoteAs {
  return text === "internal" || text === "external" || text === "auto" ? notAuto(text) : asn(text, name);
}

const notAuto = (text: "internal" | "external" | "auto"): RemoteAs =>
  text === "auto" ? fail("remote-as auto is not supported: a number, internal, external are") : text;

function removePeer(bgp: BgpDraft, name: string): void {
  const peer = peerNamed(bgp, name);
  bgp.peers.delete(peer.name);
  if (peer.kind !== "group") return;
  for (const member of bgp.peers.values()) if (member.group === peer.name) bgp.peers.delete(member.name);
  for (const [range, group] of bgp.ranges) if (group === peer.name) bgp.ranges.delete(range);
}

function joinGroup(bgp: BgpDraft, peer: PeerDraft, name: string, no: boolean): void {
  const group = groupNamed(bgp, name);
  if (no) {
    // A neighbour that had its AS from the group goes with it.
    peer.group = undefined;
    if (peer.own.remoteAs === undefined) bgp.peers.delete(peer.name);
    return;
  }
  if (peer.kind === "group") fail("a peer-group cannot be in another");
  if (peer.own.remoteAs === undefined && group.own.remoteAs === undefined) {
    if (peer.kind === "address") bgp.peers.delete(peer.name);
    fail(`peer-group ${name} has no remote-as yet, and neither has the neighbor`);
  }
  peer.group = group.name;
}

function interfaceNeighbor(bgp: BgpDraft, words: Words, no: boolean): void {
  const name = words.text("PEER");
  if (no) {
    removePeer(bgp, name);
    return;
  }
  if (readIp(name) !== undefined) fail(`"${name}" is an address, not an interface`);
  const peer = addPeer(bgp, name, "interface");
  if (peer.kind !== "interface") fail(`${name} is already a peer-group`);
  const as = words.optional("AS", remoteAs);
  if (as !== undefined) peer.own.remoteAs = as;
  const group = words.maybe("GROUP");
  if (group !== undefined) joinGroup(bgp, peer, group, false);
}

/** How neighbours come to be, and go. */
const EXISTENCE: readonly Command<BgpDraft>[] = [
  statement("neighbor PEER interface / [v6only] remote-as AS", interfaceNeighbor),
  statement("neighbor PEER interface / [v6only] peer-group GROUP", interfaceNeighbor),
  statement("neighbor PEER interface / [v6only]", interfaceNeighbor),
  statement("neighbor PEER remote-as / AS", (bgp, words, no) => {
    const name = words.text("PEER");
    if (!no) addressedPeer(bgp, name).own.remoteAs = words.read("AS", remoteAs);
    else if (peerNamed(bgp, name).kind === "address") removePeer(bgp, name);
    else peerNamed(bgp, name).own.remoteAs = undefined;
  }),
  statement("neighbor PEER peer-group", (bgp, words, no) => {
    const name = words.text("PEER");
    if (no) {
      groupNamed(bgp, name);
      removePeer(bgp, name);
      return;
    }
    if (readIp(name) !== undefined) fail(`the name of the peer-group is missing`);
    if (addPeer(bgp, name, "group").kind !== "group") fail(`${name} is already a neighbor`);
  }),
  statement("neighbor PEER peer-group GROUP", (bgp, words, no) => {
    joinGroup(bgp, addressedPeer(bgp, words.text("PEER")), words.text("GROUP"), no);
  }),
  statement("neighbor PEER", (bgp, words, no) => {
    if (!no) fail("what is to be so of the neighbor is missing");
    removePeer(bgp, words.text("PEER"));
  }),
];

/** A setting that is undefined again after `no`. */
const setting = <Key extends keyof OwnSettings>(
  pattern: string,
  key: Key,
  read: (words: Words) => OwnSettings[Key],
): Command<BgpDraft> =>
  statement(`neighbor PEER ${pattern}`, (bgp, words, no) => {
    const { own } = peerNamed(bgp, words.text("PEER"));
    own[key] = no ? undefined : read(words);
  });

/** A flag that `no` turns off also where the peer-group turns it on. */
const flag = (pattern: string, key: "passive" | "disableConnectedCheck" | "extendedNextHop"): Command<BgpDraft> =>
  statement(`neighbor PEER ${pattern}`, (bgp, words, no) => {
    peerNamed(bgp, words.text("PEER")).own[key] = !no;
  });

function readTimers(words: Words): OwnSettings["timers"] {
  const holdTime = words.read("HOLD", number(0, 65535));
  if (holdTime !== 0 && holdTime < 3) fail("HOLD must be 0 or at least 3");
  return { keepalive: seconds(words.read("KEEPALIVE", number(0, 65535))), holdTime: seconds(holdTime) };
}

/** FRR refuses the first where the second is set: one says that packets come from afar, the other that they must not. */
function exclusive(words: Words, bgp: BgpDraft, key: "multihop" | "securityHops"): void {
  const { own } = peerNamed(bgp, words.text("PEER"));
  if (own[key] !== undefined) fail("ebgp-multihop and ttl-security exclude each other");
}

const REACH: readonly Command<BgpDraft>[] = [
  statement("neighbor PEER ebgp-multihop / [TTL]", (bgp, words, no) => {
    if (!no) exclusive(words, bgp, "securityHops");
    const ttl = words.optional("TTL", number(1, MAX_TTL)) ?? MAX_TTL;
    peerNamed(bgp, words.text("PEER")).own.multihop = no ? undefined : ttl;
  }),
  statement("neighbor PEER ttl-security hops / HOPS", (bgp, words, no) => {
    if (!no) exclusive(words, bgp, "multihop");
    const hops = no ? undefined : words.read("HOPS", number(1, 254));
    peerNamed(bgp, words.text("PEER")).own.securityHops = hops;
  }),
  flag("disable-connected-check", "disableConnectedCheck"),
  setting("port / PORT", "port", (words) => words.read("PORT", number(0, 65535))),
  setting("update-source / SOURCE", "updateSource", (words) => {
    const source = words.text("SOURCE");
    return readIp(source) ?? { device: source };
  }),
];

const SESSION: readonly Command<BgpDraft>[] = [
  setting("description / ...", "description", (words) => words.rest.join(" ")),
  setting("password / PASSWORD", "password", (words) => words.text("PASSWORD")),
  setting("timers connect / SECONDS", "connectRetry", (words) => seconds(words.read("SECONDS", number(1, 65535)))),
  setting("timers / KEEPALIVE HOLD", "timers", readTimers),
  setting("advertisement-interval / SECONDS", "advertisementInterval", (words) =>
    seconds(words.read("SECONDS", number(0, 600))),
  ),
  setting("local-as / AS [no-prepend] [replace-as]", "localAs", (words) => ({
    asn: words.read("AS", asn),
    noPrepend: words.has("no-prepend"),
    replaceAs: words.has("replace-as"),
  })),
  flag("passive", "passive"),
  flag("capability extended-nexthop", "extendedNextHop"),
  statement("neighbor PEER shutdown", (bgp, words, no) => {
    peerNamed(bgp, words.text("PEER")).own.shutdown = no ? "no" : { message: undefined };
  }),
  statement("neighbor PEER shutdown message / ...", (bgp, words, no) => {
    peerNamed(bgp, words.text("PEER")).own.shutdown = no ? "no" : { message: words.rest.join(" ") };
  }),
  setting("graceful-restart", "gracefulRestart", () => "restarter"),
  setting("graceful-restart-helper", "gracefulRestart", () => "helper"),
  setting("graceful-restart-disable", "gracefulRestart", () => "disabled"),
];

const milliseconds = (words: Words, name: string): ReturnType<typeof millis> =>
  millis(words.read(name, number(50, 60_000)));

const BFD: readonly Command<BgpDraft>[] = [
  statement("neighbor PEER bfd", (bgp, words, no) => {
    const { own } = peerNamed(bgp, words.text("PEER"));
    // A profile that is already named stays.
    if (no) own.bfd = "no";
    else if (own.bfd === undefined || own.bfd === "no") own.bfd = newBfd();
  }),
  statement("neighbor PEER bfd profile / NAME", (bgp, words, no) => {
    peerNamed(bgp, words.text("PEER")).own.bfd = no ? newBfd() : { profile: words.text("NAME") };
  }),
  statement("neighbor PEER bfd MULTIPLIER RECEIVE TRANSMIT", (bgp, words, no) => {
    peerNamed(bgp, words.text("PEER")).own.bfd = no
      ? "no"
      : {
          ...newBfd(),
          detectMultiplier: words.read("MULTIPLIER", number(2, 255)),
          receiveInterval: milliseconds(words, "RECEIVE"),
          transmitInterval: milliseconds(words, "TRANSMIT"),
        };
  }),
];

export const NEIGHBOR_STATEMENTS: readonly Command<BgpDraft>[] = [...EXISTENCE, ...REACH, ...SESSION, ...BFD];
