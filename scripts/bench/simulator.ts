import { runEvents, runFrames } from "../../sim/benchmark.ts";
import { type Benchmark } from "./benchmark.ts";
import { time } from "./timing.ts";

const EVENTS = 1_000_000;
const FRAMES = 200_000;
const options = { rounds: 5, warmUps: 1 };

export const simulator: Benchmark = {
  name: "simulator",
  run: () => [
    {
      benchmark: "simulator: events, 1,000 pending",
      value: (EVENTS / time(() => runEvents(EVENTS), options)) * 1000,
      unit: "events/s",
    },
    {
      benchmark: "simulator: events, 100,000 pending",
      value: (EVENTS / time(() => runEvents(EVENTS, 100_000), options)) * 1000,
      unit: "events/s",
    },
    {
      benchmark: "simulator: frames through a switch of 100 ports",
      value: (FRAMES / time(() => void runFrames(FRAMES), options)) * 1000,
      unit: "frames/s",
    },
  ],
};
