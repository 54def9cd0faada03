// Asks this machine's kernel where it sends flows over several next hops, in a network namespace of its own, and writes its
// answers to sim/host/golden/linux-multipath.json; with --check it only says whether they are the same. Needs root, iproute2,
// and Linux 6.11 for a hash seed that can be set.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const FILE = "sim/host/golden/linux-multipath.json";
const NAMESPACE = `assay-multipath-${process.pid}`;
const SEED = 4242;
const FLOWS = 400;
const SIZES = [3, 4, 5, 8, 16];
/** For a next hop of each family: its id in the kernel is that number. */
const FIRST_ID = { ipv4: 0, ipv6: 1000 } as const;
const GROUP = 5000;
/** Longer than the questions of one case take. */
const IDLE_SECONDS = 4;

type Family = keyof typeof FIRST_ID;

const ADDRESSES = {
  ipv4: { flag: "-4", vip: "192.0.2.10", route: "192.0.2.10/32", via: (index: number) => `10.9.0.${index + 2}` },
  ipv6: {
    flag: "-6",
    vip: "fd02::10",
    route: "fd02::10/128",
    via: (index: number) => `fd09::${(index + 2).toString(16)}`,
  },
} as const;

function ip(...words: readonly string[]): string {
  return execFileSync("ip", ["-n", NAMESPACE, ...words], { encoding: "utf8" });
}

function inside(script: string): void {
  execFileSync("ip", ["netns", "exec", NAMESPACE, "sh", "-ec", script]);
}

const SETUP = `
  ip link set lo up
  ip link add v0 type veth peer name v1
  ip link set v0 up
  ip link set v1 up
  ip address add 10.9.0.1/24 dev v0
  ip address add fd09::1/64 dev v0 nodad
  ip address add 198.51.0.1/16 dev v1
  ip address add fd51::1/48 dev v1 nodad
  sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.v1.rp_filter=0
  sysctl -qw net.ipv4.fib_multipath_hash_seed=${SEED}
`;

interface Flow {
  readonly source: string;
  readonly port: number;
}

