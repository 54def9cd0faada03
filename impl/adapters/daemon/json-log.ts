// Log lines as MetalLB's users read them: JSON with `ts`, `level` and `caller`.
import { type Log } from "../linux/log.ts";
import { StartupError } from "./startup-error.ts";

/** What each --log-level lets through. */
const THRESHOLDS: Readonly<Record<string, number>> = { all: 0, debug: 0, info: 1, warn: 2, error: 3, none: 4 };

/** Throws StartupError where the level is none. */
export function jsonLog(
  caller: string,
  threshold: string,
  write: (line: string) => void,
  now: () => Date = () => new Date(),
): Log {
  const least = Object.hasOwn(THRESHOLDS, threshold) ? THRESHOLDS[threshold] : undefined;
  if (least === undefined) {
    throw new StartupError(`--log-level must be one of ${Object.keys(THRESHOLDS).join(", ")}, not "${threshold}"`);
  }
  return (level, event, fields) => {
    if ((THRESHOLDS[level] ?? 3) < least) return;
    write(`${JSON.stringify({ ts: now().toISOString(), level, caller, event, ...fields })}\n`);
  };
}
