// RFC 4271 section 6.1 (headers), section 4.1 (messages in a stream), RFC 6608 (messages at the wrong time).
import { millis, seconds } from "../../../impl/wire/time.ts";
import { expectAtMost, expectEqual } from "../../expect.ts";
import {
  AS_PATH,
  attribute,
  bytesOf,
  KEEPALIVE,
  message,
  NEXT_HOP,
  octets,
  open,
  ORIGIN,
  PREFIX,
  routeRefresh,
  update,
} from "../../raw-messages.ts";
import {
  dialled,
  established,
  establishedRaw,
  faults,
  GREETING,
  lastWord,
  peerMetric,
  type RawSession,
  startRaw,
  stillUp,
  updatesReceived,
  warned,
  wordsOn,
} from "../../raw-session.ts";
import { passes } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

interface Wrong {
  readonly bytes: Uint8Array;
  readonly answer: string;
}

/** The first byte of the marker is 0. */
const badMarker = bytesOf([0], message(4).subarray(1));
const wrong = (bytes: Uint8Array, answer: string): Wrong => ({ bytes, answer: `notification ${answer}` });

/** Section 6.1: the data is the length, or the type, that was wrong. */
const HEADERS: Readonly<Record<string, Wrong>> = {
  "bad-marker": wrong(badMarker, "1/1"),
  "length-0": wrong(message(4, [], 0), "1/2 0000"),
  "length-18": wrong(message(4, [], 18), "1/2 0012"),
  "length-4097": wrong(message(2, octets(4078)), "1/2 1001"),
  "length-65535": wrong(message(2, [], 65_535), "1/2 ffff"),
  "keepalive-of-20": wrong(message(4, [0]), "1/2 0014"),
  "open-of-28": wrong(message(1, octets(9)), "1/2 001c"),
  "update-of-22": wrong(message(2, octets(3)), "1/2 0016"),
  "notification-of-20": wrong(message(3, octets(1)), "1/2 0014"),
  "type-0": wrong(message(0), "1/3 00"),
  "type-9": wrong(message(9, octets(20)), "1/3 09"),
};

/** RFC 6608 section 3: the data is the type of the message. */
const UNEXPECTED: Readonly<
  Record<string, { readonly before: readonly Uint8Array[]; readonly sent: Uint8Array; readonly answer: string }>
> = {
  "keepalive-first": { before: [], sent: KEEPALIVE, answer: "5/1 04" },
  "update-first": { before: [], sent: update({}), answer: "5/1 02" },
  "refresh-first": { before: [], sent: routeRefresh(), answer: "5/1 05" },
  "open-twice": { before: [open()], sent: open(), answer: "5/2 01" },
  "update-before-keepalive": { before: [open()], sent: update({}), answer: "5/2 02" },
  "refresh-before-keepalive": { before: [open()], sent: routeRefresh(), answer: "5/2 05" },
  "open-when-established": { before: GREETING, sent: open(), answer: "5/3 01" },
};

const names = (table: Readonly<Record<string, unknown>>): readonly { readonly name: string }[] =>
  Object.keys(table).map((name) => ({ name }));

/** An UPDATE that is in order. */
const UPDATE = update({ attributes: [...ORIGIN, ...AS_PATH, ...NEXT_HOP], announced: PREFIX });
const PIECES = bytesOf(UPDATE, KEEPALIVE, UPDATE);

