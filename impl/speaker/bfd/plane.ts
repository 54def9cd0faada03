// BFD of this node on its sockets. Peers name their sessions; those between the same two addresses share one.
import { type Effect, type Input, type Link, type Random } from "../../ports.ts";
import { unreachable } from "../../wire/brand.ts";
import { type Ip, isIpv4 } from "../../wire/ip.ts";
import { earliest, type Micros } from "../../wire/time.ts";
import { type BfdConfig } from "./config.ts";
import { type BfdMetrics } from "./metrics.ts";
import { type BfdDropReason, type BfdPath, BfdSessions, type BfdSessionsEffect } from "./sessions.ts";
import { sharedConfig } from "./shared-config.ts";
import { EchoFrames } from "./echo-frames.ts";
import { BfdSockets, type Purpose } from "./sockets.ts";
import { type BfdView, viewOf } from "./view.ts";

export type BfdChange = Extract<BfdSessionsEffect, { readonly kind: "changed" }>;

export interface BfdOutcome {
  readonly effects: readonly Effect[];
  /** Of the keys that are open. */
  readonly changes: readonly BfdChange[];
}

type BfdInput = Extract<Input, { readonly kind: "datagram" | "socketFailed" }>;
type Datagram = Extract<Input, { readonly kind: "datagram" }>;

/** What several keys share. */
interface Session {
  readonly id: string;
  readonly path: BfdPath;
  readonly configs: Map<string, BfdConfig>;
  changedAt: Micros;
}

export class BfdPlane {
  readonly #sessions: BfdSessions;
  readonly #sockets: BfdSockets;
  readonly #echoes = new EchoFrames();
  readonly #metrics: BfdMetrics;
  /** By path; a closed one stays until its peer has been told. */
  readonly #byId = new Map<string, Session>();
  readonly #byKey = new Map<string, Session>();

