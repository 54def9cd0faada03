// Gives every frr.conf of the topologies to FRR, which knows nothing of our reader: its parser must take each statement, and,
// as root, its daemons must run with the file, have the neighbours that we think it makes, and write it down again so that we
// read the same from what they wrote.
import { isDeepStrictEqual } from "node:util";
import { $ } from "zx";
import { Frr, frrMissing } from "../conformance/drivers/netns/frr.ts";
import { addNamespaces, namespaceName, removeNamespaces } from "../conformance/drivers/netns/namespaces.ts";
import { findTopology, shippedTopologies } from "../conformance/topology/find.ts";
import { type FrrFile } from "../conformance/topology/model.ts";
import { type BgpConfig, type RouterConfig } from "../sim/router/config/model.ts";
import { frrNeighborLines, neighborLines } from "../sim/router/config/neighbor-lines.ts";
import { readFrrConfig } from "../sim/router/config/read.ts";

$.quiet = true;
$.nothrow = true;

const byText = (items: readonly unknown[]): readonly string[] => items.map((item) => JSON.stringify(item)).sort();

const bgpView = (bgp: BgpConfig): unknown => ({
  ...bgp,
  neighbors: byText(bgp.neighbors),
  listen: { ...bgp.listen, ranges: byText(bgp.listen.ranges) },
});

/** What FRR writes in another order, or takes from its machine, left out. */
function view(config: RouterConfig): unknown {
  const { bgp, routeMaps, prefixLists, communityLists, largeCommunityLists, bfdPeers, staticRoutes } = config;
  return [
    bgp.map(bgpView),
    routeMaps,
    prefixLists,
    communityLists,
    largeCommunityLists,
    bfdPeers,
    byText(staticRoutes),
  ];
}

function neighborProblems(config: RouterConfig, shown: string): readonly string[] {
  const ours = config.bgp.filter(({ vrf }) => vrf === undefined).flatMap(neighborLines);
  const theirs = frrNeighborLines(JSON.parse(shown));
  return [
    ...ours.filter((line) => !theirs.includes(line)).map((line) => `only we say: ${line}`),
    ...theirs.filter((line) => !ours.includes(line)).map((line) => `only FRR says: ${line}`),
  ];
}

function rewrittenProblems(config: RouterConfig, written: string): readonly string[] {
  const from = written.indexOf("frr version");
  const read = readFrrConfig(written.slice(from));
  if ("problems" in read) return read.problems.map(({ problem }) => `as FRR writes it: ${problem}`);
  return isDeepStrictEqual(view(read.config), view(config)) ? [] : ["as FRR writes it, it means something else to us"];
}

async function runProblems({ name, text, config }: FrrFile): Promise<readonly string[]> {
  const namespace = namespaceName(0, "frr");
  await addNamespaces([namespace]);
  const problems: string[] = [];
  const frr = new Frr({
    name,
    namespace,
    config: text,
    nodeOf: () => undefined,
    onLine: () => undefined,
    onFailure: (daemon, how) => problems.push(`${daemon} ${how}`),
  });
  try {
    await frr.start();
    problems.push(...neighborProblems(config, await frr.show("show bgp neighbors json")));
    problems.push(...rewrittenProblems(config, await frr.show("show running-config")));
  } catch (error) {
    problems.push(String(error));
  }
  frr.abandon();
  await removeNamespaces([namespace]);
  return problems;
}

async function parseProblems({ name }: FrrFile): Promise<readonly string[]> {
  const parsed = await $`vtysh -C -f ${name}`;
  return parsed.exitCode === 0 ? [] : `${parsed.stdout}${parsed.stderr}`.trim().split("\n");
}

const missing = frrMissing();
if (missing !== undefined || (await $`vtysh --help`).exitCode !== 0) {
  console.log(`could not run: ${missing ?? "vtysh does not start"}`);
  process.exit(2);
}
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.log("not root: FRR's parser reads the files, its daemons do not run with them");
const files = shippedTopologies().flatMap((name) => findTopology(name).stations.flatMap(({ frr }) => frr ?? []));
let failed = 0;
for (const file of files) {
  const parsed = await parseProblems(file);
  const problems = parsed.length > 0 || !isRoot ? parsed : await runProblems(file);
  if (problems.length > 0) failed += 1;
  for (const problem of problems) console.log(`FAILED  ${file.name}: ${problem}`);
}
console.log(`${files.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 && files.length > 0 ? 0 : 1);
