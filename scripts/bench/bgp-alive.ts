// Clusters whose sessions of BGP and BFD are up and stay so.
import { bgpService } from "../../conformance/bgp-steps.ts";
import { createObject } from "../../conformance/drivers/boot-objects.ts";
import { SimCluster } from "../../conformance/drivers/sim/cluster.ts";
import { bfdProfile } from "../../conformance/objects.ts";
import { findTopology } from "../../conformance/topology/find.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { type CapturedFrame } from "../../sim/capture.ts";
import { type World } from "../../sim/create-world.ts";
import { type Router } from "../../sim/router/router.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { bgpLan, ROUTER_IP } from "./bgp-lan.ts";
import { BgpProcess } from "./bgp-process.ts";
import { bgpSpeakerOf, peerOf } from "./bgp-speaker-of.ts";
import { median, processorTime } from "./timing.ts";

interface Lan {
  readonly world: World;
  readonly router: Router;
}

interface Subject {
  readonly name: string;
  readonly nodes: number;
  readonly build: () => Lan;
  /** Simulated seconds until every session is up. */
  readonly settle: number;
  /** Simulated seconds in one round. */
  readonly round: number;
}

const ROUNDS = 3;

/** Everything that a scenario has, one Service, and BFD at 300 ms. */
function cluster(topology: string): Lan {
  const settings = { seed: "1", shuffle: false, capture: false, lines: 0, settings: {} };
  const built = new SimCluster(findTopology(topology), settings);
  built.boot();
  const objects = [bfdProfile("fast"), ...bgpService("web", { peer: { bfdProfile: "fast" } })];
  for (const object of objects) createObject(built.controlPlane, object);
  return { world: built.sim, router: built.router("router") };
}

function sessionsAlone(nodes: number): Lan {
  return bgpLan(nodes, (_index, world, name) => {
    const speaker = bgpSpeakerOf(0, [peerOf("router", ROUTER_IP, "fast")], world.random(name));
    return new BgpProcess(speaker);
  });
}

const SUBJECTS: readonly Subject[] = [
  { name: "3 nodes, whole cluster", nodes: 3, build: () => cluster("bgp-one-router"), settle: 60, round: 60 },
  { name: "40 nodes, whole cluster", nodes: 40, build: () => cluster("bgp-40-nodes"), settle: 60, round: 6 },
  { name: "100 nodes, sessions alone", nodes: 100, build: () => sessionsAlone(100), settle: 12, round: 4 },
  { name: "1,000 nodes, sessions alone", nodes: 1000, build: () => sessionsAlone(1000), settle: 12, round: 0.6 },
];

function advance({ scheduler }: World, by: number): void {
  scheduler.advance(plus(scheduler.now, seconds(by)));
}

/** UDP to port 3784 (RFC 5881 section 4) over IPv4. */
function isBfd({ bytes }: CapturedFrame): boolean {
  return bytes[12] === 0x08 && bytes[13] === 0x00 && bytes[23] === 17 && bytes[36] === 0x0e && bytes[37] === 0xc8;
}

function requireUp({ router }: Lan, nodes: number): void {
  const established = router.neighbors().filter(({ state }) => state === "established").length;
  const up = router.bfdPeers().filter(({ state }) => state === "up").length;
  if (established !== nodes || up !== nodes) throw new Error(`${established} and ${up} of ${nodes} sessions are up`);
}

function run({ name, nodes, build, settle, round }: Subject): readonly Result[] {
  const lan = build();
  advance(lan.world, settle);
  requireUp(lan, nodes);
  let packets = 0;
  using _count = lan.world.onFrame((frame) => (packets += isBfd(frame) ? 1 : 0));
  const times = Array.from({ length: ROUNDS }, () => processorTime(() => advance(lan.world, round)));
  requireUp(lan, nodes);
  const perSecond = round / (median(times) / 1000);
  const perSimulated = packets / (ROUNDS * round);
  const benchmark = `BGP and BFD: ${name}`;
  return [
    { benchmark, value: perSecond, unit: "simulated s per s" },
    { benchmark: `${benchmark}: BFD packets`, value: perSimulated, unit: "per simulated s" },
    { benchmark: `${benchmark}: BFD packets in real time`, value: perSimulated * perSecond, unit: "per s" },
  ];
}

export const bgpAlive: Benchmark = { name: "bgp-alive", run: () => SUBJECTS.flatMap(run) };
