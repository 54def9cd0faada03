import { macFromBytes } from "../impl/wire/mac.ts";
import { type Micros } from "../impl/wire/time.ts";
import { type Capture, type Scheduler, type Trace } from "./world.ts";

/** A frame as it entered the network, and what became of it. */
export interface CapturedFrame {
  readonly time: Micros;
  readonly point: string;
  readonly bytes: Uint8Array;
  readonly comments: readonly string[];
}

type Record = CapturedFrame & { readonly comments: string[] };

/** A frame that was copied more often runs in circles: no network has that many switches. */
const MOST_COPIES = 4096;

interface Origin {
  readonly record: Record;
  copies: number;
}

export type FrameListener = (frame: CapturedFrame) => void;

/** Records each frame once, where it enters the network, and writes each event of its way to the trace. */
export class FrameRecorder implements Capture {
  readonly #clock: Pick<Scheduler, "now">;
  readonly #trace: Trace;
  readonly #keep: boolean;
  readonly #frames: CapturedFrame[] = [];
  /** Where copies under way come from. Originals are not kept: a sender may send the same array again. */
  readonly #origins = new WeakMap<Uint8Array, Origin>();
  /** Of the original that was recorded last: whoever copies it does so before anything else arrives. */
  #latest: Origin | undefined;
  readonly #listeners = new Set<FrameListener>();

  constructor(clock: Pick<Scheduler, "now">, trace: Trace, keep: boolean) {
    this.#clock = clock;
    this.#trace = trace;
    this.#keep = keep;
  }

  frame(point: string, bytes: Uint8Array, comment?: string): void {
    const known = this.#origins.get(bytes);
    if (known !== undefined) {
      if (comment === undefined) return;
      known.record.comments.push(comment);
      this.#trace.write(point, "fate", `${summary(bytes)} ${comment}`);
      return;
    }
    const record = { time: this.#clock.now, point, bytes, comments: comment === undefined ? [] : [comment] };
    this.#latest = { record, copies: 0 };
    this.#trace.write(point, "frame", comment === undefined ? summary(bytes) : `${summary(bytes)} ${comment}`);
    if (this.#keep) this.#frames.push(record);
    for (const listener of this.#listeners) listener(record);
  }

  same(frame: Uint8Array, copy: Uint8Array): void {
    const origin = frame === this.#latest?.record.bytes ? this.#latest : this.#origins.get(frame);
    if (origin === undefined) return;
    if (++origin.copies > MOST_COPIES) {
      const { point, bytes } = origin.record;
      throw new Error(`broadcast storm: ${summary(bytes)}, which came in at ${point}, runs in a loop of switches`);
    }
    this.#origins.set(copy, origin);
  }

  /** Tells each frame as it enters the network, its comments so far included. */
  onFrame(listener: FrameListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }

  frames(): readonly CapturedFrame[] {
    return this.#frames;
  }
}

/** `<source>><destination> type=<EtherType> length=<bytes> sum=<FNV-1a of all bytes>`. */
function summary(bytes: Uint8Array): string {
  const type = (((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0)).toString(16).padStart(4, "0");
  let sum = 0x811c9dc5;
  // By index: an iterator costs four times as much, and every byte of every frame comes by here.
  for (let index = 0; index < bytes.length; index++) sum = Math.imul(sum ^ (bytes[index] ?? 0), 0x01000193);
  const hex = (sum >>> 0).toString(16).padStart(8, "0");
  return `${macFromBytes(bytes, 6)}>${macFromBytes(bytes)} type=${type} length=${bytes.length} sum=${hex}`;
}
