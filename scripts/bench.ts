// npm run bench: how fast the parts are, as a table. A figure belongs to the machine it was taken on; a ratio is of two
// figures of the same run.
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { addressResolution } from "./bench/address-resolution.ts";
import { allocator } from "./bench/allocator.ts";
import { type Aim, type Benchmark, reached, type Result, type Skipped } from "./bench/benchmark.ts";
import { bgpAlive } from "./bench/bgp-alive.ts";
import { bgpCodec } from "./bench/bgp-codec.ts";
import { bgpDaemons } from "./bench/bgp-daemons.ts";
import { bgpRouter } from "./bench/bgp-router.ts";
import { bgpSpeaker } from "./bench/bgp-speaker.ts";
import { controller } from "./bench/controller.ts";
import { election } from "./bench/election.ts";
import { forwarding } from "./bench/forwarding.ts";
import { membership } from "./bench/membership.ts";
import { simulator } from "./bench/simulator.ts";
import { suite } from "./bench/suite.ts";

const BENCHMARKS: readonly Benchmark[] = [
  allocator,
  controller,
  election,
  addressResolution,
  simulator,
  forwarding,
  bgpCodec,
  bgpSpeaker,
  bgpRouter,
  bgpDaemons,
  bgpAlive,
  membership,
  suite,
];

const USAGE = `npm run bench -- [--only PATTERN] [--json FILE]

Times the parts of Assay and prints figure, ratio and aim of each.

  --only PATTERN  only benchmarks whose name contains PATTERN: ${BENCHMARKS.map(({ name }) => name).join(", ")}
  --json FILE     writes the results to FILE as well
  --help          prints this

Figures differ from machine to machine and from run to run; nothing here passes or fails.`;

const COLUMNS = ["BENCHMARK", "FIGURE", "RATIO", "AIM", ""] as const;

/** Three significant digits, and thousands apart. */
function number(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function describeAim(aim: Aim): string {
  const bound = "atLeast" in aim ? `at least ${aim.atLeast.toLocaleString("en")}` : `at most ${aim.atMost}`;
  return aim.of === "ratio" ? `ratio ${bound}` : bound;
}

function rowOf(result: Result | Skipped): readonly string[] {
  if ("notRun" in result) return [result.benchmark, `not run: ${result.notRun}`, "", "", ""];
  const { benchmark, value, unit, ratio, aim } = result;
  const verdict = reached(result);
  return [
    benchmark,
    `${number(value)} ${unit}`.trimEnd(),
    ratio === undefined ? "" : `${number(ratio.value)} ${ratio.of}`,
    aim === undefined ? "" : describeAim(aim),
    verdict === undefined ? "" : verdict ? "reached" : "not reached",
  ];
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    );
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { only: { type: "string" }, json: { type: "string" }, help: { type: "boolean" } },
  });
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const chosen = BENCHMARKS.filter(({ name }) => name.includes(values.only ?? ""));
  if (chosen.length === 0) {
    console.error(`no benchmark has "${values.only}" in its name\n\n${USAGE}`);
    return 2;
  }
  const machine = { node: process.version, cores: availableParallelism(), processor: cpus()[0]?.model ?? "unknown" };
  const results: (Result | Skipped)[] = [];
  for (const { name, run } of chosen) {
    if (process.stderr.isTTY) process.stderr.write(`${name} ...\n`);
    results.push(...(await run()));
  }
  printTable([COLUMNS, ...results.map(rowOf)]);
  console.log(`\nNode ${machine.node}, ${machine.cores} cores, ${machine.processor}`);
  const [load = 0] = loadavg();
  if (load > machine.cores)
    console.log(`The machine is busy (load ${load.toFixed(1)}): the suite took longer than it needs.`);
  const measured = results.filter((result): result is Result => !("notRun" in result));
  const aims = measured.map(reached).filter((verdict) => verdict !== undefined);
  console.log(`${aims.filter(Boolean).length} of ${aims.length} aims reached`);
  if (values.json !== undefined) {
    const report = {
      machine,
      results: results.map((result) => ("notRun" in result ? result : { ...result, reached: reached(result) })),
    };
    writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
  return 0;
}

process.exit(await main());
