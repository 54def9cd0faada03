// A thread in which one mutant lives: asked by the name of a case, it runs that against the broken code and tells how it ended.
import { enableCompileCache, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { type Verdict } from "./mutant-thread.ts";
import { type Mutant, mutate } from "./mutant.ts";

const { mutant, seed }: { readonly mutant: Mutant; readonly seed: string } = workerData;
const target = pathToFileURL(resolve(mutant.file)).href;
let applied = false;

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (url !== target) return loaded;
    const source =
      typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
    applied = true;
    return { ...loaded, source: mutate(mutant, source) };
  },
});
// Hundreds of threads load the same hundreds of files.
enableCompileCache();

const { loadCases } = await import("../runner/catalogue.ts");
const { runCase } = await import("../runner/run-case.ts");
const { simDriver } = await import("../drivers/sim/driver.ts");
const { findTopology } = await import("../topology/find.ts");

const cases = new Map((await loadCases()).map((item) => [item.name, item]));
if (!applied) throw new Error(`mutant ${mutant.name}: no scenario loads ${mutant.file}`);

async function run(name: string): Promise<void> {
  const item = cases.get(name);
  if (item === undefined) throw new Error(`there is no case ${name}`);
  const options = { seed, shuffle: false, capture: false, lines: 0 };
  const { failure, because } = await runCase(simDriver, findTopology(item.scenario.topology), item, options);
  parentPort?.postMessage({ failure, because } satisfies Verdict);
}

parentPort?.on("message", (name: string) => void run(name));
