import { SimCluster } from "../../conformance/drivers/sim/cluster.ts";
import { findTopology } from "../../conformance/topology/find.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { type World } from "../../sim/create-world.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { memberLan } from "./member-lan.ts";
import { median, processorTime } from "./timing.ts";

interface Subject {
  readonly name: string;
  readonly build: () => World;
  /** Simulated seconds until everybody has probed many others, and states are exchanged in the rhythm of a large cluster. */
  readonly settle: number;
  /** Simulated seconds in one round. */
  readonly round: number;
  readonly aim: number;
}

const ROUNDS = 5;

/** Everything that a scenario has: controller, speakers and their watches at an API server. */
function cluster(topology: string): World {
  const built = new SimCluster(findTopology(topology), {
    seed: "1",
    shuffle: false,
    capture: false,
    lines: 0,
    settings: {},
  });
  built.boot();
  return built.sim;
}

const SUBJECTS: readonly Subject[] = [
  { name: "3 nodes, whole cluster", build: () => cluster("lan-3"), settle: 120, round: 1000, aim: 5000 },
  { name: "100 nodes, whole cluster", build: () => cluster("lan-100"), settle: 120, round: 40, aim: 200 },
  { name: "1,000 nodes, membership alone", build: () => memberLan(1000), settle: 32, round: 3, aim: 20 },
];

function advance({ scheduler }: World, by: number): void {
  scheduler.advance(plus(scheduler.now, seconds(by)));
}

function run({ name, build, settle, round, aim }: Subject): readonly Result[] {
  const world = build();
  advance(world, settle);
  let frames = 0;
  using _count = world.onFrame(() => frames++);
  const times = Array.from({ length: ROUNDS }, () => processorTime(() => advance(world, round)));
  const benchmark = `membership: ${name}`;
  return [
    {
      benchmark,
      value: round / (median(times) / 1000),
      unit: "simulated s per s",
      aim: { of: "value", atLeast: aim },
    },
    { benchmark: `${benchmark}: frames`, value: frames / (ROUNDS * round), unit: "per simulated s" },
  ];
}

export const membership: Benchmark = { name: "membership", run: () => SUBJECTS.flatMap(run) };
