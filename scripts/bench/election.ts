import { type Candidate, type Contest, Election, rankCandidates } from "../../impl/speaker/layer2/election.ts";
import { ipFromBigInt } from "../../impl/wire/ip.ts";
import { type Benchmark } from "./benchmark.ts";
import { median, processorTime, stopwatch } from "./timing.ts";

const NODES = 1000;
const ADDRESSES = 10_000;
/** The full sort costs the same for each address: a part of them is timed, and the rest is multiplication. */
const SORTED = 500;
const FIRST_ADDRESS = 0x0a00_0000n;

const candidates: readonly Candidate[] = Array.from({ length: NODES }, (_, index) => ({
  name: `node-${String(index).padStart(4, "0")}`,
  labels: {},
}));
const contests: readonly Contest[] = Array.from({ length: ADDRESSES }, (_, index) => ({
  ip: ipFromBigInt(FIRST_ADDRESS + BigInt(index), "ipv4"),
  preference: () => 0,
}));

/** As one speaker sees it. */
function electionOf(me: string): Election {
  const election = new Election(me);
  for (const candidate of candidates) election.enter(candidate);
  for (const [index, contest] of contests.entries()) election.open(`default/s${index}`, contest);
  return election;
}

/** What upstream does on every change of membership. */
function sortAll(): void {
  for (const contest of contests.slice(0, SORTED)) rankCandidates(candidates, contest);
}

export const election: Benchmark = {
  name: "election",
  run: () => {
    const me = candidates[0]?.name ?? "";
    const ours = electionOf(me);
    const leaving: number[] = [];
    const joining: number[] = [];
    const sorting: number[] = [];
    sortAll();
    // Every other node goes once and comes back; the full sort is timed in between.
    for (const [index, candidate] of candidates.entries()) {
      if (candidate.name === me) continue;
      leaving.push(stopwatch(() => void ours.leave(candidate.name)));
      joining.push(stopwatch(() => void ours.enter(candidate)));
      if (index % 200 === 0) sorting.push(processorTime(sortAll) * (ADDRESSES / SORTED));
    }
    const sort = median(sorting);
    const size = `${ADDRESSES} addresses, ${NODES} nodes`;
    const row = (what: string, times: readonly number[]) => ({
      benchmark: `election: ${what}, ${size}`,
      value: median(times) * 1000,
      unit: "µs",
      ratio: { value: sort / median(times), of: "of the full sort's time to this" },
      aim: { of: "ratio", atLeast: 300 } as const,
    });
    return [
      { benchmark: `election: full sort, ${size}`, value: sort, unit: "ms" },
      row("a node leaves", leaving),
      row("a node joins", joining),
    ];
  },
};
