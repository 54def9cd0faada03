import { type Random } from "../impl/ports.ts";
import { type FrameListener, FrameRecorder } from "./capture.ts";
import { writePcapng } from "./pcapng.ts";
import { random } from "./random.ts";
import { EventQueue } from "./scheduler.ts";
import { RunTrace } from "./trace.ts";
import { type SimWorld } from "./world.ts";

export interface WorldOptions {
  /** Every random draw of the run comes from it. */
  readonly seed: string;
  /** Keeps all frames, so that pcapng() has something to write. */
  readonly capture?: boolean;
  /** How many trace lines are kept; Infinity keeps all. The hash always covers all. */
  readonly lines?: number;
}

export interface World extends SimWorld {
  readonly seed: string;
  readonly scheduler: EventQueue;
  readonly trace: RunTrace;
  readonly capture: FrameRecorder;
  /** Tells each frame as it enters the network. */
  onFrame(listener: FrameListener): Disposable;
  pcapng(): Uint8Array;
}

/** An empty world at second 0. */
export function createWorld(options: WorldOptions): World {
  const { seed, capture: keep = false, lines } = options;
  const scheduler = new EventQueue();
  const trace = new RunTrace(scheduler, lines);
  const capture = new FrameRecorder(scheduler, trace, keep);
  const streams = new Map<string, Random>();
  return {
    seed,
    scheduler,
    trace,
    capture,
    random(name) {
      const stream = streams.get(name) ?? random(seed, name);
      streams.set(name, stream);
      return stream;
    },
    onFrame: (listener) => capture.onFrame(listener),
    pcapng: () => writePcapng(capture.frames()),
  };
}
