// Two BFD speakers joined by a channel in virtual time, and the trace of what they do.
import { type Random } from "../../ports.ts";
import { decodeBfd, encodeBfd, type BfdControl } from "../../wire/bfd.ts";
import { type Ip, parseIp } from "../../wire/ip.ts";
import { formatSeconds, type Micros, micros, millis, plus } from "../../wire/time.ts";
import { type BfdConfig, type Hops } from "./config.ts";
import { type BfdDatagram, BfdSessions, type BfdSessionsEffect } from "./sessions.ts";

/** What FRR runs with when nothing is configured. */
export const CONFIG: BfdConfig = {
  role: "active",
  desiredMinTx: millis(300),
  requiredMinRx: millis(300),
  detectMultiplier: 3,
  echoInterval: undefined,
  minimumTtl: 255,
};

/** Always the longest interval. */
export const NO_JITTER: Random = { next: () => 1 - 2 ** -53 };

/** A generator of its own for each speaker: xorshift32. */
export function randomOf(seed: number): Random {
  let state = (seed * 2654435761) | 1;
  return {
    next: () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return (state >>> 0) / 2 ** 32;
    },
  };
}

export const PATH = { hops: "single", peer: parseIp("192.0.2.2"), local: undefined, link: "eth0" } as const;

export function datagram(packet: BfdControl | Uint8Array, parts: Partial<BfdDatagram> = {}): BfdDatagram {
  const bytes = packet instanceof Uint8Array ? packet : encodeBfd(packet);
  const destination = parseIp("192.0.2.1");
  return { hops: "single", source: PATH.peer, destination, link: "eth0", ttl: 255, bytes, ...parts };
}

/** `up poll mult=3 tx=0.3s rx=0.3s`: what of a packet changes in a conversation. */
export function describe(packet: BfdControl): string {
  const { state, diagnostic, poll, final, desiredMinTx, requiredMinRx } = packet;
  const words = [state, poll ? "poll" : "", final ? "final" : "", diagnostic === "none" ? "" : diagnostic];
  return [...words, `tx=${formatSeconds(desiredMinTx)} rx=${formatSeconds(requiredMinRx)}`].filter(Boolean).join(" ");
}

type Name = "a" | "b";

interface Flight {
  readonly at: Micros;
  readonly to: Name;
  readonly echoOf: Name | undefined;
  readonly bytes: Uint8Array;
}

interface PairOptions {
  readonly a?: Partial<BfdConfig>;
  readonly b?: Partial<BfdConfig>;
  readonly randomA?: Random;
  readonly randomB?: Random;
  readonly hops?: Hops;
}

/** Speakers called a and b; a packet takes a millisecond unless `lose` says that it is lost. */
export class Pair {
  now: Micros = micros(0);
  readonly trace: string[] = [];
  lose: (from: Name, packet: BfdControl | undefined) => boolean = () => false;
  /** Whether control packets stand in the trace. */
  verbose = true;
  readonly #speakers: Readonly<Record<Name, BfdSessions>>;
  readonly #addresses: Readonly<Record<Name, Ip>> = { a: parseIp("192.0.2.1"), b: parseIp("192.0.2.2") };
  readonly #configs: Readonly<Record<Name, BfdConfig>>;
  readonly #hops: Hops;
  #flights: Flight[] = [];

  constructor({ a = {}, b = {}, randomA = NO_JITTER, randomB = NO_JITTER, hops = "single" }: PairOptions = {}) {
    this.#speakers = { a: new BfdSessions(randomA), b: new BfdSessions(randomB) };
    this.#configs = { a: { ...CONFIG, ...a }, b: { ...CONFIG, ...b } };
    this.#hops = hops;
  }

  speaker(name: Name): BfdSessions {
    return this.#speakers[name];
  }

  state(name: Name): string {
    return this.#speakers[name].session("peer")?.kind ?? "none";
  }

  open(...names: readonly Name[]): void {
    for (const name of names) this.configure(name, {});
  }

  configure(name: Name, change: Partial<BfdConfig>): void {
    const other = name === "a" ? "b" : "a";
    const path = { hops: this.#hops, peer: this.#addresses[other], local: this.#addresses[name], link: "eth0" };
    this.carryOut(name, this.#speakers[name].open("peer", path, { ...this.#configs[name], ...change }, this.now));
  }

  close(name: Name): void {
    this.carryOut(name, this.#speakers[name].close("peer", this.now));
  }

  /** A process that ended without a word, and another in its place. */
  replace(name: Name, random: Random): void {
    Object.assign(this.#speakers, { [name]: new BfdSessions(random) });
  }

  carryOut(from: Name, effects: readonly BfdSessionsEffect[]): void {
    const to = from === "a" ? "b" : "a";
    for (const effect of effects) {
      if (effect.kind === "changed") {
        this.#note(from, `${effect.from}->${effect.to}: ${effect.because}`);
        continue;
      }
      if (effect.kind === "ended") continue;
      const echo = effect.kind === "sendEcho";
      const packet = echo ? undefined : decodeBfd(effect.bytes);
      if (packet !== undefined && this.verbose) this.#note(from, `sends ${describe(packet)}`);
      if (this.lose(from, packet)) continue;
      const at = plus(this.now, millis(echo ? 2 : 1));
      this.#flights.push({ at, to: echo ? from : to, echoOf: echo ? from : undefined, bytes: effect.bytes });
    }
  }

  /** Lets `duration` pass. */
  run(duration: Micros): void {
    const end = plus(this.now, duration);
    for (;;) {
      const due = [
        this.#speakers.a.deadline(),
        this.#speakers.b.deadline(),
        ...this.#flights.map(({ at }) => at),
      ].filter((at) => at !== undefined);
      const next = Math.min(...due);
      if (next > end || due.length === 0) break;
      this.now = micros(Math.max(next, this.now));
      this.#deliver();
      for (const name of ["a", "b"] as const) this.carryOut(name, this.#speakers[name].wake(this.now));
    }
    this.now = end;
  }

  #deliver(): void {
    const arrived = this.#flights.filter(({ at }) => at <= this.now);
    this.#flights = this.#flights.filter(({ at }) => at > this.now);
    for (const { to, echoOf, bytes } of arrived) {
      const speaker = this.#speakers[to];
      if (echoOf !== undefined) this.carryOut(to, speaker.receiveEcho(bytes, this.now) ?? []);
      else {
        const source = this.#addresses[to === "a" ? "b" : "a"];
        const destination = this.#addresses[to];
        const parts = { hops: this.#hops, source, destination };
        this.carryOut(to, speaker.receive(datagram(bytes, parts), this.now));
      }
    }
  }

  #note(name: Name, text: string): void {
    this.trace.push(`${formatSeconds(this.now)} ${name} ${text}`);
  }
}
