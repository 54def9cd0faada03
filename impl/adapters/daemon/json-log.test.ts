import { expect, it } from "vitest";
import { jsonLog } from "./json-log.ts";

const AT = new Date("2026-03-01T12:00:00.5Z");

function levels(threshold: string): string {
  const lines: string[] = [];
  const log = jsonLog(
    "speaker",
    threshold,
    (line) => lines.push(line),
    () => AT,
  );
  for (const level of ["debug", "info", "warn", "error"]) log(level, "x", {});
  return lines.map((line): string => JSON.parse(line).level).join(" ");
}

it("writes one line of JSON for each event, with MetalLB's ts, level and caller", () => {
  const lines: string[] = [];
  const log = jsonLog(
    "speaker",
    "info",
    (line) => lines.push(line),
    () => AT,
  );
  log("warn", "bgp.session.changed", { peer: "tor\n1", to: "idle", because: undefined });
  expect(lines).toEqual([
    `{"ts":"2026-03-01T12:00:00.500Z","level":"warn","caller":"speaker","event":"bgp.session.changed","peer":"tor\\n1","to":"idle"}\n`,
  ]);
});

it("leaves out what is below --log-level", () => {
  expect(["all", "debug", "info", "warn", "error", "none"].map(levels)).toEqual([
    "debug info warn error",
    "debug info warn error",
    "info warn error",
    "warn error",
    "error",
    "",
  ]);
});

it("knows no other level", () => {
  expect(() => levels("verbose")).toThrow(
    '--log-level must be one of all, debug, info, warn, error, none, not "verbose"',
  );
});
