import { type Ip, isIpv4, isLinkLocal, parseIp, readIp } from "../../../impl/wire/ip.ts";
import { isMac, type Mac, parseMac } from "../../../impl/wire/mac.ts";
import { contains, maskTo } from "../../../impl/wire/prefix.ts";
import { inMillis, micros, millis, type Micros, seconds } from "../../../impl/wire/time.ts";
import { gapsOf } from "../../../sim/host/probe-gaps.ts";
import { type ProbeOutcome, type ProbeResult } from "../../../sim/host/probe.ts";
import { type InterfaceSpec, type Station } from "../../topology/model.ts";
import {
  type Answer,
  type Client,
  type Ending,
  type Listening,
  type Probe,
  type ProbeReport,
  type RawBgp,
  type Responder,
  type Target,
} from "../../world.ts";
import { claimOf } from "../claims.ts";
import { answerIn, question } from "../question.ts";
import { ending } from "../ending.ts";
import { announcement } from "./announcement.ts";
import { type ClientQuestion, type Heard, type HeardConnection, type MethodName } from "./protocol.ts";
import { type NetnsCluster } from "./cluster.ts";
import { run, tryRun } from "./command.ts";

/** Stations on one bridge answer within a millisecond; a busy machine needs longer. */
const ASK: Micros = millis(200);
const REQUEST_TIMEOUT: Micros = seconds(2);
const PROBE_EVERY: Micros = millis(10);
/**
 * A SYN that is lost is repeated after a second (RFC 6298 section 2.1). What is answered before that was not lost but
 * late, as everything is on a machine with more to do than it can.
 */
const PROBE_TIMEOUT: Micros = millis(900);
const MANAGEMENT_LINK = "eth0";
/** On top of what a question takes by itself. */
const PATIENCE_MS = 5_000;

const methodOf = (target: Target): MethodName => (target.protocol === "UDP" ? "udp" : "tcp");
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

function answerOf(outcome: ProbeOutcome): Answer {
  if (outcome.kind === "failed") return { outcome: outcome.because === "closed" ? "reset" : outcome.because };
  const [pod = "", node = "", from = ""] = outcome.answer.split(" ");
  const seenAs = readIp(from);
  return { outcome: "ok", pod, node, ...(seenAs === undefined ? {} : { seenAs }) };
}

/** `since` turns readings of the machine's clock into the world's time. */
export function reportOf(results: readonly ProbeResult[], since: (reading: Micros) => Micros): ProbeReport {
  // A gap that has not ended lasts until the last probe that was sent.
  const last = results.at(-1)?.at ?? micros(0);
  const gaps = gapsOf(results).map(({ from, to, missed }) => ({
    from: since(from),
    to: since(to ?? last),
    missed,
  }));
  const because = results.map(({ outcome }) => (outcome.kind === "failed" ? outcome.because : undefined));
  return {
    sent: results.length,
    ok: because.filter((reason) => reason === undefined).length,
    gaps,
    outage: micros(Math.max(0, ...gaps.map(({ from, to }) => to - from))),
    resets: because.filter((reason) => reason === "reset" || reason === "closed").length,
  };
}

/** A client in a namespace: its kernel is this machine's. */
export class NetnsClient implements Client {
  readonly name: string;
  readonly #cluster: NetnsCluster;
  readonly #links: readonly InterfaceSpec[];
  #probes = 0;

  constructor(cluster: NetnsCluster, station: Station) {
    this.name = station.name;
    this.#cluster = cluster;
    this.#links = station.interfaces.filter(({ name }) => name !== MANAGEMENT_LINK);
  }

  flows(): Promise<never> {
    return Promise.reject(new Error("this driver does not know the ways of flows"));
  }

  datagrams(): Promise<never> {
    return Promise.reject(new Error("this driver sends no datagrams of the scenario's making"));
  }

  async rawBgp(options: { readonly greet?: readonly Uint8Array[]; readonly md5Key?: string }): Promise<RawBgp> {
    const { greet = [], md5Key } = options;
    const rawBgp = `bgp-${this.#probes++}`;
    const key = md5Key === undefined ? {} : { md5Key };
    await this.#ask({ kind: "startRawBgp", rawBgp, greet: greet.map(base64), ...key });
    const since = (reading: Micros): Micros => this.#cluster.clock.since(reading);
    return {
      send: (bytes) => this.#ask({ kind: "rawBgpSend", rawBgp, bytes: base64(bytes) }),
      connections: async () => {
        const heard = await this.#ask<readonly HeardConnection[]>({ kind: "rawBgpConnections", rawBgp });
        return heard.map(({ at, from, messages, closed }) => ({
          at: since(at),
          from: parseIp(from),
          messages: messages.map((each) => ({ at: since(each.at), bytes: Buffer.from(each.bytes, "base64") })),
          closed: closed === undefined ? undefined : { ...closed, at: since(closed.at) },
        }));
      },
      close: (abort) => this.#ask({ kind: "rawBgpClose", rawBgp, abort }),
      stopReading: async () => {
        await this.#ask({ kind: "rawBgpRead", rawBgp, reading: false });
        return ending(() => this.#ask({ kind: "rawBgpRead", rawBgp, reading: true }));
      },
      ...ending(() => this.#ask({ kind: "stopRawBgp", rawBgp })),
    };
  }

  get mac(): Mac {
    return this.#linkTo(undefined).mac;
  }

  get #namespace(): string {
    return this.#cluster.network.namespace(this.name);
  }

  #ask<T>(ask: ClientQuestion, takes: Micros = micros(0)): Promise<T> {
    return this.#cluster.client(this.name).ask<T>(ask, inMillis(takes) + PATIENCE_MS);
  }

