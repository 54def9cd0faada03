// BFDProfile. RFC 5880 names the timers; the limits are those of the CRD.
import { type Micros, millis } from "../wire/time.ts";
import { type BfdProfile } from "./config.ts";
import { type BFDProfile } from "./metallb.ts";
import { type ProblemList, type Report } from "./problem.ts";

interface Limits {
  readonly field: "detectMultiplier" | "receiveInterval" | "transmitInterval" | "minimumTtl" | "echoInterval";
  readonly called: string;
  readonly min: number;
  readonly max: number;
}

const LIMITS: readonly Limits[] = [
  { field: "detectMultiplier", called: "detect multiplier", min: 2, max: 255 },
  { field: "receiveInterval", called: "receive interval", min: 10, max: 60_000 },
  { field: "transmitInterval", called: "transmit interval", min: 10, max: 60_000 },
  { field: "minimumTtl", called: "minimum ttl", min: 1, max: 254 },
  { field: "echoInterval", called: "echo interval", min: 10, max: 60_000 },
];

function reportLimits(profile: BFDProfile, report: Report): void {
  for (const { field, called, min, max } of LIMITS) {
    const value = profile.spec?.[field];
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) continue;
    const what = `invalid value ${value}, must be in ${min}-${max} range`;
    report(`spec.${field}`, what, { context: `invalid ${called} value` });
  }
}

const interval = (value: number | undefined): Micros | undefined => (value === undefined ? undefined : millis(value));

export function parseBfdProfiles(
  objects: readonly BFDProfile[],
  problems: ProblemList,
): ReadonlyMap<string, BfdProfile> {
  const profiles = new Map<string, BfdProfile>();
  for (const [index, object] of objects.entries()) {
    const { name } = object.metadata;
    const report = problems.about(object, (what) => `parsing bfd profile #${index + 1}: ${what}`);
    reportLimits(object, report);
    if (profiles.has(name)) {
      const what = `found duplicate bfd profile name ${name}`;
      report("metadata.name", what, { message: what });
    }
    const { spec = {} } = object;
    profiles.set(name, {
      name,
      receiveInterval: interval(spec.receiveInterval),
      transmitInterval: interval(spec.transmitInterval),
      detectMultiplier: spec.detectMultiplier,
      echoInterval: interval(spec.echoInterval),
      echoMode: spec.echoMode ?? false,
      passiveMode: spec.passiveMode ?? false,
      minimumTtl: spec.minimumTtl,
    });
  }
  return profiles;
}
