// RFC 4486 and RFC 9003 (why a peer ends a session), RFC 8538 (Hard Reset): when it is tried again, and what people hear.
import { encodeUtf8 } from "../../../impl/wire/text.ts";
import { inSeconds, type Micros, seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectAtMost, expectEqual, expectTrue } from "../../expect.ts";
import { SYSTEM } from "../../objects.ts";
import { hex, notification, octets, type Octets } from "../../raw-messages.ts";
import { RAW_PEER } from "../../raw-peer.ts";
import {
  dialled,
  established,
  establishedRaw,
  GREETING,
  lastWord,
  peerWarning,
  type RawSession,
  startRaw,
  warned,
  wordsOn,
} from "../../raw-session.ts";
import { type Scenario } from "../../world.ts";

/** Seconds of rest: after the first time, and after many. Jitter may take a quarter away (RFC 4271 section 10). */
type Rests = readonly [first: number, most: number];

const SOON: Rests = [1, 5];
/** Somebody has to change something. */
const REFUSED: Rests = [1, 30];
const UNWANTED: Rests = [15, 60];
const OVERLOADED: Rests = [30, 300];

interface Goodbye {
  readonly said: Octets;
  readonly rests: Rests;
  readonly named: string;
}

const cease = (subcode: number, rests: Rests, name: string, ...data: Octets): Goodbye => ({
  said: [6, subcode, ...data],
  rests,
  named: `Cease/${name}`,
});

const GOODBYES: Readonly<Record<string, Goodbye>> = {
  "maximum-prefixes": cease(1, OVERLOADED, "Maximum Number of Prefixes Reached", 0, 1, 1, 0, 0, 0, 10),
  shutdown: cease(2, UNWANTED, "Administrative Shutdown"),
  "de-configured": cease(3, UNWANTED, "Peer De-configured"),
  reset: cease(4, SOON, "Administrative Reset"),
  rejected: cease(5, UNWANTED, "Connection Rejected"),
  "configuration-change": cease(6, SOON, "Other Configuration Change"),
  collision: cease(7, SOON, "Connection Collision Resolution"),
  "out-of-resources": cease(8, OVERLOADED, "Out of Resources"),
  // RFC 8538 section 3.1: code and subcode of the reason stand within.
  "hard-reset-for-shutdown": cease(9, UNWANTED, "Hard Reset: Cease/Administrative Shutdown", 6, 2),
  "hard-reset-for-reset": cease(9, SOON, "Hard Reset: Cease/Administrative Reset", 6, 4),
  "hard-reset-for-nothing": cease(9, REFUSED, "Hard Reset"),
  "bfd-down": cease(10, SOON, "BFD Down"),
  "unknown-subcode": cease(200, REFUSED, "subcode 200"),
  "hold-timer": { said: [4, 0], rests: SOON, named: "Hold Timer Expired" },
  "send-hold-timer": { said: [8, 0], rests: SOON, named: "Send Hold Timer Expired" },
  "update-error": { said: [3, 1], rests: REFUSED, named: "UPDATE Message Error/Malformed Attribute List" },
  "bad-peer-as": { said: [2, 2, 0xfb, 0xf4], rests: REFUSED, named: "OPEN Message Error/Bad Peer AS" },
  "unknown-code": { said: [77, 7], rests: REFUSED, named: "Error 77" },
};

const text = (length: number, ...bytes: Octets): Octets => [length, ...bytes];
const bytesOfText = (said: string): Octets => [...encodeUtf8(said)];

/** Texts of a shutdown, and what of them may be read. */
const TEXTS: Readonly<Record<string, { readonly data: Octets; readonly read: string }>> = {
  text: { data: text(12, ...bytesOfText("moving racks")), read: "Administrative Shutdown: moving racks" },
  "two-alphabets": {
    data: text(13, ...bytesOfText("ремонт ü")).with(0, encodeUtf8("ремонт ü").length),
    read: ": ремонт ü",
  },
  "no-text": { data: [0], read: "Administrative Shutdown" },
  "length-beyond-the-end": { data: text(200, ...bytesOfText("moving")), read: "Administrative Shutdown" },
  "255-bytes-of-no-utf-8": { data: text(255, ...octets(255, 0xff)), read: "Administrative Shutdown: \ufffd" },
  // A terminal's escape, a line feed, NUL, an order to write from the right (U+202E), half a character.
  "what-steers-a-terminal": { data: text(14, ...hex("1b5b334a 0a 00 e280ae 6f6b 1b c3 7f")).with(0, 13), read: "ok" },
};

