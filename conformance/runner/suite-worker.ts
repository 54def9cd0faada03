// A thread that runs cases by name, one at a time, for conformance/runner/suite.ts.
import { parentPort } from "node:worker_threads";
import { simDriver } from "../drivers/sim/driver.ts";
import { findTopology } from "../topology/find.ts";
import { type Topology } from "../topology/model.ts";
import { loadCases } from "./catalogue.ts";
import { runCase } from "./run-case.ts";
import { type Job } from "./job.ts";

const cases = new Map((await loadCases()).map((item) => [item.name, item]));
const topologies = new Map<string, Topology>();

async function run(job: Job): Promise<void> {
  const item = cases.get(job.name);
  if (item === undefined) throw new Error(`there is no case ${job.name}`);
  const topology = topologies.get(item.scenario.topology) ?? findTopology(item.scenario.topology);
  topologies.set(item.scenario.topology, topology);
  const result = await runCase(simDriver, topology, item, job.options);
  parentPort?.postMessage({ id: job.id, result });
}

let queue: Promise<void> = Promise.resolve();
parentPort?.on("message", (job: Job) => {
  queue = queue.then(() => run(job));
});
