import { type Ip, isIpv4, isLinkLocal } from "../../../impl/wire/ip.ts";
import { type Mac } from "../../../impl/wire/mac.ts";
import { contains, maskTo } from "../../../impl/wire/prefix.ts";
import { micros, millis, type Micros, plus, seconds } from "../../../impl/wire/time.ts";
import { type World as SimWorld } from "../../../sim/create-world.ts";
import { type Host } from "../../../sim/host/host.ts";
import { Probe as SimProbe, type ProbeResult, request } from "../../../sim/host/probe.ts";
import { type ProbeKind } from "../../../sim/host/probe-method.ts";
import {
  type Answer,
  type Client,
  type Datagrams,
  type Ending,
  type Flows,
  type Listening,
  type Overheard,
  type Probe,
  type ProbeReport,
  type RawBgp,
  type Responder,
  type Target,
} from "../../world.ts";
import { claimOf } from "../claims.ts";
import { ending } from "../ending.ts";
import { answerIn, type Asker, question } from "../question.ts";
import { type Stage } from "./clock.ts";
import { openFlows } from "./flows.ts";
import { type RawBgpOptions, SimRawBgp } from "./raw-bgp.ts";
import { SimDatagrams } from "./datagrams.ts";
import { type Wiring } from "./wiring.ts";

const ASK: Micros = millis(250);
const REQUEST_TIMEOUT: Micros = seconds(2);
const PROBE_EVERY: Micros = millis(10);
const PROBE_TIMEOUT: Micros = millis(200);
const MANAGEMENT_LINK = "eth0";
const NO_API = { request: () => {}, abort: () => {} };

const kindOf = (target: Target): ProbeKind => (target.protocol === "UDP" ? "udp" : "tcp");

function answerOf({ outcome }: ProbeResult): Answer {
  if (outcome.kind === "failed") return { outcome: outcome.because === "closed" ? "reset" : outcome.because };
  const [pod = "", node = "", seenAs = ""] = outcome.answer.split(" ");
  return { outcome: "ok", pod, node, seenAs: seenAs as Ip };
}

function reportOf(probe: SimProbe): ProbeReport {
  const { results } = probe;
  // A gap that has not ended lasts until the last probe that was sent.
  const last = results.at(-1)?.at ?? micros(0);
  const gaps = probe.gaps.map(({ from, to, missed }) => ({ from, to: to ?? last, missed }));
  return {
    sent: results.length,
    ok: results.filter(({ outcome }) => outcome.kind === "ok").length,
    gaps,
    outage: micros(Math.max(0, ...gaps.map(({ from, to }) => to - from))),
    resets: results.filter(
      ({ outcome }) => outcome.kind === "failed" && (outcome.because === "reset" || outcome.because === "closed"),
    ).length,
  };
}

/** A client of a simulated world. What it does takes simulated time. */
export class SimClient implements Client {
  readonly name: string;
  readonly #world: SimWorld;
  readonly #host: Host;
  readonly #stage: Stage;
  readonly #wiring: Wiring;
  #asked = 0;

  constructor(world: SimWorld, host: Host, stage: Stage, wiring: Wiring) {
    this.name = host.name;
    this.#world = world;
    this.#host = host;
    this.#stage = stage;
    this.#wiring = wiring;
  }

  async flows(options: Parameters<Client["flows"]>[0]): Promise<Flows> {
    const router = this.#wiring.hosts.get(options.router);
    if (router === undefined) throw new Error(`there is no router "${options.router}"`);
    return openFlows(this.#host, router, this.#stage, options);
  }

  async rawBgp(options: RawBgpOptions): Promise<RawBgp> {
    return new SimRawBgp(
      this.#host,
      options,
      () => this.#stage.now(),
      () => this.#stage.touch(),
    );
  }

  async datagrams(port: number): Promise<Datagrams> {
    return new SimDatagrams(this.#host, port, () => this.#stage.now());
  }

  get mac(): Mac {
    return this.#host.interface(this.#linkTo(undefined)).mac;
  }

  /** The interface whose subnet an address is in; else the first that is not for management. */
  #linkTo(vip: Ip | undefined): string {
    const links = this.#host.links().filter(({ name }) => name !== "lo" && name !== MANAGEMENT_LINK);
    const near = links.find(({ addresses }) =>
      addresses.some(({ ip, length }) => vip !== undefined && !isLinkLocal(ip) && contains(maskTo(ip, length), vip)),
    );
    const link = near ?? links[0];
    if (link === undefined) throw new Error(`${this.name} has no interface`);
    return link.name;
  }

  #asker(link: string, vip: Ip): Asker {
    const found = this.#host.interface(link);
    const own = found.addresses.find(({ ip }) => isIpv4(ip) === isIpv4(vip) && !isLinkLocal(ip));
    return { mac: found.mac, ip: own?.ip };
  }

