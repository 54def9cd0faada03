// Writes the capture of every scenario and asks tshark, which knows nothing of our code, for frames that it finds malformed
// or wrong. Scenarios that put broken bytes on the wire on purpose are left out, by name.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "zx";
import { simDriver } from "../conformance/drivers/sim/driver.ts";
import { loadCases } from "../conformance/runner/catalogue.ts";
import { runCase } from "../conformance/runner/run-case.ts";
import { findTopology } from "../conformance/topology/find.ts";

$.quiet = true;
$.nothrow = true;

/** Checksums are on: a frame that a simulated host sends has the right ones. */
const OPTIONS = ["ip.check_checksum:TRUE", "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE"];
/** Retransmissions and the like are what a lossy network looks like, not errors. */
const WRONG =
  "_ws.malformed || _ws.expert.severity == error || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0";
const BROKEN_ON_PURPOSE = /^bad-input\/|corrupt|flipped|disorder/;

if ((await $`tshark --version`).exitCode !== 0) {
  console.log("could not run: tshark is not installed");
  process.exit(2);
}
const folder = mkdtempSync(join(tmpdir(), "assay-captures-"));
const file = join(folder, "run.pcapng");
let passed = 0;
let failed = 0;
let frames = 0;
for (const item of await loadCases()) {
  if (BROKEN_ON_PURPOSE.test(item.name)) continue;
  const topology = findTopology(item.scenario.topology);
  const { pcapng } = await runCase(simDriver, topology, item, { seed: "1", shuffle: false, capture: true, lines: 0 });
  if (pcapng === undefined) {
    failed += 1;
    console.log(`FAILED  ${item.name}: it left no capture`);
    continue;
  }
  writeFileSync(file, pcapng);
  const flags = OPTIONS.flatMap((option) => ["-o", option]);
  const wrong = await $`tshark -r ${file} ${flags} -Y ${WRONG} -T fields -e frame.number -e _ws.col.Info -c 100000`;
  const count = await $`tshark -r ${file} -T fields -e frame.number`;
  const read = count.stdout.split("\n").length - 1;
  frames += read;
  if (wrong.exitCode === 0 && wrong.stdout.trim() === "" && read > 0) passed += 1;
  else {
    failed += 1;
    console.log(`FAILED  ${item.name}: ${wrong.stdout.split("\n")[0] ?? ""} ${wrong.stderr.split("\n")[0] ?? ""}`);
  }
}
rmSync(folder, { recursive: true, force: true });
console.log(`tshark read ${frames} frames`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