async function received(session: RawSession): Promise<readonly number[]> {
  return [await updatesReceived(session), await peerMetric(session, "metallb_bgp_keepalives_received")];
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-input/stream-bad-header",
    title: "A header that is wrong ends the connection with the reason, before the session is up and after",
    cites: ["F12"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "resources"],
    variants: names(HEADERS),
    async run(world, { name }) {
      const fault = HEADERS[name];
      if (fault === undefined) throw new Error(`there is no header ${name}`);
      const session = await startRaw(world);
      const { raw, node } = session;
      await dialled(session);
      await raw.send(fault.bytes);
      expectEqual("the answer in place of an OPEN", await lastWord(session), fault.answer);
      await warned(session, "SessionFailed", "Message Header Error");
      const { streams } = await node.resources();
      await dialled(session, 2);
      for (const bytes of GREETING) await raw.send(bytes);
      await established(session, 2);
      // Whatever comes behind it is not looked at.
      await raw.send(bytesOf(fault.bytes, octets(10_000, 0xff)));
      expectEqual("the answer in a session", await lastWord(session, 2), fault.answer);
      await warned(session, "SessionDown", "Message Header Error");
      expectEqual("streams that the speaker holds open", (await node.resources())["streams"], streams);
      await raw.end();
    },
  },
  {
    name: "bgp-input/stream-unexpected-message",
    title: "A message that has no place in the state of the session ends it with the type of the message",
    cites: ["F10"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: names(UNEXPECTED),
    async run(world, { name }) {
      const found = UNEXPECTED[name];
      if (found === undefined) throw new Error(`there is no message ${name}`);
      const session = await startRaw(world);
      await dialled(session);
      for (const bytes of [...found.before, found.sent]) {
        await session.raw.send(bytes);
        await passes(world, millis(100));
      }
      expectEqual("the answer", await lastWord(session), `notification ${found.answer}`);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/stream-split",
    title: "Messages mean the same wherever the stream is cut",
    cites: ["F13"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    variants: [{ name: "in-a-session" }, { name: "in-the-handshake" }],
    async run(world, { name }) {
      const session = await startRaw(world);
      const { raw } = session;
      const inTwo = async (bytes: Uint8Array, at: number): Promise<void> => {
        await raw.send(bytes.subarray(0, at));
        await passes(world, millis(10));
        await raw.send(bytes.subarray(at));
        await passes(world, millis(10));
      };
      await dialled(session);
      if (name === "in-the-handshake") {
        const whole = bytesOf(...GREETING);
        for (let at = 1; at < whole.length; at++) {
          await dialled(session, at);
          await inTwo(whole, at);
          await established(session, at);
          await raw.close(false);
        }
      } else {
        for (const bytes of GREETING) await raw.send(bytes);
        await established(session);
        const [updates = 0, keepalives = 0] = await received(session);
        for (let at = 1; at < PIECES.length; at++) await inTwo(PIECES, at);
        const count = PIECES.length - 1;
        expectEqual("messages that were heard", await received(session), [updates + 2 * count, keepalives + count]);
        expectEqual("mistakes", await faults(session), {});
        await stillUp(session);
      }
      await raw.end();
    },
  },
  {
    name: "bgp-input/stream-many-in-one-piece",
    title: "A thousand messages at once are a thousand messages, and need no thousand answers",
    cites: ["F13"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "resources", "virtualTime"],
    async run(world) {
      const session = await establishedRaw(world);
      const { raw, node } = session;
      const [updates = 0, keepalives = 0] = await received(session);
      const { streams } = await node.resources();
      const said = async (): Promise<number> => (await raw.connections()).flatMap(wordsOn).length;
      const words = await said();
      await raw.send(bytesOf(...Array.from({ length: 500 }, () => bytesOf(UPDATE, KEEPALIVE))));
      await passes(world, seconds(1));
      expectEqual("messages that were heard", await received(session), [updates + 500, keepalives + 500]);
      expectAtMost("answers", (await said()) - words, 1);
      expectEqual("streams that the speaker holds open", (await node.resources())["streams"], streams);
      await stillUp(session);
      await raw.end();
    },
  },
  {
    name: "bgp-input/stream-byte-by-byte",
    title: "A byte each second is a message in the end, if it ends in time",
    cites: ["F13"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    async run(world) {
      const session = await establishedRaw(world);
      const { raw } = session;
      const [updates = 0, keepalives = 0] = await received(session);
      for (const byte of PIECES) {
        await raw.send(Uint8Array.of(byte));
        await passes(world, seconds(1));
      }
      expectEqual("messages that were heard", await received(session), [updates + 2, keepalives + 1]);
      await stillUp(session);
      await raw.end();
    },
  },
  {
    name: "bgp-input/stream-slow-handshake",
    title: "A peer that takes its time to say OPEN, byte by byte or not at all, is given up after ten seconds",
    cites: ["F13"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    variants: [{ name: "byte-by-byte" }, { name: "half-an-open" }, { name: "half-a-header" }],
    async run(world, { name }) {
      const session = await startRaw(world);
      const { raw } = session;
      await dialled(session);
      const from = world.now();
      const whole = open();
      if (name !== "byte-by-byte") await raw.send(whole.subarray(0, name === "half-an-open" ? 25 : 9));
      for (const byte of whole.subarray(0, 9)) {
        if (name === "byte-by-byte") await raw.send(Uint8Array.of(byte));
        await passes(world, seconds(1));
      }
      expectEqual("the last word", await lastWord(session), "notification 4/0");
      expectAtMost("seconds", (world.now() - from) / seconds(1), 10.5);
      await warned(session, "SessionFailed", "Hold Timer Expired");
      await raw.end();
    },
  },
  {
    name: "bgp-input/stream-no-sign-of-life",
    title: "Only a whole KEEPALIVE or UPDATE proves that the peer is there: the hold timer runs over everything else",
    cites: ["F24", "F13"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    variants: [
      { name: "silence", bytes: "" },
      { name: "pieces-of-a-message", bytes: "piece" },
      { name: "refreshes", bytes: "refresh" },
    ],
    async run(world, { bytes }) {
      const session = await establishedRaw(world, { greet: [open({ holdTime: 9 }), KEEPALIVE] });
      const { raw } = session;
      const from = world.now();
      const long = update({ attributes: attribute(0xc0, 99, ...octets(200)) });
      for (let second = 0; second < 8; second++) {
        if (bytes === "piece") await raw.send(long.subarray(second, second + 1));
        else if (bytes === "refresh") await raw.send(routeRefresh());
        await passes(world, seconds(1));
      }
      await world.holds(
        "the session stays for now",
        async () => (await raw.connections())[0]?.closed === undefined,
        millis(500),
      );
      expectEqual("the last word", await lastWord(session), "notification 4/0");
      expectAtMost("seconds", (world.now() - from) / seconds(1), 9.5);
      await warned(session, "SessionDown", "Hold Timer Expired");
      await raw.end();
    },
  },
  {
    name: "bgp-input/stream-no-agreement",
    title: "A peer that says OPEN and never agrees to ours has no session, and is given up when its hold time is over",
    cites: ["F24"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    async run(world) {
      const session = await startRaw(world, { greet: [open({ holdTime: 30 })] });
      await dialled(session);
      await passes(world, seconds(28));
      const [before] = await session.raw.connections();
      const words = before === undefined ? [] : wordsOn(before);
      expectEqual("different words", [...new Set(words)], ["open", "keepalive"]);
      expectEqual("a session", await peerMetric(session, "metallb_bgp_session_up"), 0);
      expectEqual("the last word", await lastWord(session, 1, seconds(3)), "notification 4/0");
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/stream-improper-refresh",
    title:
      "ROUTE-REFRESH of another length ends the session with the message; one that asks for nothing we have does not",
    cites: ["F28"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const session = await establishedRaw(world);
      const { raw } = session;
      // Another family, an AFI and a SAFI that nobody knows, the markers of RFC 7313 and a subtype of nobody.
      const idle = [
        routeRefresh(2, 1),
        routeRefresh(99, 1),
        routeRefresh(1, 99),
        ...[1, 2, 3, 255].map((subtype) => routeRefresh(1, 1, subtype)),
      ];
      for (const bytes of idle) await raw.send(bytes);
      await stillUp(session);
      await raw.send(message(5, [0, 1, 0, 1, 0]));
      const data = Buffer.from(message(5, [0, 1, 0, 1, 0])).toString("hex");
      // RFC 7313 section 5.
      expectEqual("the last word", await lastWord(session), `notification 7/1 ${data}`);
      await raw.end();
    },
  },
];
