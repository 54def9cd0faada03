// The same race into routers of other projects: until their kernel has every route, with the speaker and with bytes computed
// before. Namespaces of its own hold the router and the node.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Bird, birdMissing } from "../../conformance/drivers/netns/bird.ts";
import { ipBatch, run } from "../../conformance/drivers/netns/command.ts";
import { Frr, frrMissing } from "../../conformance/drivers/netns/frr.ts";
import { addNamespaces, namespaceName, removeNamespaces } from "../../conformance/drivers/netns/namespaces.ts";
import { type RoutingSuite, type SuiteOptions } from "../../conformance/drivers/netns/routing-suite.ts";
import { ADDON } from "../../impl/adapters/linux/native.ts";
import { type Benchmark, type Result, type Skipped } from "./benchmark.ts";
import { type Sent } from "./bgp-agent.ts";
import { nodeIp, ROUTER_CONFIG, ROUTER_IP } from "./bgp-lan.ts";
import { median } from "./timing.ts";

const SERVICES = 10_000;
const ROUNDS = 3;
const AGENT = fileURLToPath(new URL("bgp-agent.ts", import.meta.url));
const ROUTER = namespaceName(0, "bench-router");
const NODE = namespaceName(0, "bench-node");
/** Of every route of a Service, as `ip` prints it. */
const SERVICE_ROUTE = "198.18.";
const LOOK_MS = 100;
const PATIENCE_MS = 30_000;
/** So that no news is lost while many routes change at once. */
const RECEIVE_BUFFER = ["-rcvbuf", "67108864"];

type Kind = "speaker" | "blast";

interface Race {
  readonly milliseconds: number;
  readonly bytes: number;
}

const inside = (namespace: string, ...command: readonly string[]): readonly string[] => [
  "netns",
  "exec",
  namespace,
  ...command,
];

async function installed(): Promise<number> {
  const routes = await run("ip", ["-n", ROUTER, "-4", "route", "show"]);
  return routes.split("\n").filter((line) => line.startsWith(SERVICE_ROUTE)).length;
}

async function untilEmpty(): Promise<void> {
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
    if ((await installed()) === 0) return;
    await sleep(LOOK_MS);
  }
  throw new Error(`${await installed()} routes are left`);
}

async function within<Value>(what: string, promise: Promise<Value>): Promise<Value> {
  const late = sleep(PATIENCE_MS, undefined, { ref: false }).then(() => {
    throw new Error(`${what}: nothing within ${PATIENCE_MS / 1000} s`);
  });
  return Promise.race([promise, late]);
}

/** Resolves with the time when the kernel has said of so many routes that they are new. */
function whenInstalled(monitor: ChildProcess): Promise<bigint> {
  const { promise, resolve } = Promise.withResolvers<bigint>();
  let count = 0;
  if (monitor.stdout !== null) {
    createInterface({ input: monitor.stdout }).on("line", (line) => {
      if (line.startsWith(SERVICE_ROUTE) && ++count === SERVICES) resolve(process.hrtime.bigint());
    });
  }
  return promise;
}

function whenSent(agent: ChildProcess): Promise<Sent> {
  const { promise, resolve } = Promise.withResolvers<Sent>();
  if (agent.stdout !== null) {
    createInterface({ input: agent.stdout }).on("line", (line) => {
      const sent: Sent = JSON.parse(line);
      resolve(sent);
    });
  }
  return promise;
}

async function race(kind: Kind): Promise<Race> {
  await untilEmpty();
  const watch = inside(ROUTER, "ip", ...RECEIVE_BUFFER, "-o", "monitor", "route");
  const monitor = spawn("ip", watch, { stdio: ["ignore", "pipe", "inherit"] });
  const act = inside(NODE, process.execPath, AGENT, kind, `${SERVICES}`);
  const agent = spawn("ip", act, { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const done = whenInstalled(monitor);
    const { at, bytes } = await within("a session", whenSent(agent));
    const milliseconds = Number((await within("the routes", done)) - BigInt(at)) / 1e6;
    const count = await installed();
    if (count !== SERVICES) throw new Error(`${count} of ${SERVICES} routes`);
    return { milliseconds, bytes };
  } finally {
    agent.kill("SIGKILL");
    monitor.kill("SIGKILL");
  }
}

async function build(): Promise<void> {
  await addNamespaces([ROUTER, NODE]);
  await ipBatch(undefined, [`link add eth1 netns ${ROUTER} type veth peer name eth0 netns ${NODE}`]);
  const up = (link: string, ip: string): readonly string[] => [
    `address add ${ip}/16 dev ${link}`,
    `link set ${link} up`,
    "link set lo up",
  ];
  await ipBatch(ROUTER, up("eth1", ROUTER_IP));
  await ipBatch(NODE, up("eth0", nodeIp(0)));
}

async function results(name: string, suiteOf: (options: SuiteOptions) => RoutingSuite): Promise<readonly Result[]> {
  await build();
  const suite = suiteOf({
    name: "router",
    namespace: ROUTER,
    config: ROUTER_CONFIG,
    nodeOf: () => undefined,
    onLine: () => {},
    onFailure: () => {},
  });
  try {
    await suite.start();
    const pairs: (readonly [Race, Race])[] = [];
    for (let round = 0; round < ROUNDS; round++) pairs.push([await race("speaker"), await race("blast")]);
    const row = (what: string, figure: keyof Race, unit: string): Result => ({
      benchmark: `BGP: 10,000 Services into ${name}, ${what}`,
      value: median(pairs.map(([ours]) => ours[figure])),
      unit,
      ratio: {
        value: median(pairs.map(([ours, bare]) => ours[figure] / bare[figure])),
        of: "to bytes computed before",
      },
    });
    return [row("until its kernel has all routes", "milliseconds", "ms"), row("bytes", "bytes", "")];
  } finally {
    await suite.kill();
    suite.abandon();
    await removeNamespaces([ROUTER, NODE]);
  }
}

function missing(): string | undefined {
  if (process.getuid?.() !== 0) return "namespaces need root";
  return existsSync(ADDON) ? undefined : 'the socket addon is not built: run "node scripts/build-native.ts"';
}

const SUITES = [
  { name: "FRR", lacks: frrMissing, suiteOf: (options: SuiteOptions) => new Frr(options) },
  { name: "BIRD", lacks: birdMissing, suiteOf: (options: SuiteOptions) => new Bird(options) },
];

export const bgpDaemons: Benchmark = {
  name: "bgp-daemons",
  run: async () => {
    const rows: (Result | Skipped)[] = [];
    for (const { name, lacks, suiteOf } of SUITES) {
      const notRun = missing() ?? lacks();
      if (notRun === undefined) rows.push(...(await results(name, suiteOf)));
      else rows.push({ benchmark: `BGP: 10,000 Services into ${name}`, notRun });
    }
    return rows;
  },
};
