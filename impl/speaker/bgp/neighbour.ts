// One BGPPeer as this node runs it: where it is dialled, by which names its connections go, and what people hear of it.
import { type Peer } from "../../api/config.ts";
import { type Link, type LogLevel, type Random } from "../../ports.ts";
import { type UpdateFault } from "../../wire/bgp/update-faults.ts";
import { type Ip, type Ipv4, isIpv4, UNSPECIFIED_V6 } from "../../wire/ip.ts";
import { hexOf } from "../../wire/text.ts";
import { inSeconds, type Micros, minus, minutes, plus, seconds } from "../../wire/time.ts";
import { type SocketInput, type SpeakerEffect } from "../protocol.ts";
import { BgpPeer, type BgpPeerEffect } from "./bgp-peer.ts";
import { connectOptions } from "./connect-options.ts";
import { type BgpMetrics, type PeerSeries } from "./metrics.ts";
import { type LocalSide } from "./next-hops.ts";
import { identityOf, type PeerError, type PeerView } from "./peer-view.ts";
import { type RibOut } from "./rib-out.ts";
import { defaultRouterId } from "./router-id.ts";
import { sessionConfig } from "./session/config.ts";
import { describeDown, type DownReason, type Intent, type SessionState } from "./session/state.ts";

export interface NeighbourOptions {
  /** Its connections are called `id/1`, `id/2` … */
  readonly id: string;
  readonly node: string;
  readonly peer: Peer;
  /** Where the peer is: its address, or what was heard on its interface. */
  readonly address: Ip;
  readonly rib: RibOut;
  readonly random: Random;
  readonly metrics: BgpMetrics;
  readonly requireTtl: boolean;
}

/** Between two UPDATEs in the log, and two that are wrong in the same way: a router that sends nothing else does so for days. */
const FAULTS_APART = seconds(1);
const SAME_FAULTS_APART = minutes(1);

type StreamInput = Extract<SocketInput, { readonly stream: string }>;

export class Neighbour {
  readonly #options: NeighbourOptions;
  readonly #bgp: BgpPeer;
  readonly #series: PeerSeries;
  #links: readonly Link[];
  #local: { readonly address: Ip; readonly routerId: Ipv4; readonly link: string | undefined } | undefined;
  #upAt: Micros | undefined;
  #lastError: PeerError | undefined;
  /** The last NOTIFICATION of either side. */
  #last: { readonly sent?: PeerError; readonly received?: PeerError } = {};
  /** What was last said about attempts that fail, which is not said again. */
  #told: string | undefined;
  /** The last UPDATE that was wrong and is in the log. */
  #toldFault: { readonly because: string; readonly at: Micros } | undefined;
  #stopping = false;

  constructor(options: NeighbourOptions, links: readonly Link[]) {
    const { node, peer, address, rib, random, metrics } = options;
    this.#options = options;
    this.#links = links;
    this.#bgp = new BgpPeer(sessionConfig(peer, configuredRouterId(peer) ?? nodeRouterId(node), node), rib, random);
    const where = peer.peer.kind === "interface" ? peer.peer.name : address;
    this.#series = metrics.seriesOf(`${where}:${peer.peerPort}`, peer.vrf);
    this.#count();
  }

  get id(): string {
    return this.#options.id;
  }

  get peer(): Peer {
    return this.#options.peer;
  }

  get address(): Ip {
    return this.#options.address;
  }

  get isUp(): boolean {
    return this.#bgp.session.negotiated !== undefined;
  }

  /** A session was up, now or before. */
  get wasUp(): boolean {
    return this.#upAt !== undefined;
  }

  /** This side of the last connection; another object for each. */
  get local(): { readonly address: Ip; readonly link: string | undefined } | undefined {
    return this.#local;
  }

  /** How many bytes wait for the peer to take them. */
  get waiting(): number {
    return this.#bgp.waiting;
  }

  setLinks(links: readonly Link[], now: Micros): readonly SpeakerEffect[] {
    this.#links = links;
    const link = this.#local === undefined ? undefined : this.#linkOf(this.#local.address);
    // Without our own address the session ends soon, and with it everything that was told.
    return link === undefined ? [] : this.#translate(this.#bgp.setAddresses(addressesOf(link), now), now);
  }

  start(now: Micros): readonly SpeakerEffect[] {
    return this.#translate(this.#bgp.start(now), now);
  }