  async request(target: Target & { readonly timeout?: Micros }): Promise<Answer> {
    let answer: Answer | undefined;
    const { vip, port = 80, timeout = REQUEST_TIMEOUT } = target;
    request(this.#world, this.#host, { kind: kindOf(target), target: { ip: vip, port }, timeout }, (result) => {
      answer = answerOf(result);
      this.#stage.touch();
    });
    this.#stage.until(() => answer !== undefined, plus(this.#stage.now(), plus(timeout, millis(1))));
    return answer ?? { outcome: "timeout" };
  }

  async probe(target: Target & { readonly every?: Micros; readonly timeout?: Micros }): Promise<Probe> {
    return this.#start(kindOf(target), target);
  }

  async connection(target: Target & { readonly every?: Micros }): Promise<Probe> {
    return this.#start("stream", target);
  }

  #start(kind: ProbeKind, target: Target & { readonly every?: Micros; readonly timeout?: Micros }): Probe {
    const { vip, port = 80, every = PROBE_EVERY, timeout = PROBE_TIMEOUT } = target;
    const name = `${this.name}/${kind}-${vip}-${port}`;
    const probe = new SimProbe(this.#world, this.#host, { name, kind, target: { ip: vip, port }, every, timeout });
    probe.start();
    return {
      end: async () => {
        const settled = plus(this.#stage.now(), plus(timeout, millis(1)));
        probe.stop();
        // Probes that are ended together all stop here, before time passes: those under way still count.
        await Promise.resolve();
        this.#stage.until(() => false, settled);
      },
      report: async () => reportOf(probe),
    };
  }

  async whoHas(
    vip: Ip,
    options: { readonly link?: string; readonly unicastTo?: Mac; readonly dad?: boolean } = {},
  ): Promise<readonly Responder[]> {
    const link = options.link ?? this.#linkTo(vip);
    const own = this.#asker(link, vip);
    const asker = options.dad === true ? { mac: own.mac, ip: undefined } : own;
    const found = new Map<Mac, Responder>();
    const asking = this.#host.openPorts(
      `asker-${this.#asked++}`,
      (input) => {
        const mac = input.kind === "frame" ? answerIn(input.bytes, vip, asker) : undefined;
        if (mac === undefined) return;
        const owner = this.#wiring.macs.get(mac);
        found.set(mac, { mac, node: owner?.station, link: owner?.link });
      },
      NO_API,
    );
    asking.run({ kind: "openLink", link });
    asking.run({ kind: "sendFrame", link, bytes: question(vip, asker, options.unicastTo) });
    this.#stage.until(() => false, plus(this.#stage.now(), ASK));
    asking.kill();
    return [...found.values()];
  }

  async ping(vip: Ip): Promise<boolean> {
    let answered: boolean | undefined;
    request(
      this.#world,
      this.#host,
      { kind: "icmp", target: { ip: vip, port: 0 }, timeout: seconds(1) },
      ({ outcome }) => {
        answered = outcome.kind === "ok";
        this.#stage.touch();
      },
    );
    this.#stage.until(() => answered !== undefined, plus(this.#stage.now(), seconds(1.1)));
    return answered ?? false;
  }

  async neighbour(vip: Ip): Promise<{ readonly mac: Mac | undefined; readonly state: string } | undefined> {
    const link = this.#host.interface(this.#linkTo(vip));
    const table = isIpv4(vip) ? link.arp.table : link.ndp.table;
    const entry = table.get(vip);
    if (entry === undefined) return undefined;
    return { mac: "mac" in entry ? entry.mac : undefined, state: entry.kind };
  }

  async claim(vip: Ip): Promise<Ending> {
    const link = this.#linkTo(vip);
    const length = isIpv4(vip) ? 32 : 128;
    this.#host.addAddress(link, { ip: vip, length });
    const found = this.#host.interface(link);
    if (isIpv4(vip)) found.arp.announce();
    else found.ndp.announce();
    return ending(() => this.#host.removeAddress(link, vip));
  }

  async listen(): Promise<Listening> {
    const heard: Overheard[] = [];
    const name = `listener-${this.#asked++}`;
    const ears = this.#host.openPorts(
      name,
      (input) => {
        const claim = input.kind === "frame" ? claimOf(input.bytes) : undefined;
        if (claim !== undefined) heard.push({ at: this.#stage.now(), ip: claim.ip, mac: claim.mac, how: claim.how });
      },
      NO_API,
    );
    ears.run({ kind: "openLink", link: this.#linkTo(undefined) });
    return {
      about: async (ip) => heard.filter((said) => said.ip === ip),
      end: async () => ears.kill(),
    };
  }

  async send(frame: Uint8Array): Promise<void> {
    this.#host.device(this.#linkTo(undefined))?.transmit(frame);
  }
}
