// A thread in which one mutant lives: it runs the given cases against the broken code and reports how each ended.
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { type Mutant, mutate } from "./mutant.ts";

export interface MutantJob {
  readonly mutant: Mutant;
  readonly cases: readonly string[];
  readonly seed: string;
}

const job: MutantJob = workerData;
const target = pathToFileURL(resolve(job.mutant.file)).href;
let applied = false;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const source =
      typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
    applied = true;
    return { ...loaded, source: mutate(job.mutant, source) };
  },
});

const { loadCases } = await import("../runner/catalogue.ts");
const { runCase } = await import("../runner/run-case.ts");
const { simDriver } = await import("../drivers/sim/driver.ts");
const { findTopology } = await import("../topology/find.ts");

await loadCases();
if (!applied) throw new Error(`mutant ${job.mutant.name}: no scenario loads ${job.mutant.file}`);
const wanted = new Set(job.cases);
for (const item of await loadCases()) {
  if (!wanted.has(item.name)) continue;
  const topology = findTopology(item.scenario.topology);
  const result = await runCase(simDriver, topology, item, {
    seed: job.seed,
    shuffle: false,
    capture: false,
    lines: 0,
  });
  parentPort?.postMessage({
    name: item.name,
    outcome: result.outcome,
    failure: result.failure,
    because: result.because,
  });
}
process.exit(0);