const names = (table: Readonly<Record<string, unknown>>): readonly { readonly name: string }[] =>
  Object.keys(table).map((name) => ({ name }));

/** Waits until there were so many connections, and returns the seconds between them. */
async function gaps({ world, raw }: RawSession, count: number, within: Micros): Promise<readonly number[]> {
  const all = await world.waitFor(
    `there were ${count} attempts`,
    async () => {
      const connections = await raw.connections();
      return connections.length >= count && connections;
    },
    within,
  );
  const times = all.map(({ at }) => inSeconds(at));
  return times.slice(1).map((at, index) => at - (times[index] ?? at));
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-input/goodbye",
    title: "Why a peer ends the session decides how soon it is tried again, and repetition makes attempts rarer",
    cites: ["F23"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    variants: names(GOODBYES),
    async run(world, { name }) {
      const goodbye = GOODBYES[name];
      if (goodbye === undefined) throw new Error(`there is no goodbye ${name}`);
      const { said, rests, named } = goodbye;
      const [code = 0, subcode = 0, ...data] = said;
      if (code < 4) world.excuse("I6", "the peer complains without a reason");
      const session = await startRaw(world, { greet: [...GREETING, notification(code, subcode, ...data)] });
      const [first, most] = rests;
      const between = await gaps(session, most > 60 ? 4 : 8, seconds(400));
      await warned(session, "SessionDown", named);
      for (const [index, gap] of between.entries()) {
        const rest = Math.min(first * 2 ** index, most);
        expectAtLeast(`seconds of rest ${index + 1}`, gap, rest * 0.75);
        expectAtMost(`seconds of rest ${index + 1}`, gap, rest + 0.1);
      }
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/goodbye-unanswered",
    title: "Nothing is said to a peer that says NOTIFICATION, whatever is in it",
    cites: ["F23"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: [
      { name: "before-open", code: 6, early: true },
      { name: "in-a-session", code: 6, early: false },
      { name: "unknown-code", code: 77, early: false },
    ],
    async run(world, { code = 0, early }) {
      const session = await startRaw(world, { greet: early === true ? [] : GREETING });
      await (early === true ? dialled(session) : established(session));
      await session.raw.send(notification(Number(code), 2));
      await lastWord(session);
      const [first] = await session.raw.connections();
      const words = first === undefined ? [] : wordsOn(first);
      expectEqual("what it said", words, early === true ? ["open"] : ["open", "keepalive", "endOfRib"]);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/goodbye-text",
    title: "What the other operator has to say reaches people, and nothing in it steers their terminal",
    cites: ["F23"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: names(TEXTS),
    async run(world, { name }) {
      const last = TEXTS[name];
      if (last === undefined) throw new Error(`there is no text ${name}`);
      const session = await establishedRaw(world);
      await session.raw.send(notification(6, 2, ...last.data));
      await warned(session, "SessionDown", last.read);
      const warning = await peerWarning(session);
      if (!last.read.includes(": "))
        expectEqual("text behind the reason", warning.includes("Shutdown:"), last.read === "ok");
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/goodbye-at-once",
    title: "A peer that ends every session at once is told about in few words",
    cites: ["F23"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    async run(world) {
      const session = await startRaw(world, { greet: [...GREETING, notification(6, 4)] });
      const between = await gaps(session, 60, seconds(400));
      expectAtLeast(
        "seconds for 60 attempts",
        between.reduce((sum, gap) => sum + gap, 0),
        54 * 3.75,
      );
      const events = await world.kubernetes.events("BGPPeer", `${SYSTEM}/${RAW_PEER}`);
      expectAtMost("different Events about the peer", events.length, 4);
      expectTrue(
        "they count how often",
        events.some(({ count = 1 }) => count > 10),
      );
      await session.raw.end();
    },
  },
];
