// Writes the capture of every scenario, or of those that the pattern given means, and asks tshark, which knows nothing of our
// code, for frames that it finds malformed or wrong. Scenarios that put broken bytes on the wire on purpose are left out, by
// name. Where no fault strikes, the sessions of BGP must show nothing that Wireshark would mark in their TCP either.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { $ } from "zx";
import { simDriver } from "../conformance/drivers/sim/driver.ts";
import { type Case, loadCases, matchesPattern } from "../conformance/runner/catalogue.ts";
import { runCase } from "../conformance/runner/run-case.ts";
import { findTopology } from "../conformance/topology/find.ts";
import { type Capability } from "../conformance/world.ts";

$.quiet = true;
$.nothrow = true;

/** Checksums are on: a frame that a simulated host sends has the right ones. */
const OPTIONS = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"].flatMap((option) => [
  "-o",
  option,
]);
/** Retransmissions and the like are what a lossy network looks like, not errors. */
const WRONG =
  "_ws.malformed || _ws.expert.severity == error || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";
/** A port that comes again after hours of attempts is none of them. */
const MARKED = "tcp.port == 179 && tcp.analysis.flags && !tcp.analysis.reused_ports";
const BROKEN_ON_PURPOSE = /^bad-input\/|^bgp-input\/|corrupt|flipped|disorder/;
const FAULTS: readonly Capability[] = [
  "processFaults",
  "pause",
  "powerOff",
  "hang",
  "links",
  "frameFaults",
  "rawFrames",
  "rawBgp",
];
/** A capture holds a forwarded segment once for each of its cables, which Wireshark takes for a retransmission. */
const SEVERAL_HOPS = /^bgp-(multihop|spine)$/;
/** Without the right password, or with too small a TTL, segments are dropped. */
const UNANSWERED_ON_PURPOSE = /password|signed|secret|key|ttl-required/;
const AT_ONCE = 2;

/** How many frames fit each of these filters, by one reading of the file; undefined with what tshark said otherwise. */
async function countFrames(file: string, filters: readonly string[]): Promise<readonly number[] | string> {
  const { exitCode, stdout, stderr } =
    await $`tshark -r ${file} ${OPTIONS} -q -z ${["io,stat,0", ...filters].join(",")}`;
  const row = /<>.*?\|(.*)\|$/m.exec(stdout)?.[1];
  if (exitCode !== 0 || row === undefined) return stderr.trim().split("\n").at(-1) ?? "tshark said nothing";
  return row.split("|").flatMap((cell, index) => (index % 2 === 0 ? [Number(cell)] : []));
}

async function firstFrames(file: string, filter: string): Promise<string> {
  const { stdout } = await $`tshark -r ${file} ${OPTIONS} -Y ${filter} -T fields -e frame.number -e _ws.col.Info`;
  return stdout.split("\n").slice(0, 3).join("; ");
}

const mayBeMarked = ({ name, scenario: { needs, topology } }: Case): boolean =>
  FAULTS.some((fault) => needs.includes(fault)) || SEVERAL_HOPS.test(topology) || UNANSWERED_ON_PURPOSE.test(name);

interface Reading {
  readonly name: string;
  readonly frames: number;
  /** Undefined: nothing is wrong. */
  readonly problem: string | undefined;
}

async function readCapture(item: Case, file: string): Promise<Omit<Reading, "name">> {
  const counts = await countFrames(file, ["frame", WRONG, MARKED]);
  if (typeof counts === "string") return { frames: 0, problem: counts };
  const [frames = 0, wrong = 0, marked = 0] = counts;
  if (frames === 0) return { frames, problem: "tshark finds no frame" };
  if (wrong > 0) return { frames, problem: `frames ${await firstFrames(file, WRONG)}` };
  const isMarked = marked > 0 && !mayBeMarked(item);
  return { frames, problem: isMarked ? `frames of BGP ${await firstFrames(file, MARKED)}` : undefined };
}

async function capture(item: Case, file: string): Promise<Omit<Reading, "name">> {
  const topology = findTopology(item.scenario.topology);
  const { pcapng } = await runCase(simDriver, topology, item, { seed: "1", shuffle: false, capture: true, lines: 0 });
  if (pcapng === undefined) return { frames: 0, problem: "it left no capture" };
  writeFileSync(file, pcapng);
  return readCapture(item, file);
}

interface Share {
  readonly pattern: string;
  readonly folder: string;
  readonly worker: number;
}

/** One simulation at a time in each thread: clocks and randomness are taken away from it. */
async function readShare({ pattern, folder, worker }: Share, tell: (reading: Reading) => void): Promise<void> {
  const chosen = (await loadCases()).filter(({ name }) => matchesPattern(name, pattern));
  const cases = chosen.filter(({ name }) => !BROKEN_ON_PURPOSE.test(name));
  for (const [index, item] of cases.entries()) {
    if (index % AT_ONCE !== worker) continue;
    tell({ name: item.name, ...(await capture(item, join(folder, `${worker}.pcapng`))) });
  }
}

/** Resolves with what every thread read. */
function readAll(pattern: string, folder: string): Promise<readonly Reading[]> {
  const readings: Reading[] = [];
  const threads = Array.from({ length: AT_ONCE }, (_, index) => {
    const share: Share = { pattern, folder, worker: index };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: share });
    worker.on("message", (reading: Reading) => {
      readings.push(reading);
      if (reading.problem !== undefined) console.log(`FAILED  ${reading.name}: ${reading.problem}`);
    });
    return new Promise<void>((resolve, reject) => {
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
  });
  return Promise.all(threads).then(() => readings);
}

async function main(): Promise<number> {
  if ((await $`tshark --version`).exitCode !== 0) {
    console.log("could not run: tshark is not installed");
    return 2;
  }
  const folder = mkdtempSync(join(tmpdir(), "assay-captures-"));
  const readings = await readAll(process.argv[2] ?? "*", folder);
  rmSync(folder, { recursive: true, force: true });
  const failed = readings.filter(({ problem }) => problem !== undefined).length;
  console.log(`tshark read ${readings.reduce((sum, { frames }) => sum + frames, 0)} frames`);
  console.log(`${readings.length - failed} passed, ${failed} failed`);
  return failed === 0 && readings.length > 0 ? 0 : 1;
}

if (isMainThread) process.exit(await main());
else await readShare(workerData, (reading) => parentPort?.postMessage(reading));
