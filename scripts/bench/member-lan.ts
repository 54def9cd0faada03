// Speakers on one switch, as far as membership goes: simulated kernels, real frames, the shipped membership core. They know
// each other from the start: what is timed is a cluster that has run for a day, not its first minute.
import { type Effect, type Endpoint, type Input, type Instant, type Process } from "../../impl/ports.ts";
import { Runner } from "../../impl/shell/runner.ts";
import { LAN } from "../../impl/speaker/members/config.ts";
import { Members, type MembersOptions } from "../../impl/speaker/members/members.ts";
import { ipFromBigInt, parseIp } from "../../impl/wire/ip.ts";
import { macFromBytes, type Mac } from "../../impl/wire/mac.ts";
import { COMPOUND_LIMIT, encodeCompound, encodeMembers } from "../../impl/wire/members.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../../sim/create-world.ts";
import { connect } from "../../sim/ethernet/cable.ts";
import { Switch } from "../../sim/ethernet/switch.ts";
import { Host } from "../../sim/host/host.ts";
import { type HostProcess } from "../../sim/host/process-ports.ts";

const FIRST_ADDRESS = 0x0a00_0001n;
const PREFIX_LENGTH = 16;
const PORT = 7946;
/** Linux keeps 128 neighbours without a second thought and at most 1,024: so large a segment is always told to keep more. */
const NEIGHBOURS = 16_384;
const NOBODY: Endpoint = { ip: parseIp("192.0.2.1"), port: PORT };
const NO_API = { request: () => {}, abort: () => {} };

interface Node {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly mac: Mac;
}

/** The membership core alone as a process: a speaker without Services. */
class MemberProcess implements Process {
  readonly #members: Members;
  readonly #introductions: readonly Uint8Array[];

  constructor(options: MembersOptions, introductions: readonly Uint8Array[], now: Micros) {
    this.#members = new Members(options, now);
    this.#introductions = introductions;
  }

  handle(input: Input, { monotonic: now }: Instant): readonly Effect[] {
    switch (input.kind) {
      case "started":
        return this.#start(now);
      case "wake":
        return this.#members.wake(now).effects;
      case "datagram":
      case "accepted":
      case "streamOpened":
      case "streamData":
      case "streamClosed":
        return this.#members.handle(input, now).effects;
      default:
        return [];
    }
  }

  /** What the introductions make this node say is not sent: everybody else has heard them too. */
  #start(now: Micros): readonly Effect[] {
    const { effects } = this.#members.start();
    for (const bytes of this.#introductions) {
      this.#members.handle({ kind: "datagram", socket: "members", from: NOBODY, bytes }, now);
    }
    return effects;
  }

  deadline(): Micros | undefined {
    return this.#members.deadline();
  }
}

function nodesOf(count: number): readonly Node[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `node-${String(index).padStart(4, "0")}`,
    endpoint: { ip: ipFromBigInt(FIRST_ADDRESS + BigInt(index), "ipv4"), port: PORT },
    mac: macFromBytes(Uint8Array.of(2, 0, 0, 0, index >>> 8, index)),
  }));
}

/** Everybody, as a few packets of news. */
function introductionsOf(nodes: readonly Node[]): readonly Uint8Array[] {
  const messages = nodes.map(({ name: node, endpoint: { ip: address, port } }) =>
    encodeMembers({ kind: "alive", node, address, port, incarnation: 1, meta: NO_BYTES, versions: VERSIONS }),
  );
  const packets: Uint8Array[] = [];
  for (let from = 0; from < messages.length; from += COMPOUND_LIMIT) {
    packets.push(encodeCompound(messages.slice(from, from + COMPOUND_LIMIT)));
  }
  return packets;
}

const NO_BYTES = new Uint8Array(0);
/** What every node says that it speaks. */
const VERSIONS = [1, 5, 2, 0, 0, 0];

function hostOf(world: World, node: Node, nodes: readonly Node[]): Host {
  const host = new Host(world, { name: node.name });
  host.sysctl("net.ipv4.neigh.default.gc_thresh1", NEIGHBOURS);
  host.sysctl("net.ipv4.neigh.default.gc_thresh3", NEIGHBOURS);
  host.addInterface({ name: "eth0", mac: node.mac });
  host.addAddress("eth0", { ip: node.endpoint.ip, length: PREFIX_LENGTH });
  const { table } = host.interface("eth0").arp;
  for (const { endpoint, mac } of nodes) {
    if (mac !== node.mac) table.learn(endpoint.ip, { mac, as: "stale", override: "always" }, true);
  }
  return host;
}

/** A world in which `count` members probe each other. */
export function memberLan(count: number): World {
  const world = createWorld({ seed: "members" });
  const sw = new Switch(world, "sw");
  const nodes = nodesOf(count);
  const introductions = introductionsOf(nodes);
  for (const node of nodes) {
    const { name, endpoint } = node;
    const host = hostOf(world, node, nodes);
    const socket = { device: host.interface("eth0").device, port: "eth0", name };
    const cable = connect(world, socket, { device: sw, port: name, name: "sw" });
    host.plug("eth0", cable.a);
    sw.plug(name, cable.b);
    // News is sent once: there is none but what everybody knows.
    const config = { ...LAN, retransmitMult: 0 };
    const options = { name, endpoint, config, random: world.random(name) };
    const process = new MemberProcess(options, introductions, world.scheduler.now);
    const ports: HostProcess = host.openPorts(name, (input) => runner.deliver(input), NO_API);
    const runner = new Runner(process, ports);
    ports.start();
  }
  return world;
}
