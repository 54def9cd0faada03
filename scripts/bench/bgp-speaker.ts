// What Services cost a speaker of BGP: all of them at once, and one that changes among many.
import { encodeKeepalive } from "../../impl/wire/bgp/keepalive.ts";
import { encodeOpen } from "../../impl/wire/bgp/open.ts";
import { ipFromBigInt, parseIp, parseIpv4 } from "../../impl/wire/ip.ts";
import { seconds } from "../../impl/wire/time.ts";
import { type SpeakerEffect } from "../../impl/speaker/protocol.ts";
import { type Speaker } from "../../impl/speaker/speaker.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { bgpSpeakerOf, keyOf, NOT_READY, NOW, peerOf, READY, ROUTER_ASN, serviceAt } from "./bgp-speaker-of.ts";
import { compare, draws, median, processorTime } from "./timing.ts";

const MANY = 10_000;
const FEW = 10;
const PEERS = 100;
const ROUNDS = 3;
const LOCAL = { ip: parseIp("192.0.2.11"), port: 40_000 };
const FIRST_PEER = 0xc000_0301n;

const OPEN = encodeOpen({
  kind: "open",
  asn: ROUTER_ASN,
  holdTime: seconds(180),
  bgpIdentifier: parseIpv4("192.0.2.1"),
  capabilities: [
    { kind: "multiprotocol", afi: 1, safi: 1 },
    { kind: "fourOctetAs", asn: ROUTER_ASN },
  ],
});
const KEEPALIVE = encodeKeepalive();

/** What went to peers. */
interface Written {
  messages: number;
  bytes: number;
}

function count(effects: readonly SpeakerEffect[], written: Written): void {
  for (const effect of effects) {
    if (effect.kind !== "write") continue;
    written.messages++;
    written.bytes += effect.bytes.length;
  }
}

const peersOf = (howMany: number) =>
  Array.from({ length: howMany }, (_, at) => peerOf(`tor${at}`, ipFromBigInt(FIRST_PEER + BigInt(at), "ipv4")));

/** Every peer takes the call. Counts what is written from its last word before the session is up. */
function bringUp(speaker: Speaker): Written {
  const written: Written = { messages: 0, bytes: 0 };
  for (const dial of speaker.start(NOW)) {
    if (dial.kind !== "connect") continue;
    const { stream, to } = dial;
    speaker.handle({ kind: "streamOpened", stream, local: LOCAL, remote: to }, NOW);
    speaker.handle({ kind: "streamData", stream, bytes: OPEN }, NOW);
    count(speaker.handle({ kind: "streamData", stream, bytes: KEEPALIVE }, NOW), written);
  }
  return written;
}

interface Cold extends Written {
  readonly milliseconds: number;
}

/** From the start, at which every Service is judged, to the last message. */
function cold(services: number, peers: number): Cold {
  const rounds = Array.from({ length: ROUNDS + 1 }, (): Cold => {
    const speaker = bgpSpeakerOf(services, peersOf(peers));
    let written: Written = { messages: 0, bytes: 0 };
    const milliseconds = processorTime(() => (written = bringUp(speaker)));
    return { ...written, milliseconds };
  }).slice(1);
  const [{ messages, bytes } = { messages: 0, bytes: 0 }] = rounds;
  return { messages, bytes, milliseconds: median(rounds.map((round) => round.milliseconds)) };
}

const CHANGES = 6_000;
/** Few enough for the caches of the processor. */
const HOT = 100;

type Change = (speaker: Speaker, index: number) => readonly SpeakerEffect[];

/** Its last endpoint goes. */
const endpointsGo: Change = (speaker, index) => speaker.setEndpoints(keyOf(index), `s${index}`, NOT_READY, NOW);
const endpointsCome: Change = (speaker, index) => speaker.setEndpoints(keyOf(index), `s${index}`, READY, NOW);
const serviceGoes: Change = (speaker, index) => speaker.setService(keyOf(index), undefined, NOW);
const serviceComes: Change = (speaker, index) => speaker.setService(keyOf(index), serviceAt(index), NOW);

interface Changing {
  readonly services: number;
  readonly peers?: number;
  /** Of the Services, so many are those that change. */
  readonly among?: number;
  readonly changes?: number;
}

/** One Service after the other changes and changes back; every peer must hear of each change. */
function changing(
  { services, peers = 1, among = services, changes = CHANGES }: Changing,
  [there, back]: readonly [Change, Change],
): () => void {
  const speaker = bgpSpeakerOf(services, peersOf(peers));
  bringUp(speaker);
  const draw = draws();
  return () => {
    const written: Written = { messages: 0, bytes: 0 };
    for (let change = 0; change < changes; change += 2) {
      const index = draw(among);
      count(there(speaker, index), written);
      count(back(speaker, index), written);
    }
    if (written.messages !== changes * peers) throw new Error(`${written.messages} messages of ${changes} changes`);
  };
}

const ENDPOINTS = [endpointsGo, endpointsCome] as const;
const SERVICE = [serviceGoes, serviceComes] as const;

function change(what: string, among: number, pair: readonly [Change, Change]): Result {
  const many = changing({ services: MANY, among }, pair);
  const { one, ratio } = compare(many, changing({ services: FEW }, pair), { rounds: ROUNDS });
  return {
    benchmark: `BGP: ${what} among 10,000, ${among === MANY ? "any" : among} of them change`,
    value: (one / CHANGES) * 1000,
    unit: "µs",
    ratio: { value: ratio, of: "to one among 10" },
    aim: { of: "ratio", atMost: 1.2 },
  };
}

function announcing(): readonly Result[] {
  const one = cold(MANY, 1);
  const all = cold(MANY, PEERS);
  return [
    { benchmark: "BGP: 10,000 Services announced to 1 peer", value: one.milliseconds, unit: "ms" },
    { benchmark: "BGP: the same, messages", value: one.messages, unit: "" },
    { benchmark: "BGP: the same, bytes", value: one.bytes, unit: "" },
    {
      benchmark: "BGP: 10,000 Services announced to 100 peers, for each peer",
      value: all.milliseconds / PEERS,
      unit: "ms",
      ratio: { value: all.milliseconds / PEERS / one.milliseconds, of: "to that with 1" },
      aim: { of: "ratio", atMost: 1 },
    },
  ];
}

function toManyPeers(): Result {
  const { one, ratio } = compare(
    changing({ services: MANY, peers: PEERS, changes: CHANGES / PEERS }, ENDPOINTS),
    changing({ services: MANY }, ENDPOINTS),
    { rounds: ROUNDS },
  );
  return {
    benchmark: "BGP: a Service's endpoints go or come, 100 peers, for each peer",
    value: (one / CHANGES) * 1000,
    unit: "µs",
    // As many messages on either side.
    ratio: { value: ratio, of: "to that with 1" },
    aim: { of: "ratio", atMost: 1 },
  };
}

export const bgpSpeaker: Benchmark = {
  name: "bgp-speaker",
  run: () => [
    ...announcing(),
    change("a Service goes or comes", MANY, SERVICE),
    change("a Service's endpoints go or come", HOT, ENDPOINTS),
    change("a Service's endpoints go or come", MANY, ENDPOINTS),
    toManyPeers(),
  ],
};
