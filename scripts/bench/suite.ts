import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Benchmark } from "./benchmark.ts";
import { stopwatch } from "./timing.ts";

const ASSAY = fileURLToPath(new URL("../../conformance/cli/main.ts", import.meta.url));

/** What a person waits for: the command with its start, on all cores. Whether every scenario passes is not asked here. */
function runAll(...flags: readonly string[]): number {
  return stopwatch(() => {
    const { status, stderr } = spawnSync(process.execPath, [ASSAY, "run", "--quiet", ...flags], { encoding: "utf8" });
    if (status !== 0 && status !== 1) throw new Error(`assay run ended with ${status}: ${stderr}`);
  });
}

export const suite: Benchmark = {
  name: "suite",
  run: () => [
    { benchmark: "suite: every scenario once", value: runAll() / 1000, unit: "s" },
    { benchmark: "suite: every scenario twice, traces compared", value: runAll("--twice") / 1000, unit: "s" },
  ],
};
