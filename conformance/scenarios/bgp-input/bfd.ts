// RFC 5880 sections 6.8.3 to 6.8.7, RFC 5881 section 5, RFC 5882 section 3.2: BFD packets that are wrong, and a peer that changes
// its mind. Each wrong one says Down, so that a speaker that believes it loses its session.
import { micros, millis, seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectAtMost, expectEqual, expectTrue } from "../../expect.ts";
import { bfd, type BfdFields, type BfdHeard, FLAGS, startBfd, watchedByBfd } from "../../raw-bfd.ts";
import { octets } from "../../raw-messages.ts";
import { established, lastWord, warned, wordsOn } from "../../raw-session.ts";
import { passes } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

interface Wrong {
  readonly fields: BfdFields;
  readonly ttl?: number;
  /** The reason under which it is counted. */
  readonly because: string;
}

const WRONG: Readonly<Record<string, Wrong>> = {
  "version-0": { fields: { version: 0 }, because: "malformed" },
  "version-2": { fields: { version: 2 }, because: "malformed" },
  "length-23": { fields: { length: 23 }, because: "malformed" },
  "length-beyond-the-end": { fields: { length: 25 }, because: "malformed" },
  "length-255": { fields: { length: 255 }, because: "malformed" },
  "authentication-without-a-section": { fields: { flags: FLAGS.authentication }, because: "malformed" },
  "authentication-nobody-asked-for": {
    // RFC 5880 section 4.2: a simple password.
    fields: { flags: FLAGS.authentication, more: [1, 9, 1, ...octets(6, 0x61)] },
    because: "authentication",
  },
  "multiplier-0": { fields: { multiplier: 0 }, because: "detectMultiplierZero" },
  multipoint: { fields: { flags: FLAGS.multipoint }, because: "multipoint" },
  "my-discriminator-0": { fields: { mine: 0 }, because: "myDiscriminatorZero" },
  "your-discriminator-0-and-init": { fields: { yours: 0, state: "init" }, because: "yourDiscriminatorZero" },
  "your-discriminator-0-and-up": { fields: { yours: 0, state: "up" }, because: "yourDiscriminatorZero" },
  "another-discriminator": { fields: { yours: 0x0bad_0bad }, because: "unknownDiscriminator" },
  "ttl-254": { fields: {}, ttl: 254, because: "ttlTooLow" },
  "ttl-1": { fields: {}, ttl: 1, because: "ttlTooLow" },
};

/** Strange, and nothing to lose a session over. */
const STRANGE: Readonly<Record<string, BfdFields>> = {
  "unknown-diagnostic": { diagnostic: 31 },
  "diagnostic-of-a-failure": { diagnostic: 1 },
  "control-plane-independent": { flags: 0x08 },
  "final-nobody-asked-for": { flags: FLAGS.final },
  "bytes-behind-the-length": { more: octets(20, 0xff), length: 24 },
  "echo-offered": { echo: 50_000 },
  "multiplier-255": { multiplier: 255 },
};

const names = (table: Readonly<Record<string, unknown>>): readonly { readonly name: string }[] =>
  Object.keys(table).map((name) => ({ name }));

