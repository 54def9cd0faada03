import { encodeArp } from "../../../impl/wire/arp.ts";
import { encodeEthernet, ETHER_TYPES, type Ethernet } from "../../../impl/wire/ethernet.ts";
import { encodeIcmp6 } from "../../../impl/wire/icmp6.ts";
import {
  ALL_NODES,
  type Ip,
  type Ipv4,
  type Ipv6,
  isIpv4,
  isIpv6,
  parseIpv4,
  parseIpv6,
  solicitedNodeGroup,
} from "../../../impl/wire/ip.ts";
import { encodeIpv4, IP_PROTOCOLS } from "../../../impl/wire/ipv4.ts";
import { encodeIpv6 } from "../../../impl/wire/ipv6.ts";
import { BROADCAST, type Mac, multicastMac, ZERO_MAC } from "../../../impl/wire/mac.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { encodeUdp } from "../../../impl/wire/udp.ts";
import { expectAtLeast, expectEqual } from "../../expect.ts";
import { answering, BOTH_FAMILIES, passes, serving } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const MEMBERS_PORT = 7946;
const CLIENT_V4 = parseIpv4("192.0.2.201");
const CLIENT_V6 = parseIpv6("2001:db8:0:2::201");

/** Bytes that look random and are the same for the same seed. */
class Noise {
  #state: number;

  constructor(seed: string) {
    this.#state = Array.from(seed).reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 0x9e3779b9);
  }