  /** For good. */
  stop(intent: Intent, now: Micros): readonly SpeakerEffect[] {
    this.#stopping = true;
    const effects = this.#translate(this.#bgp.stop(intent, now), now);
    this.#series.remove();
    return effects;
  }

  handle(connection: number, input: StreamInput, now: Micros): readonly SpeakerEffect[] {
    switch (input.kind) {
      case "streamOpened":
        return this.#connected(connection, input.local.ip, now);
      case "streamData": {
        const effects = this.#translate(this.#bgp.receive(connection, input.bytes, now), now);
        // Most of what a peer says has no effect but to be counted.
        if (effects.length === 0) this.#count();
        return effects;
      }
      case "streamBacklog":
        return this.#translate(this.#bgp.backlog(connection, input.bytes, now), now);
      case "streamClosed":
        return this.#translate(this.#bgp.lost(connection, input.because, now), now);
    }
  }

  /** BFD says that the path is gone. */
  bfdChanged(change: Parameters<BgpPeer["bfdChanged"]>[0], now: Micros): readonly SpeakerEffect[] {
    return this.#translate(this.#bgp.bfdChanged(change, now), now);
  }

  flush(now: Micros): readonly SpeakerEffect[] {
    const effects = this.#translate(this.#bgp.flush(now), now);
    this.#count();
    return effects;
  }

  wake(now: Micros): readonly SpeakerEffect[] {
    return this.#translate(this.#bgp.wake(now), now);
  }

  deadline(): Micros | undefined {
    return this.#bgp.deadline();
  }

  view(): Omit<PeerView, "bfd"> {
    const { peer, address, rib } = this.#options;
    const { state, negotiated, counters } = this.#bgp.session;
    return {
      ...identityOf(peer),
      address,
      state: state.kind,
      since: state.kind === "established" ? state.since : undefined,
      local: this.#local,
      negotiated,
      lastError: this.#lastError,
      lastSent: this.#last.sent,
      lastReceived: this.#last.received,
      nextAttempt: nextAttemptOf(state),
      counters,
      routes: rib.told(),
      pending: rib.pending,
    };
  }

