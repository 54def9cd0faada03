// Lives in a client's namespace and does there what the driver asks: requests, probes, raw frames.
import { FrameSocket } from "../../../impl/adapters/linux/frames.ts";
import { loadNative } from "../../../impl/adapters/linux/native.ts";
import { minus } from "../../../impl/wire/time.ts";
import { type ProbeOutcome, type ProbeResult } from "../../../sim/host/probe.ts";
import { monotonic } from "../../lab/wall-clock.ts";
import { attempt, type Method, methodTo } from "./attempt.ts";
import { interfaceIndex } from "./interface-index.ts";
import { type ClientQuestion, type Heard } from "./protocol.ts";
import { RawBgpListener } from "./raw-bgp-listener.ts";
import { answerQuestions } from "./stdio.ts";

/** Attempts at fixed intervals; those that run late are not made up for. */
class Probe {
  readonly #method: Method;
  readonly #timeoutMs: number;
  readonly #timer: NodeJS.Timeout;
  readonly #sent: (ProbeResult | undefined)[] = [];
  readonly #underWay = new Set<Promise<void>>();

  constructor(method: Method, everyMs: number, timeoutMs: number) {
    this.#method = method;
    this.#timeoutMs = timeoutMs;
    this.#timer = setInterval(() => this.#send(), everyMs);
  }

  #send(): void {
    const index = this.#sent.length;
    const at = monotonic();
    this.#sent.push(undefined);
    const settled = attempt(this.#method, this.#timeoutMs).then((outcome) => {
      this.#sent[index] = { at, took: minus(monotonic(), at), outcome };
      this.#underWay.delete(settled);
    });
    this.#underWay.add(settled);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  /** Those that are known and have only known ones before them. */
  results(): readonly ProbeResult[] {
    const unknown = this.#sent.indexOf(undefined);
    const known = unknown === -1 ? this.#sent : this.#sent.slice(0, unknown);
    return known.filter((result) => result !== undefined);
  }
}

const native = loadNative();
const probes = new Map<string, Probe>();
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Listens on where nobody said anything: on a busy machine the first to answer may be late. */
const LATE_MS = 400;

async function exchange(link: string, frame: string, listenMs: number): Promise<readonly string[]> {
  const heard: string[] = [];
  using socket = new FrameSocket(native, { index: interfaceIndex(link) }, (bytes) =>
    heard.push(Buffer.from(bytes).toString("base64")),
  );
  socket.send(Buffer.from(frame, "base64"));
  await sleep(listenMs);
  if (heard.length === 0 && listenMs > 0) await sleep(LATE_MS);
  return heard;
}

class Ears {
  readonly #heard: Heard[] = [];
  readonly #socket: FrameSocket;

  constructor(link: string) {
    this.#socket = new FrameSocket(native, { index: interfaceIndex(link) }, (bytes) =>
      this.#heard.push({ at: monotonic(), frame: Buffer.from(bytes).toString("base64") }),
    );
  }

  get heard(): readonly Heard[] {
    return this.#heard;
  }

  close(): void {
    this.#socket[Symbol.dispose]();
  }
}

const ears = new Map<string, Ears>();
const rawBgps = new Map<string, RawBgpListener>();

function rawBgp(name: string): RawBgpListener {
  const found = rawBgps.get(name);
  if (found === undefined) throw new Error(`there is no BGP speaker "${name}"`);
  return found;
}

function answer(question: ClientQuestion): unknown {
  switch (question.kind) {
    case "request":
      return attempt(methodTo(question.method, question.target), question.timeoutMs) satisfies Promise<ProbeOutcome>;
    case "startProbe": {
      const method = methodTo(question.method, question.target);
      probes.set(question.probe, new Probe(method, question.everyMs, question.timeoutMs));
      return null;
    }
    case "stopProbe":
      return probes.get(question.probe)?.stop() ?? null;
    case "results":
      return probes.get(question.probe)?.results() ?? [];
    case "listen":
      ears.set(question.listening, new Ears(question.link));
      return null;
    case "heard":
      return ears.get(question.listening)?.heard ?? [];
    case "stopListening":
      ears.get(question.listening)?.close();
      return null;
    case "startRawBgp":
      rawBgps.set(question.rawBgp, new RawBgpListener(native, question.greet, question.md5Key));
      return null;
    case "rawBgpSend":
      return rawBgp(question.rawBgp).send(question.bytes);
    case "rawBgpConnections":
      return rawBgp(question.rawBgp).connections();
    case "rawBgpClose":
      return rawBgp(question.rawBgp).close(question.abort);
    case "rawBgpRead":
      return rawBgp(question.rawBgp).read(question.reading);
    case "stopRawBgp":
      return rawBgp(question.rawBgp).stop();
    case "exchange":
      return exchange(question.link, question.frame, question.listenMs);
  }
}

answerQuestions(answer);