/** Milliseconds between packets that answer no Poll, which come when they must. */
function gapsOf(heard: readonly BfdHeard[], since: number): readonly number[] {
  const times = heard.filter(({ at, final }) => at >= since && !final).map(({ at }) => at / millis(1));
  return times.slice(1).map((at, index) => at - (times[index] ?? at));
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-input/bfd-wrong-packet",
    title: "A BFD packet that breaks a rule is counted and changes nothing",
    cites: ["F30"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes"],
    variants: names(WRONG),
    async run(world, { name }) {
      const wrong = WRONG[name];
      if (wrong === undefined) throw new Error(`there is no packet ${name}`);
      const peer = await watchedByBfd(world);
      const [drops, taken] = [await peer.dropped(wrong.because), await peer.metric("metallb_bfd_control_packet_input")];
      for (let count = 0; count < 5; count++) {
        await peer.send({ state: "down", flags: 0, ...wrong.fields }, wrong.ttl);
        await peer.beats(peer.every);
      }
      expectEqual("packets dropped", (await peer.dropped(wrong.because)) - drops, 5);
      // The five between them.
      expectEqual("packets taken", (await peer.metric("metallb_bfd_control_packet_input")) - taken, 5);
      expectTrue("BFD is up", await peer.isUp());
      expectEqual("times that it went down", await peer.metric("metallb_bfd_session_down_events"), 0);
      const connections = await peer.session.raw.connections();
      expectEqual(
        "ends of the BGP session",
        connections.map(({ closed }) => closed),
        [undefined],
      );
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-truncated-packet",
    title: "A BFD packet that ends early, wherever it ends, is counted and changes nothing",
    cites: ["F30"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes"],
    async run(world) {
      const peer = await watchedByBfd(world);
      const drops = await peer.dropped("malformed");
      const yours = (await peer.last())?.mine ?? 0;
      const whole = bfd({ state: "down", yours });
      for (let length = 0; length < whole.length; length++) await peer.sendBytes(whole.subarray(0, length));
      await peer.beats(seconds(1));
      expectEqual("packets dropped", (await peer.dropped("malformed")) - drops, whole.length);
      expectTrue("BFD is up", await peer.isUp());
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-strange-packet",
    title: "A BFD packet that is merely unusual keeps the session up like any other",
    cites: ["F30"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes"],
    variants: names(STRANGE),
    async run(world, { name }) {
      const peer = await watchedByBfd(world);
      const taken = await peer.metric("metallb_bfd_control_packet_input");
      peer.says = STRANGE[name] ?? {};
      await peer.beats(seconds(5));
      expectEqual("packets taken", (await peer.metric("metallb_bfd_control_packet_input")) - taken, 20);
      expectTrue("BFD is up", await peer.isUp());
      expectEqual("times that it went down", await peer.metric("metallb_bfd_session_down_events"), 0);
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-peer-goes-down",
    title:
      "A peer that says Down, also one that has forgotten the session, ends BGP with the reason, and both come back",
    cites: ["F30"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes"],
    variants: [
      { name: "down", forgotten: false },
      { name: "restarted", forgotten: true },
    ],
    async run(world, { forgotten }) {
      const peer = await watchedByBfd(world);
      const { session } = peer;
      await peer.send({ state: "down", ...(forgotten === true ? { yours: 0, mine: 0x0f0f_0f0f } : {}) });
      // RFC 9384: Cease, BFD Down.
      expectEqual("the last word", await lastWord(session), "notification 6/10");
      await warned(session, "SessionDown", "BFD Down");
      const last = await peer.last();
      // RFC 5880 section 4.1: Neighbor Signaled Session Down.
      expectEqual("what BFD says", [last?.state, last?.diagnostic], ["down", 3]);
      await established(session, 2);
      await peer.handshake();
      await peer.beats(seconds(3));
      expectTrue("BFD is up", await peer.isUp());
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-silence",
    title: "A peer that BFD hears no more is given up when the detection time is over that the peer's own values make",
    cites: ["F30", "F31"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes", "virtualTime"],
    variants: [
      // RFC 5880 section 6.8.4: its multiplier, and the longer of what it sends for and what we receive for.
      { name: "its-multiplier", multiplier: 5, transmit: 300_000, receive: 300, ms: 1500 },
      { name: "its-interval", multiplier: 3, transmit: 600_000, receive: 300, ms: 1800 },
      { name: "our-interval", multiplier: 2, transmit: 100_000, receive: 400, ms: 800 },
    ],
    async run(world, { multiplier = 0, transmit = 0, receive = 0, ms = 0 }) {
      const peer = await startBfd(world, { receiveInterval: Number(receive), detectMultiplier: 7 });
      peer.says = { multiplier: Number(multiplier), transmit: Number(transmit) };
      await peer.handshake();
      await peer.beats(seconds(3));
      await peer.send({});
      const from = world.now();
      await world.holds("BFD waits", () => peer.isUp(), millis(Number(ms) - 10));
      expectEqual("the last word", await lastWord(peer.session), "notification 6/10");
      expectAtMost("milliseconds", (world.now() - from) / millis(1), Number(ms) + 10);
      // RFC 5880 section 4.1: Control Detection Time Expired.
      expectEqual("its reason", (await peer.last())?.diagnostic, 1);
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-taken-down-by-hand",
    title: "A peer whose operator takes BFD down keeps its BGP session and its routes",
    cites: ["F31"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes"],
    async run(world) {
      const peer = await watchedByBfd(world);
      peer.says = { state: "adminDown", diagnostic: 7 };
      await peer.beats(seconds(5));
      expectTrue("BFD is not up", !(await peer.isUp()));
      // Silence of a session that is not up is no failure.
      await passes(world, seconds(10));
      peer.says = {};
      await peer.handshake();
      await peer.beats(seconds(3));
      expectTrue("BFD is up", await peer.isUp());
      const all = await peer.session.raw.connections();
      expectEqual("connections", all.length, 1);
      expectTrue("no goodbye", !all.flatMap(wordsOn).some((word) => word.startsWith("notification")));
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-poll",
    title: "A Poll is answered at once, with Final and without Poll, however many there are",
    cites: ["F31"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes", "virtualTime"],
    async run(world) {
      const peer = await watchedByBfd(world);
      for (let count = 0; count < 10; count++) {
        const before = (await peer.heard()).length;
        const from = world.now();
        await peer.send({ flags: FLAGS.poll });
        await passes(world, millis(5));
        const answers = (await peer.heard()).slice(before).filter(({ final }) => final);
        expectEqual(
          `answers to Poll ${count + 1}`,
          answers.map(({ poll, yours }) => [poll, yours]),
          [[false, 0x1234_5678]],
        );
        expectAtMost("milliseconds", ((answers[0]?.at ?? from) - from) / millis(1), 1);
        await peer.beats(peer.every);
      }
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-intervals",
    title: "How often the speaker sends is what it wishes or what the peer can bear, the longer of both",
    cites: ["F31"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes", "virtualTime"],
    variants: [
      { name: "peer-raises", receive: 1_000_000, ms: 1000 },
      { name: "peer-lowers", receive: 50_000, ms: 200 },
      { name: "peer-wants-nothing", receive: 0, ms: 0 },
    ],
    async run(world, { receive = 0, ms = 0 }) {
      const peer = await startBfd(world, { transmitInterval: 200 });
      await peer.handshake();
      await peer.beats(seconds(3));
      peer.says = { receive: Number(receive) };
      await peer.send({ flags: FLAGS.poll });
      await peer.beats(seconds(1));
      const from = world.now();
      await peer.beats(seconds(20));
      const gaps = gapsOf(await peer.heard(), from);
      if (ms === 0) expectEqual("packets", gaps.length, 0);
      else {
        // RFC 5880 section 6.8.7: jitter takes up to a quarter away, and never adds.
        expectAtMost("milliseconds between packets", Math.max(...gaps), Number(ms) + 1);
        expectAtLeast("milliseconds between packets", Math.min(...gaps), Number(ms) * 0.75 - 1);
        expectAtLeast("different gaps", new Set(gaps.map((gap) => Math.round(gap))).size, 5);
      }
      expectTrue("BFD is up", await peer.isUp());
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-first-packets",
    title: "Before anybody answers, packets go out once a second with the greatest TTL, as a single hop's must",
    cites: ["F30"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes", "virtualTime"],
    async run(world) {
      const peer = await startBfd(world, { transmitInterval: 100, receiveInterval: 120, detectMultiplier: 4 });
      await passes(world, seconds(20));
      const datagrams = await peer.datagrams();
      const heard = await peer.heard();
      // RFC 5881 sections 4 and 5.
      expectEqual("TTLs", [...new Set(datagrams.map(({ ttl }) => ttl))], [255]);
      expectEqual("source ports", new Set(datagrams.map(({ from }) => from.port)).size, 1);
      expectAtLeast("source port", datagrams[0]?.from.port ?? 0, 49_152);
      const [first] = heard;
      const words = [first?.version, first?.state, first?.multiplier, first?.yours, first?.receive];
      expectEqual("what the first one says", words, [1, "down", 4, 0, 120_000]);
      // RFC 5880 section 6.8.3: no less than a second.
      expectAtLeast("transmit interval offered", first?.transmit ?? 0, 1_000_000);
      const gaps = gapsOf(heard, micros(0));
      expectAtLeast("milliseconds between packets", Math.min(...gaps), 749);
      expectAtMost("milliseconds between packets", Math.max(...gaps), 1001);
      await peer.end();
    },
  },
  {
    name: "bgp-input/bfd-passive",
    title: "A passive speaker says nothing until it is spoken to",
    cites: ["F31"],
    topology: "lan-3",
    needs: ["rawBgp", "rawDatagrams", "kubernetes"],
    async run(world) {
      const peer = await startBfd(world, { passiveMode: true });
      await passes(world, seconds(10));
      expectEqual("packets before", (await peer.heard()).length, 0);
      await peer.send({ state: "down" });
      await world.waitFor("the speaker says Init", async () => (await peer.last())?.state === "init", seconds(2));
      await peer.send({ state: "up" });
      await peer.beats(seconds(2));
      expectTrue("BFD is up", await peer.isUp());
      await peer.end();
    },
  },
];