  #connected(connection: number, address: Ip, now: Micros): readonly SpeakerEffect[] {
    const { node, peer } = this.#options;
    const link = this.#linkOf(address);
    const onInterface = link === undefined ? [address] : addressesOf(link);
    const local: LocalSide = { address, onInterface };
    const routerId = configuredRouterId(peer) ?? defaultRouterId(address, onInterface, node);
    this.#local = { address, routerId, link: link?.name };
    return this.#translate(this.#bgp.connected(connection, local, now, routerId), now);
  }

  /** Several may have the address: on each there are link-local ones, in each VRF others. That of the peer comes first. */
  #linkOf(address: Ip): Link | undefined {
    const { peer, vrf } = this.#options.peer;
    const device = peer.kind === "interface" ? peer.name : vrf;
    const having = this.#links.filter(({ addresses }) => addresses.some(({ ip }) => ip === address));
    return having.find(({ name, master }) => name === device || (vrf !== undefined && master === vrf)) ?? having[0];
  }

  #translate(effects: readonly BgpPeerEffect[], now: Micros): readonly SpeakerEffect[] {
    if (effects.length === 0) return [];
    const translated = effects.flatMap((effect) => this.#translateOne(effect, now));
    this.#count();
    return translated;
  }

  #translateOne(effect: BgpPeerEffect, now: Micros): readonly SpeakerEffect[] {
    const { peer, address: ip, requireTtl } = this.#options;
    switch (effect.kind) {
      case "connect": {
        const to = { ip, port: peer.peerPort };
        const options = connectOptions(peer, requireTtl);
        return [{ kind: "connect", stream: this.#streamOf(effect.connection), to, options }];
      }
      case "write":
        return [{ kind: "write", stream: this.#streamOf(effect.connection), bytes: effect.bytes }];
      case "close":
        return [{ kind: "closeStream", stream: this.#streamOf(effect.connection), abort: effect.abort }];
      case "changed":
        return [
          this.#log("debug", "bgp.session.changed", { from: effect.from, to: effect.to, because: effect.because }),
        ];
      case "up":
        return this.#sayUp(now);
      case "down":
        return this.#sayDown(effect.wasUp, effect.because, now);
      case "oversized":
        return this.#sayOversized(effect.prefixes);
      case "faulty":
        return this.#sayFaulty(effect.faults, effect.message, now);
    }
  }

  #streamOf(connection: number): string {
    return `${this.#options.id}/${connection}`;
  }

  #sayUp(now: Micros): readonly SpeakerEffect[] {
    const { negotiated } = this.#bgp.session;
    this.#upAt = now;
    this.#told = undefined;
    if (negotiated === undefined) return [];
    const { peerAsn, peerId, families, holdTime, gracefulRestart } = negotiated;
    return [
      this.#log("info", "bgp.session.up", {
        local: this.#local?.address,
        asn: peerAsn,
        routerId: peerId,
        families,
        holdSeconds: inSeconds(holdTime),
        gracefulRestart: gracefulRestart !== undefined,
      }),
      this.#event("Normal", "SessionUp", `node "${this.#options.node}" has a session with ${this.#where()}`),
    ];
  }

  #sayDown(wasUp: boolean, reason: DownReason, now: Micros): readonly SpeakerEffect[] {
    const because = describeDown(reason);
    const lasted = this.#upAt === undefined || !wasUp ? undefined : inSeconds(minus(now, this.#upAt));
    if (this.#stopping) return wasUp ? [this.#log("info", "bgp.session.closed", { because, seconds: lasted })] : [];
    this.#lastError = { text: because, at: now };
    if (reason.kind === "sent" || reason.kind === "received") {
      this.#last = { ...this.#last, [reason.kind]: this.#lastError };
    }
    const { node } = this.#options;
    if (wasUp) {
      const message = `node "${node}" lost its session with ${this.#where()}: ${because}`;
      return [
        this.#log("warn", "bgp.session.down", { because, seconds: lasted }),
        this.#event("Warning", "SessionDown", message),
      ];
    }
    if (this.#told === because) return [this.#log("debug", "bgp.session.failed", { because })];
    this.#told = because;
    const message = `node "${node}" gets no session with ${this.#where()}: ${because}`;
    return [this.#log("warn", "bgp.session.failed", { because }), this.#event("Warning", "SessionFailed", message)];
  }

  #sayOversized(prefixes: readonly string[]): readonly SpeakerEffect[] {
    const message = `the attributes of ${prefixes.join(", ")} leave no room in a message: not announced`;
    return [this.#log("error", "bgp.oversized", { prefixes }), this.#event("Warning", "Oversized", message)];
  }

  /** RFC 7606 section 8 wants the whole message in the log; a peer that sends nothing else must not fill it. */
  #sayFaulty(faults: readonly UpdateFault[], message: Uint8Array, now: Micros): readonly SpeakerEffect[] {
    const [first] = faults;
    if (first === undefined) return [];
    const because = `${first.path} ${first.problem}`;
    const told = this.#toldFault;
    const apart = told?.because === because ? SAME_FAULTS_APART : FAULTS_APART;
    if (told !== undefined && now < plus(told.at, apart)) return [];
    this.#toldFault = { because, at: now };
    return [this.#log("warn", "bgp.update.faulty", { because, action: first.action, message: hexOf(message) })];
  }

  #where(): string {
    const { peer, address } = this.#options;
    const at = peer.peer.kind === "interface" ? `${address} on ${peer.peer.name}` : address;
    return peer.peerPort === 179 ? at : `${at} port ${peer.peerPort}`;
  }

  #log(
    level: LogLevel,
    event: string,
    fields: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>,
  ): SpeakerEffect {
    const { peer, address } = this.#options;
    return { kind: "log", level, event, fields: { peer: peer.name, address, ...fields } };
  }

  #event(type: "Normal" | "Warning", reason: string, message: string): SpeakerEffect {
    return { kind: "peerEvent", peer: this.#options.peer.name, type, reason, message };
  }

  #count(): void {
    const { rib } = this.#options;
    const { negotiated, counters } = this.#bgp.session;
    this.#series.set({ up: negotiated !== undefined, announced: rib.announced, pending: rib.pending, counters });
  }
}

function configuredRouterId({ routerId }: Peer): Ipv4 | undefined {
  return routerId !== undefined && isIpv4(routerId) ? routerId : undefined;
}

function nextAttemptOf(state: SessionState): Micros | undefined {
  if (state.kind === "idle") return state.startAt;
  return state.kind === "connect" ? state.retryAt : undefined;
}

/** Until the first connection shows our address. */
const nodeRouterId = (node: string): Ipv4 => defaultRouterId(UNSPECIFIED_V6, [], node);

const addressesOf = ({ addresses }: Link): readonly Ip[] => addresses.map(({ ip }) => ip);
