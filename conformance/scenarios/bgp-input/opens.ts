// RFC 4271 section 6.2, RFC 5492, RFC 6286, RFC 6793, RFC 7607, RFC 9072: OPENs that are wrong, and some that only look so.
import { seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectAtMost, expectEqual } from "../../expect.ts";
import { CLUSTER_ASN, type PeerSpec, ROUTER_ASN } from "../../objects.ts";
import {
  capability,
  fourOctetAs,
  IPV4_UNICAST,
  KEEPALIVE,
  message,
  nameOf,
  octets,
  type Octets,
  open,
  type OpenFields,
  PARAMETERS,
  parameters,
  ROUTE_REFRESH,
  u16,
} from "../../raw-messages.ts";
import { dialled, established, lastWord, startRaw, stayingAlive, stillUp, warned, wordsOn } from "../../raw-session.ts";
import { passes } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

const AS_TRANS = 23_456;
const CAPABILITIES: readonly Octets[] = [IPV4_UNICAST, ROUTE_REFRESH, fourOctetAs(ROUTER_ASN)];
/** The first node's address, which is its identifier too. */
const OWN_IDENTIFIER: Octets = [192, 0, 2, 11];

/** RFC 9072 section 2: 255 as length and as type, then lengths of two bytes. */
function extended(capabilities: readonly Octets[], length = 255): Octets {
  const value = capabilities.flat();
  return [length, 255, ...u16(value.length + 3), 2, ...u16(value.length), ...value];
}

/** As some implementations send them. */
function oneEach(capabilities: readonly Octets[]): Octets {
  const value = capabilities.flatMap((each) => [2, each.length, ...each]);
  return [value.length, ...value];
}

interface Refused {
  readonly open: OpenFields;
  /** The NOTIFICATION, and its name in the registry. */
  readonly answer: string;
  readonly named: string;
  readonly peer?: PeerSpec;
}

const refused = (answer: string, named: string, fields: OpenFields, peer?: PeerSpec): Refused => ({
  open: fields,
  answer: `notification ${answer}`,
  named: `OPEN Message Error/${named}`,
  ...(peer === undefined ? {} : { peer }),
});
const unspecific = (parameterBytes: Octets): Refused => refused("2/0", "Unspecific", { parameters: parameterBytes });
const badAs = (fields: OpenFields): Refused => refused("2/2", "Bad Peer AS", fields);

const REFUSED: Readonly<Record<string, Refused>> = {
  "version-3": refused("2/1 0004", "Unsupported Version Number", { version: 3 }),
  "version-5": refused("2/1 0004", "Unsupported Version Number", { version: 5 }),
  "hold-time-1": refused("2/6", "Unacceptable Hold Time", { holdTime: 1 }),
  "hold-time-2": refused("2/6", "Unacceptable Hold Time", { holdTime: 2 }),
  "identifier-0": refused("2/3", "Bad BGP Identifier", { identifier: [0, 0, 0, 0] }),
  "our-identifier-within-the-as": refused(
    "2/3",
    "Bad BGP Identifier",
    { myAs: CLUSTER_ASN, identifier: OWN_IDENTIFIER, parameters: parameters(IPV4_UNICAST, fourOctetAs(CLUSTER_ASN)) },
    { peerASN: CLUSTER_ASN },
  ),
  "another-as": badAs({ myAs: 64_999, parameters: parameters(IPV4_UNICAST, fourOctetAs(64_999)) }),
  "another-as-in-four-octets": badAs({ parameters: parameters(IPV4_UNICAST, fourOctetAs(4_200_000_000)) }),
  "as-trans-alone": badAs({ myAs: AS_TRANS, parameters: parameters(IPV4_UNICAST) }),
  "as-0": badAs({ myAs: 0, parameters: parameters(IPV4_UNICAST) }),
  "as-0-in-four-octets": badAs({ parameters: parameters(IPV4_UNICAST, fourOctetAs(0)) }),
  "unknown-parameter": refused("2/4", "Unsupported Optional Parameter", { parameters: [3, 1, 1, 0] }),
  // RFC 5492 section 5: the data is the capability that is missed.
  "another-family": refused("2/7 010400010001", "Unsupported Capability", {
    parameters: parameters(capability(1, 0, 2, 0, 1), fourOctetAs(ROUTER_ASN)),
  }),
  "capability-longer-than-its-parameter": unspecific([4, 2, 2, 65, 4]),
  "capability-without-its-length": unspecific([3, 2, 1, 65]),
  "parameter-longer-than-all": unspecific([4, 2, 6, 65, 4]),
  "parameters-longer-than-the-message": unspecific([20, 2, 6, 65, 4, 0, 0, 0xfb, 0xf5]),
  "bytes-behind-the-parameters": unspecific([...PARAMETERS, 0, 0, 0]),
  "no-parameters-and-bytes-behind": unspecific([0, 2, 0]),
  "family-of-three-bytes": unspecific(parameters(capability(1, 0, 1, 0), fourOctetAs(ROUTER_ASN))),
  "four-octet-as-of-two": unspecific(parameters(IPV4_UNICAST, capability(65, 0xfb, 0xf5))),
  "restart-of-one-byte": unspecific(parameters(IPV4_UNICAST, capability(64, 0))),
};