  below(limit: number): number {
    // xorshift32 (Marsaglia).
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** `who has vip`, as the client would ask it, with one thing made different. */
function arpQuestion(vip: Ipv4, mac: Mac, change: Partial<Ethernet> = {}): Uint8Array {
  const request = {
    operation: "request",
    senderMac: mac,
    senderIp: CLIENT_V4,
    targetMac: ZERO_MAC,
    targetIp: vip,
  } as const;
  const payload = encodeArp(request);
  return encodeEthernet({ destination: BROADCAST, source: mac, etherType: ETHER_TYPES.arp, payload, ...change });
}

function ndpQuestion(vip: Ipv6, mac: Mac, change: { hopLimit?: number; destination?: Mac } = {}): Uint8Array {
  const group = solicitedNodeGroup(vip);
  const message = { kind: "neighborSolicitation", target: vip, sourceLinkLayer: mac } as const;
  const payload = encodeIpv6({
    source: CLIENT_V6,
    destination: group,
    nextHeader: IP_PROTOCOLS.icmp6,
    hopLimit: change.hopLimit ?? 255,
    trafficClass: 0,
    flowLabel: 0,
    payload: encodeIcmp6(message, CLIENT_V6, group),
  });
  const destination = change.destination ?? multicastMac(group);
  return encodeEthernet({ destination, source: mac, etherType: ETHER_TYPES.ipv6, payload });
}

function question(vip: Ip, mac: Mac): Uint8Array {
  if (isIpv4(vip)) return arpQuestion(vip, mac);
  if (isIpv6(vip)) return ndpQuestion(vip, mac);
  throw new Error(`${vip} is no address`);
}

function flipped(frame: Uint8Array, at: number): Uint8Array {
  const copy = frame.slice();
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

const responses = async (world: World, owner: string, vip: Ip): Promise<number> =>
  (await world.node(owner).metric(`metallb_layer2_responses_sent{ip="${vip}"}`)) ?? 0;

/** Frames that nodes dropped so far, all of them together. */
async function dropped(world: World, because: string): Promise<number> {
  const counts = await Promise.all(
    world.nodes.map((node) => world.node(node).metric(`assay_layer2_frames_dropped{because="${because}"}`)),
  );
  return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bad-input/truncated-questions",
    title: "Questions that end too early, wherever they end, are counted and not answered, and do no harm",
    cites: ["9", "F39"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const client = world.client();
      const whole = question(vip, client.mac);
      const before = { answers: await responses(world, owner, vip), malformed: await dropped(world, "malformed") };
      // What ends before the type of ICMPv6 does not get through the filter of a speaker's socket.
      const first = family === "ipv4" ? 14 : 55;
      for (let length = first; length < whole.length; length++) await client.send(whole.slice(0, length));
      await passes(world, seconds(1));
      expectEqual("answers to them", (await responses(world, owner, vip)) - before.answers, 0);
      // Each node hears each of them, but for groups that it has not joined.
      const nodes = family === "ipv4" ? world.nodes.length : 1;
      const counted = (await dropped(world, "malformed")) - before.malformed;
      expectAtLeast("frames counted as malformed", counted, nodes * (whole.length - first));
      expectEqual("who answers a whole one", await answering(client, vip), [owner]);
    },
  },
  {
    name: "bad-input/noise",
    title:
      "Hundreds of random frames of every protocol that a node listens to leave owner, members and clients as they are",
    cites: ["9"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const client = world.client();
      const noise = new Noise(world.seed);
      const types = [ETHER_TYPES.arp, ETHER_TYPES.ipv4, ETHER_TYPES.ipv6, ETHER_TYPES.vlan, 0x88cc];
      const targets = [BROADCAST, ...world.nodes.map((node) => world.node(node).macs.get("eth1") ?? BROADCAST)];
      for (let count = 0; count < 400; count++) {
        const destination = targets[noise.below(targets.length)] ?? BROADCAST;
        const etherType = types[noise.below(types.length)] ?? 0;
        const payload = noise.bytes(noise.below(120));
        await client.send(encodeEthernet({ destination, source: client.mac, etherType, payload }));
        if (count % 20 === 0) await passes(world, seconds(0.01));
      }
      await passes(world, seconds(5));
      expectAtLeast("frames counted as malformed", await dropped(world, "malformed"), 50);
      expectEqual("who answers", await answering(client, vip), [owner]);
      expectEqual("a request", (await client.request({ vip })).outcome, "ok");
      for (const node of world.nodes) {
        expectEqual(`members that ${node} knows`, (await world.node(node).members()).length, world.nodes.length);
      }
    },
  },
  {
    name: "bad-input/members-port",
    title:
      "Datagrams without sense at the members' port, and those that stop half-way, change nobody's mind about anybody",
    cites: ["9"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      const client = world.client();
      const noise = new Noise(world.seed);
      for (const [index, node] of world.nodes.entries()) {
        const destination = parseIpv4(`192.0.2.${11 + index}`);
        for (let count = 0; count < 100; count++) {
          // The first byte is the kind of a message: 0 to 13 are known, 9 is compressed, 12 has a checksum.
          const bytes = Uint8Array.of(count % 16, ...noise.bytes(noise.below(200)));
          const udp = { sourcePort: 40_000, destinationPort: MEMBERS_PORT, payload: bytes };
          const packet = {
            source: CLIENT_V4,
            destination,
            protocol: IP_PROTOCOLS.udp,
            ttl: 64,
            tos: 0,
            identification: count,
            dontFragment: true,
            payload: encodeUdp(udp, CLIENT_V4, destination),
          };
          const mac = world.node(node).macs.get("eth1") ?? BROADCAST;
          const etherType = ETHER_TYPES.ipv4;
          await client.send(
            encodeEthernet({ destination: mac, source: client.mac, etherType, payload: encodeIpv4(packet) }),
          );
        }
      }
      await passes(world, seconds(10));
      for (const node of world.nodes) {
        expectEqual(`members that ${node} knows`, await world.node(node).members(), [...world.nodes].sort());
      }
      expectEqual("who answers", await answering(client, vip), [owner]);
    },
  },
  {
    name: "bad-input/improper-arp",
    title: "ARP requests that break the rules or belong to somebody else's VLAN are not answered",
    cites: ["9", "RFC 826"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      if (!isIpv4(vip)) throw new Error(`${vip} is not IPv4`);
      const { mac } = world.client();
      const proper = arpQuestion(vip, mac);
      const other = world.nodes.find((node) => node !== owner) ?? "";
      const stranger = world.node(other).macs.get("eth1") ?? BROADCAST;
      const improper: readonly (readonly [string, Uint8Array])[] = [
        ["another hardware type", flipped(proper, 15)],
        ["another protocol type", flipped(proper, 16)],
        ["another length of MACs", flipped(proper, 18)],
        ["another length of addresses", flipped(proper, 19)],
        ["an operation that nobody knows", flipped(proper, 21)],
        ["the tag of a VLAN", arpQuestion(vip, mac, { vlan: { priority: 0, id: 7 } })],
        ["a multicast destination", arpQuestion(vip, mac, { destination: multicastMac(ALL_NODES) })],
        ["another node's destination", arpQuestion(vip, mac, { destination: stranger })],
      ];
      for (const [what, frame] of improper) {
        const before = await responses(world, owner, vip);
        await world.client().send(frame);
        await passes(world, seconds(0.1));
        expectEqual(`answers to ${what}`, (await responses(world, owner, vip)) - before, 0);
      }
      const before = await responses(world, owner, vip);
      await world.client().send(proper);
      await passes(world, seconds(0.1));
      expectEqual("answers to a proper one", (await responses(world, owner, vip)) - before, 1);
    },
  },
  {
    name: "bad-input/improper-ndp",
    title: "Neighbour solicitations from beyond a router, or with a wrong checksum, are not answered",
    cites: ["9", "RFC 4861 7.1.1"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    async run(world) {
      const { vip, owner } = await serving(world, "web", { family: "ipv6" });
      if (!isIpv6(vip)) throw new Error(`${vip} is not IPv6`);
      const { mac } = world.client();
      const proper = ndpQuestion(vip, mac);
      const improper: readonly (readonly [string, Uint8Array])[] = [
        ["a hop limit of 254", ndpQuestion(vip, mac, { hopLimit: 254 })],
        ["a wrong checksum", flipped(proper, 56)],
        ["a code that is not 0", flipped(proper, 55)],
        ["another version", flipped(proper, 14)],
        ["an option of no length", Uint8Array.from([...proper.slice(0, 79), 0, ...proper.slice(80)])],
      ];
      for (const [what, frame] of improper) {
        const before = await responses(world, owner, vip);
        await world.client().send(frame);
        await passes(world, seconds(0.1));
        expectEqual(`answers to ${what}`, (await responses(world, owner, vip)) - before, 0);
      }
      const before = await responses(world, owner, vip);
      await world.client().send(proper);
      await passes(world, seconds(0.1));
      expectEqual("answers to a proper one", (await responses(world, owner, vip)) - before, 1);
    },
  },
];
