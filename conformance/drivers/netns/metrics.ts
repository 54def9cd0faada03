import { type DaemonQuestion } from "./protocol.ts";
import { type ProcessSlot } from "./process-slot.ts";

/** Everything that a process exposes; nothing where nobody is there to say. */
export const exposedBy = (slot: ProcessSlot): Promise<string> =>
  slot.ask<string>("metrics" satisfies DaemonQuestion).catch(() => "");

/** Value of a series of a process; undefined where it is not exposed. */
export async function metricOf(slot: ProcessSlot, series: string): Promise<number | undefined> {
  const text = await exposedBy(slot);
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