/** OPENs that a speaker has to live with. */
const ACCEPTED: Readonly<Record<string, OpenFields>> = {
  "extended-length": { parameters: extended(CAPABILITIES) },
  "extended-length-behind-another-length": { parameters: extended(CAPABILITIES, 1) },
  "no-parameters": { parameters: [0] },
  "one-parameter-each": {
    parameters: oneEach(CAPABILITIES),
  },
  "255-unknown-capabilities": {
    parameters: extended([...CAPABILITIES, ...Array.from({ length: 255 }, (_, index) => capability(200, index))]),
  },
  "unknown-capability-of-255-bytes": { parameters: extended([...CAPABILITIES, capability(128, ...octets(255, 0xff))]) },
  "the-last-as-counts": { parameters: parameters(IPV4_UNICAST, fourOctetAs(64_999), fourOctetAs(ROUTER_ASN)) },
  "everything-twice": { parameters: parameters(...CAPABILITIES, ...CAPABILITIES) },
  "host-name-that-is-no-text": { parameters: parameters(...CAPABILITIES, capability(73, 2, 0xff, 0xfe, 1, 0x80)) },
  // RFC 6286 section 2.1: unique within an AS only.
  "our-identifier-in-another-as": { identifier: OWN_IDENTIFIER },
  "hold-time-3": { holdTime: 3 },
};

const names = (table: Readonly<Record<string, unknown>>): readonly { readonly name: string }[] =>
  Object.keys(table).map((name) => ({ name }));

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-input/open-refused",
    title: "An OPEN that is wrong is answered with what is wrong about it, people hear of it, and attempts become rare",
    cites: ["F9", "F10", "F11"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "resources", "virtualTime"],
    variants: names(REFUSED),
    async run(world, { name }) {
      const wrong = REFUSED[name];
      if (wrong === undefined) throw new Error(`there is no OPEN ${name}`);
      const { peer } = wrong;
      const greet = [open(wrong.open), KEEPALIVE];
      const session = await startRaw(world, { greet, ...(peer === undefined ? {} : { peer }) });
      expectEqual("the answer", await lastWord(session), wrong.answer);
      await warned(session, "SessionFailed", wrong.named);
      const [first] = await session.raw.connections();
      expectEqual("what it said", first === undefined ? [] : wordsOn(first), ["open", wrong.answer]);
      await passes(world, seconds(60));
      const all = await session.raw.connections();
      // After rests of 1, 2, 4, 8, 16 and 30 s, from each of which jitter may take a quarter.
      expectAtLeast("attempts within a minute", all.length, 6);
      expectAtMost("attempts within a minute", all.length, 8);
      const answers = new Set(all.filter(({ closed }) => closed !== undefined).map((each) => wordsOn(each).at(-1)));
      expectEqual("all answers", [...answers], [wrong.answer]);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/open-truncated",
    title: "An OPEN that ends too early, wherever it ends, is answered, and the next whole one is taken",
    cites: ["F9"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "resources", "virtualTime"],
    variants: [
      { name: "plain", long: false },
      { name: "extended-length", long: true },
    ],
    async run(world, { long = false }) {
      const whole = open({ parameters: long === true ? extended(CAPABILITIES) : PARAMETERS });
      const session = await startRaw(world);
      const { raw, node } = session;
      let number = 0;
      const streams: (number | undefined)[] = [];
      for (let length = 19; length < whole.length; length++) {
        number += 1;
        await dialled(session, number, seconds(40));
        await raw.send(message(1, [...whole.subarray(19, length)]));
        // RFC 4271 section 6.1: an OPEN has at least 29 bytes, and the data is the length that was wrong.
        const answer = length < 29 ? `1/2 00${length.toString(16)}` : "2/0";
        expectEqual(`the answer to ${length} bytes`, await lastWord(session, number), `notification ${answer}`);
        streams.push((await node.resources())["streams"]);
      }
      expectEqual("streams that stay open", new Set(streams).size, 1);
      await dialled(session, number + 1, seconds(40));
      await raw.send(whole);
      await raw.send(KEEPALIVE);
      await established(session, number + 1);
      await raw.end();
    },
  },
  {
    name: "bgp-input/open-odd",
    title: "An OPEN that is merely unusual makes a session",
    cites: ["F9", "F11"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    variants: names(ACCEPTED),
    async run(world, { name }) {
      const fields = ACCEPTED[name];
      if (fields === undefined) throw new Error(`there is no OPEN ${name}`);
      const session = await startRaw(world, { greet: [open(fields), KEEPALIVE] });
      await established(session);
      if (fields.holdTime === 3) for (let each = 0; each < 60; each++) await stayingAlive(session, seconds(1));
      else await stillUp(session);
      const all = await session.raw.connections();
      expectEqual("connections", all.length, 1);
      const opened = all[0]?.messages[0]?.bytes ?? new Uint8Array();
      expectEqual("the speaker's first word", nameOf(opened), "open");
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/open-with-long-hold-time",
    title: "A peer that would bear silence for hours is not granted it: our hold time is the lesser, and counts",
    cites: ["F10", "F24"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    async run(world) {
      const session = await startRaw(world, { greet: [open({ holdTime: 65_535 }), KEEPALIVE] });
      await established(session);
      const from = world.now();
      expectEqual("the last word", await lastWord(session, 1, seconds(190)), "notification 4/0");
      // Upstream's default.
      expectEqual("seconds", Math.round((world.now() - from) / seconds(1)), 180);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/open-without-hold-time",
    title: "With a hold time of 0 nobody has to say anything, and nobody does",
    cites: ["F10", "F24"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    async run(world) {
      const session = await startRaw(world, { greet: [open({ holdTime: 0 }), KEEPALIVE] });
      await established(session);
      await passes(world, seconds(900));
      const all = await session.raw.connections();
      expectEqual("connections", all.length, 1);
      expectEqual("what it said", all.flatMap(wordsOn), ["open", "keepalive", "endOfRib"]);
      await session.raw.end();
    },
  },
];
