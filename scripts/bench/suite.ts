import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Benchmark } from "./benchmark.ts";
import { stopwatch } from "./timing.ts";

const ASSAY = fileURLToPath(new URL("../../conformance/cli/main.ts", import.meta.url));

/** What a person waits for: the command with its start, on all cores. A scenario that fails ends the benchmark. */
function runAll(...flags: readonly string[]): number {
  return stopwatch(() => void execFileSync(process.execPath, [ASSAY, "run", "--quiet", ...flags], { stdio: "pipe" }));
}

export const suite: Benchmark = {
  name: "suite",
  run: () => [
    { benchmark: "suite: every scenario once", value: runAll() / 1000, unit: "s" },
    { benchmark: "suite: every scenario twice, traces compared", value: runAll("--twice") / 1000, unit: "s" },
  ],
};
