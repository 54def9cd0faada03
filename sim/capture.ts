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

export type FrameListener = (frame: CapturedFrame) => void;

/** Records each frame once, where it enters the network, and writes each event of its way to the trace. */
export class FrameRecorder implements Capture {
  readonly #clock: Pick<Scheduler, "now">;
  readonly #trace: Trace;
  readonly #keep: boolean;
  readonly #frames: CapturedFrame[] = [];
  /** Where frames under way were recorded. A sender may send the same array again: only copies count as known. */
  readonly #records = new WeakMap<Uint8Array, { readonly record: Record; readonly copy: boolean }>();
  readonly #listeners = new Set<FrameListener>();

  constructor(clock: Pick<Scheduler, "now">, trace: Trace, keep: boolean) {
    this.#clock = clock;
    this.#trace = trace;
    this.#keep = keep;
  }

  frame(point: string, bytes: Uint8Array, comment?: string): void {
    const known = this.#records.get(bytes);
    if (known?.copy === true) {
      if (comment === undefined) return;
      known.record.comments.push(comment);
      this.#trace.write(point, "fate", `${summary(bytes)} ${comment}`);
      return;
    }
    const record = { time: this.#clock.now, point, bytes, comments: comment === undefined ? [] : [comment] };
    this.#records.set(bytes, { record, copy: false });
    this.#trace.write(point, "frame", comment === undefined ? summary(bytes) : `${summary(bytes)} ${comment}`);
    if (this.#keep) this.#frames.push(record);
    for (const listener of this.#listeners) listener(record);
  }

  same(frame: Uint8Array, copy: Uint8Array): void {
    const known = this.#records.get(frame);
    if (known !== undefined) this.#records.set(copy, { record: known.record, copy: true });
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
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193);
  const hex = (sum >>> 0).toString(16).padStart(8, "0");
  return `${macFromBytes(bytes, 6)}>${macFromBytes(bytes)} type=${type} length=${bytes.length} sum=${hex}`;
}