/** Spread by a multiplicative generator, so that they are the same in every run. */
function flowsOf(family: Family): readonly Flow[] {
  let state = 1;
  const draw = (below: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  return Array.from({ length: FLOWS }, () => ({
    source:
      family === "ipv4"
        ? `198.51.${draw(250) + 1}.${draw(250) + 1}`
        : `fd51::${(draw(65_000) + 16).toString(16)}:${(draw(65_000) + 16).toString(16)}`,
    port: draw(60_000) + 1024,
  }));
}

/** For every flow the index of its next hop, as one digit in base 36. */
function ways(family: Family, flows: readonly Flow[]): string {
  const { flag, vip, via } = ADDRESSES[family];
  const questions = flows.map(
    ({ source, port }) => `route get ${vip} from ${source} iif v1 ipproto tcp sport ${port} dport 80\n`,
  );
  const answers = execFileSync("ip", ["-n", NAMESPACE, flag, "-batch", "-"], {
    input: questions.join(""),
    encoding: "utf8",
  });
  const index = new Map(Array.from({ length: 36 }, (_, hop) => [via(hop), hop.toString(36)]));
  return [...answers.matchAll(/via (\S+)/g)].map(([, hop = ""]) => index.get(hop) ?? "?").join("");
}

const without = (size: number, gone: number): readonly number[] =>
  Array.from({ length: size }, (_, index) => index).filter((index) => index !== gone);

/** `weights` has one for each next hop; the kernel counts from 1. */
function setGroup(
  family: Family,
  members: readonly number[],
  type: readonly string[],
  weights: readonly number[],
): void {
  const group = members.map((index) => `${FIRST_ID[family] + index + 1},${weights[index] ?? 1}`).join("/");
  ip("nexthop", "replace", "id", String(GROUP), "group", group, ...type);
}

function routeTo(family: Family, ...target: readonly string[]): void {
  const { flag, route } = ADDRESSES[family];
  ip(flag, "route", "replace", route, ...target);
}

/** The routes of groups go with them. */
function clear(): void {
  ip("nexthop", "flush", "groups");
}

const THRESHOLD: readonly string[] = [];
const RESILIENT = ["type", "resilient", "buckets", "256", "idle_timer", "120", "unbalanced_timer", "0"];

interface Removal {
  readonly family: Family;
  readonly policy: 0 | 1;
  readonly selector: "threshold" | "resilient";
  /** One for each next hop. */
  readonly weights: string;
  readonly gone: number;
  readonly before: string;
  readonly after: string;
}

function setPolicy(policy: 0 | 1): void {
  inside(`sysctl -qw net.ipv4.fib_multipath_hash_policy=${policy} net.ipv6.fib_multipath_hash_policy=${policy}`);
}

async function removal(
  family: Family,
  policy: 0 | 1,
  selector: Removal["selector"],
  weights: readonly number[],
): Promise<Removal> {
  const flows = flowsOf(family);
  const size = weights.length;
  const gone = ((size + 1) >> 1) - 1;
  const type = selector === "threshold" ? THRESHOLD : RESILIENT;
  setPolicy(policy);
  clear();
  setGroup(family, without(size, -1), type, weights);
  routeTo(family, "nhid", String(GROUP));
  // What is used within the tick of its bucket's birth counts as never used.
  await sleep(30);
  const before = ways(family, flows);
  setGroup(family, without(size, gone), type.slice(0, 2), weights);
  return { family, policy, selector, weights: weights.join(" "), gone, before, after: ways(family, flows) };
}

/** A resilient group of four loses one of them, gets it back while its buckets are in use, and is then left alone. */
async function comeback() {
  const family = "ipv4";
  const flows = flowsOf(family);
  const weights = [1, 1, 1, 1];
  setPolicy(1);
  clear();
  const timers = ["idle_timer", String(IDLE_SECONDS), "unbalanced_timer", "0"];
  setGroup(family, without(4, -1), ["type", "resilient", "buckets", "32", ...timers], weights);
  routeTo(family, "nhid", String(GROUP));
  await sleep(30);
  const before = ways(family, flows);
  setGroup(family, without(4, 1), ["type", "resilient"], weights);
  await sleep(30);
  const gone = ways(family, flows);
  setGroup(family, without(4, -1), ["type", "resilient"], weights);
  const back = ways(family, flows);
  await sleep(2.5 * IDLE_SECONDS * 1000);
  return { buckets: 32, idleSeconds: IDLE_SECONDS, before, gone, back, idle: ways(family, flows) };
}

/** Whose each bucket is, after each change of the group's members; nothing uses them. */
function bucketSteps() {
  const family = "ipv4";
  const owners = (): string =>
    [...ip("nexthop", "bucket", "show", "id", String(GROUP)).matchAll(/nhid (\d+)/g)]
      .map(([, id]) => (Number(id) - 1).toString(36))
      .join("");
  const steps = [
    [1, 1, 1, 1, 1],
    [1, 1, 0, 1, 1],
    [1, 1, 1, 1, 1],
    [3, 1, 1, 0, 1],
    [0, 1, 0, 0, 1],
  ];
  clear();
  return steps.map((weights, step) => {
    const members = weights.flatMap((weight, index) => (weight === 0 ? [] : [index]));
    setGroup(family, members, step === 0 ? ["type", "resilient", "buckets", "16"] : ["type", "resilient"], weights);
    return { weights: weights.join(" "), owners: owners() };
  });
}

/** The second of four next hops does not answer, and the neighbour cache knows. */
async function silence(family: Family) {
  const flows = flowsOf(family);
  const { via } = ADDRESSES[family];
  const weights = [1, 1, 1, 1];
  const ask = async (set: () => void): Promise<string> => {
    clear();
    set();
    await sleep(30);
    return ways(family, flows);
  };
  const grouped = (type: readonly string[]) => (): void => {
    setGroup(family, without(4, -1), type, weights);
    routeTo(family, "nhid", String(GROUP));
  };
  const plain = (): void =>
    routeTo(family, ...weights.flatMap((_, index) => ["nexthop", "via", via(index), "dev", "v0"]));
  setPolicy(1);
  const all = await ask(grouped(THRESHOLD));
  ip("neigh", "replace", via(1), "dev", "v0", "nud", "failed");
  const group = await ask(grouped(THRESHOLD));
  const resilient = await ask(grouped(RESILIENT));
  const route = await ask(plain);
  inside("sysctl -qw net.ipv4.fib_multipath_use_neigh=1");
  const routeUsingNeighbours = await ask(plain);
  inside("sysctl -qw net.ipv4.fib_multipath_use_neigh=0");
  ip("neigh", "del", via(1), "dev", "v0");
  return { family, all, group, resilient, route, routeUsingNeighbours };
}

async function measure() {
  for (const family of ["ipv4", "ipv6"] as const) {
    for (let index = 0; index < 16; index++) {
      const id = String(FIRST_ID[family] + index + 1);
      ip("nexthop", "add", "id", id, "via", ADDRESSES[family].via(index), "dev", "v0");
    }
  }
  const removals: Removal[] = [];
  for (const family of ["ipv4", "ipv6"] as const) {
    for (const policy of [0, 1] as const) {
      for (const selector of ["threshold", "resilient"] as const) {
        for (const size of SIZES) removals.push(await removal(family, policy, selector, Array(size).fill(1)));
        removals.push(await removal(family, policy, selector, [1, 2, 5]));
      }
    }
  }
  return {
    source: `Linux ${release()}, ${execFileSync("ip", ["-V"], { encoding: "utf8" }).trim()}: scripts/multipath-golden.ts`,
    seed: SEED,
    flows: { ipv4: flowsOf("ipv4"), ipv6: flowsOf("ipv6") },
    removals,
    comeback: await comeback(),
    buckets: bucketSteps(),
    silence: [await silence("ipv4"), await silence("ipv6")],
  };
}

/** Everything but where it was measured. */
const answersIn = (text: string): string => text.replace(/^ {2}"source": .*\n/m, "");

async function main(): Promise<number> {
  const { flows, ...golden } = await measure();
  const compact = (list: readonly Flow[]): string => list.map(({ source, port }) => `${source} ${port}`).join(",");
  const short = { ...golden, flows: { ipv4: compact(flows.ipv4), ipv6: compact(flows.ipv6) } };
  const text = `${JSON.stringify(short, null, 2)}\n`;
  if (!process.argv.includes("--check")) {
    writeFileSync(FILE, text);
    console.log(`wrote ${FILE}`);
    return 0;
  }
  const same = answersIn(text) === answersIn(readFileSync(FILE, "utf8"));
  console.log(
    same ? "this kernel sends every flow where the golden one did" : `this kernel does not answer as ${FILE} says`,
  );
  return same ? 0 : 1;
}

execFileSync("ip", ["netns", "add", NAMESPACE]);
try {
  inside(SETUP);
  process.exitCode = await main();
} finally {
  execFileSync("ip", ["netns", "del", NAMESPACE]);
}