  constructor(random: Random, metrics: BfdMetrics) {
    this.#sessions = new BfdSessions(
      random,
      (path, what) => metrics.count(path, what),
      (because) => metrics.drop(because),
    );
    this.#sockets = new BfdSockets(random);
    this.#metrics = metrics;
  }

  /** Starts a session under `key`, joins the one that runs on the same path, or changes how it runs. */
  open(key: string, path: BfdPath, config: BfdConfig, now: Micros): BfdOutcome {
    const id = idOf(path);
    const before = this.#byKey.get(key);
    const closed = before === undefined || before.id === id ? NOTHING : this.close(key, now);
    const session = this.#byId.get(id) ?? { id, path, configs: new Map<string, BfdConfig>(), changedAt: now };
    this.#byId.set(id, session);
    this.#byKey.set(key, session);
    session.configs.set(key, config);
    const shared = this.#shared(session) ?? config;
    const opened = this.#sockets.use(id, path, shared.echoInterval !== undefined);
    const outcome = this.#carryOut(this.#sessions.open(id, path, shared, now), now);
    this.#showState(path);
    return { effects: [...closed.effects, ...opened, ...outcome.effects], changes: outcome.changes };
  }

  /** The peer learns that it is no failure (AdminDown), unless another key needs the session. */
  close(key: string, now: Micros): BfdOutcome {
    const session = this.#byKey.get(key);
    if (session === undefined) return NOTHING;
    this.#byKey.delete(key);
    session.configs.delete(key);
    const shared = this.#shared(session);
    return this.#carryOut(
      shared === undefined
        ? this.#sessions.close(session.id, now)
        : this.#sessions.open(session.id, session.path, shared, now),
      now,
    );
  }

  /** Inputs of sockets that are not BFD's change nothing. */
  receive(input: BfdInput, now: Micros): BfdOutcome {
    if (input.kind === "socketFailed") {
      return { effects: this.#sockets.failed(input.socket, input.because, now), changes: [] };
    }
    const purpose = this.#sockets.purposeOf(input.socket);
    return purpose === undefined ? NOTHING : this.#receive(purpose, input, now);
  }

  /** A captured frame; only Echo packets over IPv4 come so. */
  receiveFrame(link: string, bytes: Uint8Array, now: Micros): BfdOutcome {
    const echo = this.#echoes.receive(link, bytes);
    const done = echo === undefined ? undefined : this.#sessions.receiveEcho(echo, now);
    return done === undefined ? NOTHING : this.#carryOut(done, now);
  }

  setLinks(links: readonly Link[]): BfdOutcome {
    this.#echoes.setLinks(links);
    return { effects: this.#sockets.setLinks(links), changes: [] };
  }

  wake(now: Micros): BfdOutcome {
    const opened = this.#sockets.wake(now);
    const { effects, changes } = this.#carryOut(this.#sessions.wake(now), now);
    return { effects: [...opened, ...effects], changes };
  }

  deadline(): Micros | undefined {
    return earliest(this.#sessions.deadline(), this.#sockets.deadline());
  }

  session(key: string): BfdView | undefined {
    const session = this.#byKey.get(key);
    return session === undefined ? undefined : this.#view(session);
  }

  /** All sessions; one that was closed and only tells its peer so is none any more. */
  views(): readonly BfdView[] {
    return [...this.#byId.values()].flatMap((session) => this.#view(session) ?? []);
  }

  /** How many packets changed nothing, by reason. */
  get drops(): ReadonlyMap<BfdDropReason, number> {
    return this.#sessions.drops;
  }

  #view({ id, path, configs, changedAt }: Session): BfdView | undefined {
    const session = this.#sessions.session(id);
    const counters = this.#sessions.counters(id);
    if (session === undefined || counters === undefined) return undefined;
    return viewOf(
      { keys: [...configs.keys()].sort(), path, counters, changedAt, failure: this.#sockets.failureOf(id) },
      session,
    );
  }

  #shared({ configs }: Session): BfdConfig | undefined {
    const [first, ...rest] = configs.values();
    return first === undefined ? undefined : sharedConfig([first, ...rest]);
  }

  #receive(purpose: Purpose, { socket, from, bytes, arrival }: Datagram, now: Micros): BfdOutcome {
    if (arrival === undefined) return NOTHING;
    if (purpose.kind === "receive" && purpose.service !== "echo") {
      const { service: hops, vrf } = purpose;
      const { link, destination, ttl } = arrival;
      return this.#carryOut(
        this.#sessions.receive({ hops, source: from.ip, destination, link, vrf, ttl, bytes }, now),
        now,
      );
    }
    const done = this.#sessions.receiveEcho(bytes, now);
    if (done !== undefined) return this.#carryOut(done, now);
    if (purpose.kind === "send") return NOTHING;
    // Only what comes straight from a peer that was offered it is returned, and only once.
    if (arrival.ttl !== 255 || !this.#returnsEchoesTo(from.ip, purpose.vrf)) return NOTHING;
    return { effects: [{ kind: "sendDatagram", socket, to: from, bytes }], changes: [] };
  }

  #returnsEchoesTo(peer: Ip, vrf: string | undefined): boolean {
    return [...this.#byId.values()].some(({ path, configs }) => {
      const offered = [...configs.values()].some(({ echoInterval }) => echoInterval !== undefined);
      return path.peer === peer && path.vrf === vrf && offered;
    });
  }

  #carryOut(done: readonly BfdSessionsEffect[], now: Micros): BfdOutcome {
    const effects: Effect[] = [];
    const changes: BfdChange[] = [];
    for (const effect of done) {
      switch (effect.kind) {
        case "sendControl":
          effects.push(...this.#sockets.send(effect.key, effect.path.hops, effect.bytes));
          break;
        case "sendEcho":
          effects.push(...this.#sendEcho(effect.key, effect.path, effect.bytes, now));
          break;
        case "changed":
          changes.push(...this.#change(effect, now));
          break;
        case "ended":
          effects.push(...this.#end(effect.key));
          break;
        default:
          unreachable(effect);
      }
    }
    return { effects, changes };
  }

  /** Over IPv6 the peer's BFD returns it, over IPv4 its forwarding plane: so does FRR, on either side. */
  #sendEcho(id: string, path: BfdPath, bytes: Uint8Array, now: Micros): readonly Effect[] {
    return isIpv4(path.peer) ? this.#echoes.send(id, path, bytes, now) : this.#sockets.send(id, "echo", bytes);
  }

  /** Everybody who shares the session hears of it under his own key. */
  #change(change: BfdChange, now: Micros): readonly BfdChange[] {
    const session = this.#byId.get(change.key);
    if (session === undefined) return [];
    session.changedAt = now;
    this.#showState(session.path);
    return [...session.configs.keys()].map((key) => ({ ...change, key }));
  }

  #end(id: string): readonly Effect[] {
    const session = this.#byId.get(id);
    this.#byId.delete(id);
    if (session !== undefined) this.#showState(session.path);
    return [...this.#echoes.release(id), ...this.#sockets.release(id)];
  }

  /** One series stands for all sessions with a peer: it is up when all of them are. */
  #showState({ peer, vrf }: BfdPath): void {
    const states = [...this.#byId.values()]
      .filter(({ path }) => path.peer === peer && path.vrf === vrf)
      .map(({ id }) => this.#sessions.session(id)?.kind);
    if (states.length === 0) this.#metrics.forget(peer, vrf);
    else
      this.#metrics.state(
        peer,
        vrf,
        states.every((state) => state === "up"),
      );
  }
}

const NOTHING: BfdOutcome = { effects: [], changes: [] };

function idOf({ hops, peer, local, link, vrf }: BfdPath): string {
  return [hops, peer, local ?? "", link ?? "", vrf ?? ""].join(" ");
}
