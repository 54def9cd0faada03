import { type Brand } from "./brand.ts";
import { ConfigError } from "./errors.ts";

/** A time or a duration in integer microseconds. */
export type Micros = Brand<number, "Micros">;

/** Rounds to the nearest; never -0, which prints and compares as another value. */
export const micros = (count: number): Micros => (Math.round(count) + 0) as Micros;
export const millis = (count: number): Micros => micros(count * 1e3);
export const seconds = (count: number): Micros => micros(count * 1e6);
export const minutes = (count: number): Micros => seconds(count * 60);
export const plus = (time: Micros, duration: Micros): Micros => (time + duration) as Micros;
export const minus = (time: Micros, other: Micros): Micros => (time - other) as Micros;
export const times = (duration: Micros, factor: number): Micros => micros(duration * factor);
export const inMillis = (time: Micros): number => time / 1e3;
export const inSeconds = (time: Micros): number => time / 1e6;

/** The earliest of some deadlines; undefined where none is set. */
export function earliest(...deadlines: readonly (Micros | undefined)[]): Micros | undefined {
  let first: Micros | undefined;
  for (const deadline of deadlines) {
    if (deadline !== undefined && (first === undefined || deadline < first)) first = deadline;
  }
  return first;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-3,
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
};

/** What an int64 of nanoseconds holds: the longest duration of Go. */
const LONGEST = 2 ** 63 / 1e3;

/** Reads a duration as Go's time.ParseDuration does: `1h30m`, `1.5s`, `-200ms`, `0`. Throws ConfigError at `path`. */
export function parseDuration(text: string, path = "duration"): Micros {
  const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return micros(0);
  let total = 0;
  let position = 0;
  const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
  while (position < rest.length) {
    part.lastIndex = position;
    const match = part.exec(rest);
    const unit = UNITS[match?.[2] ?? ""];
    if (match === null || unit === undefined) break;
    total += Number(match[1]) * unit;
    position = part.lastIndex;
  }
  if (rest === "" || position < rest.length || total > LONGEST) {
    throw new ConfigError(path, `"${text}" is not a duration such as 90s, 1m30s or 500ms`);
  }
  return micros(sign === "-" ? -total : total);
}

/** `1.234567s` without trailing zeros: the one way times are printed. */
export function formatSeconds(time: Micros): string {
  const whole = Math.trunc(time / 1e6);
  const fraction = String(Math.abs(time % 1e6))
    .padStart(6, "0")
    .replace(/0+$/, "");
  const sign = time < 0 && whole === 0 ? "-" : "";
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}s`;
}