  /** The interface whose subnet an address is in; else the first that is not for management. */
  #linkTo(vip: Ip | undefined): InterfaceSpec {
    const near = this.#links.find(({ addresses }) =>
      addresses.some(({ ip, length }) => vip !== undefined && contains(maskTo(ip, length), vip)),
    );
    const link = near ?? this.#links[0];
    if (link === undefined) throw new Error(`${this.name} has no interface`);
    return link;
  }

  async request(target: Target & { readonly timeout?: Micros }): Promise<Answer> {
    const { vip, port = 80, timeout = REQUEST_TIMEOUT } = target;
    const ask: ClientQuestion = {
      kind: "request",
      method: methodOf(target),
      target: { ip: vip, port },
      timeoutMs: inMillis(timeout),
    };
    return answerOf(await this.#ask<ProbeOutcome>(ask, timeout));
  }

  probe(target: Target & { readonly every?: Micros; readonly timeout?: Micros }): Promise<Probe> {
    return this.#start(methodOf(target), target);
  }

  connection(target: Target & { readonly every?: Micros }): Promise<Probe> {
    return this.#start("stream", target);
  }

  async #start(
    method: MethodName,
    target: Target & { readonly every?: Micros; readonly timeout?: Micros },
  ): Promise<Probe> {
    const { vip, port = 80, every = PROBE_EVERY } = target;
    const timeout = micros(Math.max(target.timeout ?? 0, PROBE_TIMEOUT));
    const probe = `${method}-${vip}-${port}-${this.#probes++}`;
    const times = { everyMs: inMillis(every), timeoutMs: inMillis(timeout) };
    await this.#ask({ kind: "startProbe", probe, method, target: { ip: vip, port }, ...times });
    return {
      end: () => this.#ask({ kind: "stopProbe", probe }, timeout),
      report: async () => {
        const results = await this.#ask<readonly ProbeResult[]>({ kind: "results", probe });
        const report = reportOf(results, (reading) => this.#cluster.clock.since(reading));
        this.#cluster.note(
          `${this.name} probed ${vip} ${report.sent} times; longest outage ${inMillis(report.outage)} ms`,
        );
        return report;
      },
    };
  }

  async whoHas(
    vip: Ip,
    options: { readonly link?: string; readonly unicastTo?: Mac; readonly dad?: boolean } = {},
  ): Promise<readonly Responder[]> {
    const link = this.#links.find(({ name }) => name === options.link) ?? this.#linkTo(vip);
    const own = link.addresses.find(({ ip }) => isIpv4(ip) === isIpv4(vip) && !isLinkLocal(ip));
    const asker = { mac: link.mac, ip: options.dad === true ? undefined : own?.ip };
    const frame = base64(question(vip, asker, options.unicastTo));
    const heard = await this.#ask<readonly string[]>(
      { kind: "exchange", link: link.name, frame, listenMs: inMillis(ASK) },
      ASK,
    );
    const found = new Map<Mac, Responder>();
    for (const bytes of heard) {
      const mac = answerIn(Buffer.from(bytes, "base64"), vip, asker);
      if (mac === undefined) continue;
      const owner = this.#cluster.macs.get(mac);
      found.set(mac, { mac, node: owner?.station, link: owner?.link });
    }
    return [...found.values()];
  }

  async ping(vip: Ip): Promise<boolean> {
    const ping = await tryRun("ip", ["netns", "exec", this.#namespace, "ping", "-n", "-c", "1", "-W", "1", vip]);
    return ping.code === 0;
  }

  async neighbour(vip: Ip): Promise<{ readonly mac: Mac | undefined; readonly state: string } | undefined> {
    const text = await run("ip", ["-n", this.#namespace, "-j", "neigh", "show", vip, "dev", this.#linkTo(vip).name]);
    const [entry]: readonly { readonly lladdr?: string; readonly state: readonly string[] }[] = JSON.parse(
      text || "[]",
    );
    if (entry === undefined) return undefined;
    const { lladdr = "", state } = entry;
    return { mac: isMac(lladdr) ? parseMac(lladdr) : undefined, state: (state[0] ?? "").toLowerCase() };
  }

  async claim(vip: Ip): Promise<Ending> {
    const { name, mac } = this.#linkTo(vip);
    const prefix = `${vip}/${isIpv4(vip) ? 32 : 128}`;
    const address = (verb: string): Promise<string> =>
      run("ip", ["-n", this.#namespace, "address", verb, prefix, "dev", name]);
    await address("add");
    await this.send(announcement(vip, mac));
    let ended = false;
    return {
      end: async () => {
        if (!ended) await address("del");
        ended = true;
      },
    };
  }

  async listen(): Promise<Listening> {
    const listening = `ears-${this.#probes++}`;
    await this.#ask({ kind: "listen", listening, link: this.#linkTo(undefined).name });
    return {
      about: async (ip) => {
        const heard = await this.#ask<readonly Heard[]>({ kind: "heard", listening });
        return heard.flatMap(({ at, frame }) => {
          const claim = claimOf(Buffer.from(frame, "base64"));
          if (claim?.ip !== ip) return [];
          return [{ at: this.#cluster.clock.since(at), ip, mac: claim.mac, how: claim.how }];
        });
      },
      end: () => this.#ask({ kind: "stopListening", listening }),
    };
  }

  async send(frame: Uint8Array): Promise<void> {
    await this.#ask({ kind: "exchange", link: this.#linkTo(undefined).name, frame: base64(frame), listenMs: 0 });
  }
}
