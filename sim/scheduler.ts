import { type Micros } from "../impl/wire/time.ts";
import { type Scheduled, type Scheduler } from "./world.ts";

class Event implements Scheduled {
  readonly time: Micros;
  readonly phase: number;
  readonly sequence: number;
  task: (() => void) | undefined;

  constructor(time: Micros, phase: number, sequence: number, task: () => void) {
    this.time = time;
    this.phase = phase;
    this.sequence = sequence;
    this.task = task;
  }

  /** The event stays in the heap, empty, until its turn or the next clearing: nobody searches for it. */
  cancel(): void {
    this.task = undefined;
  }
}

function isBefore(one: Event, other: Event): boolean {
  if (one.time !== other.time) return one.time < other.time;
  if (one.phase !== other.phase) return one.phase < other.phase;
  return one.sequence < other.sequence;
}

const SMALLEST_CLEARING = 1024;
const MOST_EVENTS_PER_INSTANT = 5_000_000;

/** A binary heap of events and the clock that jumps from one to the next. */
export class EventQueue implements Scheduler {
  #heap: Event[] = [];
  #now: Micros;
  #sequence = 0;
  #running = false;
  #clearingAt = SMALLEST_CLEARING;
  #atThisInstant = 0;
  readonly #mostPerInstant: number;

  /** More than `mostPerInstant` events without time passing are taken for a loop and end the run. */
  constructor(start = 0 as Micros, mostPerInstant = MOST_EVENTS_PER_INSTANT) {
    this.#now = start;
    this.#mostPerInstant = mostPerInstant;
  }

  get now(): Micros {
    return this.#now;
  }

  /** How many events were queued so far, for progress and benchmarks. */
  get queued(): number {
    return this.#sequence;
  }

  at(time: Micros, task: () => void, phase = 0): Scheduled {
    if (!Number.isSafeInteger(time)) throw new Error(`an event cannot be due at ${time}`);
    const event = new Event(time < this.#now ? this.#now : time, phase, this.#sequence++, task);
    if (this.#heap.length >= this.#clearingAt) this.#clear();
    this.#heap.push(event);
    this.#siftUp(this.#heap.length - 1, event);
    return event;
  }

  after(delay: Micros, task: () => void, phase = 0): Scheduled {
    return this.at((this.#now + delay) as Micros, task, phase);
  }

  nextDeadline(): Micros | undefined {
    return this.#next()?.time;
  }

  advance(to: Micros): void {
    for (let event = this.#next(); event !== undefined && event.time <= to; event = this.#next()) this.#run(event);
    if (to > this.#now) this.#moveTo(to);
  }

  step(): boolean {
    const event = this.#next();
    if (event === undefined) return false;
    this.#run(event);
    return true;
  }

  /** The earliest event that was not cancelled, left in its place. */
  #next(): Event | undefined {
    let first = this.#heap[0];
    while (first !== undefined && first.task === undefined) {
      this.#removeFirst();
      first = this.#heap[0];
    }
    return first;
  }

  #run(event: Event): void {
    if (this.#running) throw new Error("a task cannot advance the clock that runs it");
    this.#removeFirst();
    if (event.time > this.#now) this.#moveTo(event.time);
    if (++this.#atThisInstant > this.#mostPerInstant) {
      throw new Error(`${this.#mostPerInstant} events at ${this.#now / 1e6} s: time does not pass any more`);
    }
    const task = event.task;
    event.task = undefined;
    this.#running = true;
    try {
      task?.();
    } finally {
      this.#running = false;
    }
  }

  #moveTo(time: Micros): void {
    this.#now = time;
    this.#atThisInstant = 0;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#siftDown(0, last);
  }

  #siftUp(from: number, event: Event): void {
    const heap = this.#heap;
    let index = from;
    while (index > 0) {
      const above = (index - 1) >>> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(event, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  }

  #siftDown(from: number, event: Event): void {
    const heap = this.#heap;
    let index = from;
    for (;;) {
      let below = 2 * index + 1;
      let child = heap[below];
      if (child === undefined) break;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below++;
      }
      if (!isBefore(child, event)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = event;
  }

  /** Forgets cancelled events each time the heap has doubled, so timers that are set anew and anew cost no memory. */
  #clear(): void {
    const live = this.#heap.filter((event) => event.task !== undefined);
    this.#heap = live;
    this.#clearingAt = Math.max(SMALLEST_CLEARING, live.length * 2);
    for (let index = (live.length >>> 1) - 1; index >= 0; index--) {
      const event = live[index];
      if (event !== undefined) this.#siftDown(index, event);
    }
  }
}
