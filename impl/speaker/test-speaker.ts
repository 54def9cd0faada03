// One speaker for a test, played with facts; what it does comes out as short lines.
import { type Config, type Pool } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { Metrics } from "../metrics.ts";
import { type Link } from "../ports.ts";
import { formatSeconds, type Micros, micros, seconds } from "../wire/time.ts";
import { type Endpoints } from "./endpoints.ts";
import { Layer2 } from "./layer2/layer2.ts";
import { Layer2Metrics } from "./layer2/metrics.ts";
import { SpeakerMetrics } from "./metrics.ts";
import { type NodeFacts } from "./node-facts.ts";
import { type SpeakerEffect } from "./protocol.ts";
import { Speaker } from "./speaker.ts";

export const configOf = (...pools: readonly Pool[]): Config => ({
  pools: new Map(pools.map((pool) => [pool.name, pool])),
  peers: new Map(),
  bfdProfiles: new Map(),
});

function line(effect: SpeakerEffect): string | undefined {
  switch (effect.kind) {
    case "event":
      return `event ${effect.service.metadata.name} ${effect.type} ${effect.reason}: ${effect.message}`;
    case "layer2Status":
      return `status ${effect.service} ${effect.interfaces === undefined ? "none" : `[${effect.interfaces.join(" ")}]`}`;
    case "log":
      return `${effect.event} ${Object.values(effect.fields).join(" ")}`;
    default:
      return undefined;
  }
}

export class TestSpeaker {
  readonly metrics = new Metrics();
  readonly speaker: Speaker;
  readonly frames: string[] = [];
  #now: Micros = micros(0);
  #members: ReadonlySet<string>;
  #trace: string[] = [];

  constructor(node: string, options: { ignoreExcludeLabel?: boolean; lbClass?: string; membership?: boolean } = {}) {
    this.#members = new Set([node]);
    const layer2 = new Layer2(node, {
      exclude: undefined,
      refresh: undefined,
      probeFirst: false,
      metrics: new Layer2Metrics(this.metrics),
    });
    this.speaker = new Speaker({
      node,
      lbClass: options.lbClass ?? "",
      ignoreExcludeLabel: options.ignoreExcludeLabel ?? false,
      membership: options.membership ?? true,
      protocols: [layer2],
      metrics: new SpeakerMetrics(this.metrics, node),
    });
  }

  start(): this {
    return this.#note(this.speaker.start(this.#now));
  }

  config(...pools: readonly Pool[]): this {
    const outcome = this.speaker.setConfig(configOf(...pools), this.#now);
    if (outcome.accepted) return this.#note(outcome.effects);
    this.#trace.push(`config refused: ${outcome.because} ${outcome.orphan.service}`);
    return this;
  }

  service(key: string, service: Service | undefined): this {
    return this.#note(this.speaker.setService(key, service, this.#now));
  }

  endpoints(key: string, endpoints: Endpoints | undefined): this {
    return this.#note(this.speaker.setEndpoints(key, `${key}-1`, endpoints, this.#now));
  }

  nodes(...nodes: readonly NodeFacts[]): this {
    for (const facts of nodes) this.#note(this.speaker.setNode(facts.name, facts, this.#now));
    return this;
  }

  forgetNode(name: string): this {
    return this.#note(this.speaker.setNode(name, undefined, this.#now));
  }

  /** Who is alive from now on. */
  members(...names: readonly string[]): this {
    const joined = names.filter((name) => !this.#members.has(name));
    const left = [...this.#members].filter((name) => !names.includes(name));
    this.#members = new Set(names);
    for (const name of left) this.#note(this.speaker.memberLeft(name, this.#now));
    for (const name of joined) this.#note(this.speaker.memberJoined(name, this.#now));
    return this;
  }

  links(...links: readonly Link[]): this {
    return this.#note(this.speaker.setLinks(links, this.#now));
  }

  /** Lets time pass, waking at each deadline. */
  wait(count: number): this {
    const until = micros(this.#now + seconds(count));
    for (let at = this.speaker.deadline(); at !== undefined && at <= until; at = this.speaker.deadline()) {
      this.#now = at;
      this.#note(this.speaker.wake(at));
    }
    this.#now = until;
    return this;
  }

  /** What happened since the last call. */
  trace(): readonly string[] {
    const trace = this.#trace;
    this.#trace = [];
    return trace;
  }

  #note(effects: readonly SpeakerEffect[]): this {
    for (const effect of effects) {
      if (effect.kind === "sendFrame") this.frames.push(`${formatSeconds(this.#now)} ${effect.link}`);
      const text = line(effect);
      if (text !== undefined) this.#trace.push(text);
    }
    return this;
  }
}
