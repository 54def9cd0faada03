// What every simulated thing is given: the one queue of events, its own random streams, and the trace.
import { type Random } from "../impl/ports.ts";
import { type Micros } from "../impl/wire/time.ts";

/** An event that has been queued and can be taken back. */
export interface Scheduled {
  cancel(): void;
}

/** The one queue: ordered by (time, phase, sequence). */
export interface Scheduler {
  readonly now: Micros;
  /** Queues `task`; a time in the past means now. A smaller phase runs first among equals. */
  at(time: Micros, task: () => void, phase?: number): Scheduled;
  after(delay: Micros, task: () => void, phase?: number): Scheduled;
  /** When the next event is due; undefined where the queue is empty. */
  nextDeadline(): Micros | undefined;
  /** Runs every event that is due up to and including `to`, then sets the clock to `to`. */
  advance(to: Micros): void;
  /** Runs the next event; false where there is none. */
  step(): boolean;
}

/** The canonical record of a run: short lines and a rolling hash over them. */
export interface Trace {
  /** `what` is a word such as `frame`, `neighbour` or `fault`; `detail` is `key=value` pairs in a fixed order. */
  write(component: string, what: string, detail: string): void;
}

/** Frames as they pass a point of the network, for the pcapng. */
export interface Capture {
  /** `point` names an interface of the file: `sw:p1`. `comment` says why a frame was dropped. */
  frame(point: string, bytes: Uint8Array, comment?: string): void;
  /**
   * `copy` is a frame on its way on that was recorded just now, or a copy itself: it is not recorded again, and its comments
   * go to the original.
   */
  same(frame: Uint8Array, copy: Uint8Array): void;
}

export interface SimWorld {
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly capture: Capture;
  /** A stream of its own for each name: drawing from one moves no other. */
  random(name: string): Random;
}
