// BGP as a whole: which Services this node announces, to which peers, and the sessions that carry it.
import { type Config, type Peer } from "../../api/config.ts";
import { type Link, type Random } from "../../ports.ts";
import { type Ip } from "../../wire/ip.ts";
import { earliest, type Micros, plus, seconds } from "../../wire/time.ts";
import { type Candidate, Election } from "../layer2/election.ts";
import { type BfdMetrics } from "../bfd/metrics.ts";
import { type BfdOutcome, BfdPlane } from "../bfd/plane.ts";
import { type BfdView } from "../bfd/view.ts";
import { type NodeFacts } from "../node-facts.ts";
import { type LinksOutcome, type Protocol, type SocketInput, type SpeakerEffect, type Verdict } from "../protocol.ts";
import { type Subject } from "../subject.ts";
import { Advertiser, peersFor } from "./advertise/advertiser.ts";
import { describeConflict, eligibilityOf } from "./advertise/eligibility.ts";
import { type BgpMetrics } from "./metrics.ts";
import { Neighbour } from "./neighbour.ts";
import { PathWatch } from "./path-watch.ts";
import { type PeerView, type ServiceView, unheard } from "./peer-view.ts";
import { type Intent } from "./session/state.ts";
import { InterfacePeers, type InterfacePeersOutcome } from "./unnumbered/interface-peers.ts";

export interface BgpOptions {
  readonly ignoreExcludeLabel: boolean;
  readonly random: Random;
  readonly metrics: BgpMetrics;
  readonly bfdMetrics: BfdMetrics;
  /** RFC 5082: segments of eBGP peers on the link must carry the greatest TTL. */
  readonly requireTtl: boolean;
}

/** Every stream of BGP is called `bgp/PEER/GENERATION/CONNECTION`. */
const PREFIX = "bgp/";
/** How long the end waits for peers that are slow to take the last words. */
const LAST_WORDS = seconds(1);

export class Bgp implements Protocol {
  readonly name = "bgp";
  readonly #node: string;
  readonly #options: BgpOptions;
  readonly #advertiser: Advertiser;
  /** By the name of the BGPPeer. */
  readonly #neighbours = new Map<string, Neighbour>();
  /** The same by the names of their streams. */
  readonly #byId = new Map<string, Neighbour>();
  /** Whether any other node announces what this one does not. */
  readonly #others: Election;
  readonly #verdicts = new Map<string, ServiceView>();
  readonly #watch: PathWatch;
  readonly #interfacePeers: InterfacePeers;
  #generation = 0;
  #peers: ReadonlyMap<string, Peer> = new Map();
  /** Those of this node. */
  #wanted: ReadonlyMap<string, Peer> = new Map();
  #me: NodeFacts | undefined;
  #links: readonly Link[] = [];
  #phase: "waiting" | "running" | "stopped" = "waiting";
  #endsAt: Micros | undefined;

  constructor(node: string, options: BgpOptions) {
    this.#node = node;
    this.#options = options;
    this.#advertiser = new Advertiser(options.ignoreExcludeLabel);
    this.#others = new Election(node);
    this.#watch = new PathWatch(new BfdPlane(options.random, options.bfdMetrics));
    this.#interfacePeers = new InterfacePeers(options.random, (link) => this.#hasSessionOn(link));
  }

  /** What a session that comes up tells its peer must be all that there is: its end is told too (RFC 4724 section 2). */
  start(now: Micros): readonly SpeakerEffect[] {
    this.#phase = "running";
    return this.#setNeighbours(now);
  }

  stop(now: Micros): readonly SpeakerEffect[] {
    this.#phase = "stopped";
    this.#endsAt = plus(now, LAST_WORDS);
    return [...this.#neighbours].flatMap(([name, neighbour]) => [
      ...neighbour.stop("restart", now),
      ...this.#watch.release(name, now).effects,
    ]);
  }

  ended(now: Micros): boolean {
    if (this.#endsAt === undefined || this.#endsAt <= now) return true;
    return [...this.#neighbours.values()].every(({ waiting }) => waiting === 0);
  }

  setConfig({ peers, bfdProfiles }: Config, now: Micros): readonly SpeakerEffect[] {
    this.#peers = peers;
    this.#watch.setProfiles(bfdProfiles);
    return this.#setNeighbours(now);
  }

  setOwnNode(facts: NodeFacts | undefined, now: Micros): readonly SpeakerEffect[] {
    this.#me = facts;
    return this.#setNeighbours(now);
  }

  judge(subject: Subject): Verdict {
    const { key } = subject;
    const verdict = this.#advertiser.judge(subject, this.#me);
    if (verdict.announce) {
      this.#others.close(key);
      return { announce: true };
    }
    const { because, conflict } = verdict;
    const vacant = this.#openContest(subject) === "vacant";
    const before = this.#verdicts.get(key);
    const detail = conflict === undefined ? undefined : describeConflict(conflict);
    const view: ServiceView = { service: key, announced: false, because, ...(detail === undefined ? {} : { detail }) };
    this.#verdicts.set(key, view);
    const known = before?.announced === false && before.detail === detail;
    return { announce: false, because, vacant, complaint: known ? undefined : complaintOf(detail) };
  }

  announce({ key }: Subject): readonly SpeakerEffect[] {
    const peers = this.#advertiser.peersOf(key);
    this.#verdicts.set(key, { service: key, announced: true, peers });
    return [{ kind: "bgpStatus", service: key, peers: peers.length === 0 ? undefined : peers }];
  }

  withdraw(key: string): readonly SpeakerEffect[] {
    this.#advertiser.withdraw(key);
    return [{ kind: "bgpStatus", service: key, peers: undefined }];
  }

  forget(key: string): void {
    this.#advertiser.withdraw(key);
    this.#others.close(key);
    this.#verdicts.delete(key);
  }

  flush(now: Micros): readonly SpeakerEffect[] {
    return [...this.#neighbours.values()].flatMap((neighbour) => neighbour.flush(now));
  }

  enter(candidate: Candidate): readonly string[] {
    return this.#others.enter(candidate);
  }

  leave(name: string): readonly string[] {
    return this.#others.leave(name);
  }

  setLinks(links: readonly Link[], now: Micros): LinksOutcome {
    this.#links = links;
    const told = [...this.#neighbours.values()].flatMap((neighbour) => neighbour.setLinks(links, now));
    const watched = this.#takeBfd(this.#watch.setLinks(links), now);
    const interfaces = this.#takeInterfaces(this.#interfacePeers.setLinks(links, now), now);
    return { effects: [...told, ...watched, ...interfaces, ...this.#followAll(now)], keys: [] };
  }

  receive(link: string, bytes: Uint8Array, now: Micros): readonly SpeakerEffect[] {
    return [
      ...this.#takeInterfaces(this.#interfacePeers.receive(link, bytes, now), now),
      ...this.#takeBfd(this.#watch.plane.receiveFrame(link, bytes, now), now),
    ];
  }

  handle(input: SocketInput, now: Micros): readonly SpeakerEffect[] {
    if (!("stream" in input)) return this.#takeBfd(this.#watch.plane.receive(input, now), now);
    const slash = input.stream.lastIndexOf("/");
    const neighbour = this.#byId.get(input.stream.slice(0, slash));
    if (neighbour === undefined) return [];
    const effects = neighbour.handle(Number(input.stream.slice(slash + 1)), input, now);
    return [...effects, ...this.#follow(neighbour, now)];
  }

  /** Peers hear nothing of members. */
  refresh(): readonly SpeakerEffect[] {
    return [];
  }

  /** A session that outlived a sleep is as good as before; the others are dialled again. */
  hold(): void {}

  release(): readonly SpeakerEffect[] {
    return [];
  }

  wake(now: Micros): readonly SpeakerEffect[] {
    if (this.#phase === "stopped") {
      if (this.ended(now)) this.#endsAt = undefined;
      return [];
    }
    const bfd = this.#takeBfd(this.#watch.plane.wake(now), now);
    const interfaces = this.#takeInterfaces(this.#interfacePeers.wake(now), now);
    const sessions = [...this.#neighbours.values()].flatMap((neighbour) => {
      const deadline = neighbour.deadline();
      return deadline === undefined || deadline > now ? [] : neighbour.wake(now);
    });
    return [...bfd, ...interfaces, ...sessions];
  }

  deadline(): Micros | undefined {
    if (this.#phase === "stopped") return this.#endsAt;
    const deadlines = [...this.#neighbours.values()].map((neighbour) => neighbour.deadline());
    return earliest(this.#watch.plane.deadline(), this.#interfacePeers.deadline(), ...deadlines);
  }

  /** Of this node, by name. */
  peers(): readonly PeerView[] {
    const views = [...this.#wanted.values()].map((peer): PeerView => {
      const neighbour = this.#neighbours.get(peer.name);
      if (neighbour === undefined) return unheard(peer, this.#advertiser.rib(peer.name)?.pending ?? 0);
      return { ...neighbour.view(), bfd: this.#watch.plane.session(peer.name) };
    });
    return views.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Every session of BFD; peers between the same two addresses share one. */
  bfdSessions(): readonly BfdView[] {
    return this.#watch.plane.views();
  }

  /** Every Service that has an address, by name. */
  services(): readonly ServiceView[] {
    return [...this.#verdicts.values()].sort((a, b) => (a.service < b.service ? -1 : 1));
  }

  /** There is no election in BGP; this one only tells whether there is anybody at all. */
  #openContest(subject: Subject): "owner" | "outranked" | "vacant" {
    const [ip] = subject.ips;
    if (ip === undefined) return "vacant";
    const { key, pool, service, endpoints } = subject;
    const bgpAdvertisements = [...pool.bgpAdvertisements, ...pool.foreignBgpAdvertisements];
    const everywhere: Subject = { ...subject, pool: { ...pool, bgpAdvertisements } };
    const preference = (node: Candidate): number | undefined => {
      const facts = { ...node, networkUnavailable: false, excluded: false };
      return eligibilityOf(everywhere, facts, true).eligible ? 0 : undefined;
    };
    const local = service.spec.externalTrafficPolicy === "Local";
    return this.#others.open(key, { ip, preference, among: local ? endpoints.nodes : undefined });
  }

  #setNeighbours(now: Micros): readonly SpeakerEffect[] {
    const peers = peersFor(this.#peers.values(), this.#me?.labels ?? {});
    this.#wanted = new Map(peers.map((peer) => [peer.name, peer]));
    this.#advertiser.setPeers(new Set(this.#wanted.keys()));
    if (this.#phase !== "running") return [];
    const interfaces = peers.flatMap(({ peer }) => (peer.kind === "interface" ? [peer.name] : []));
    const { effects } = this.#interfacePeers.setInterfaces(new Set(interfaces), now);
    return [...effects, ...this.#settle(now)];
  }

  /** A peer that is as it was is left alone, whatever becomes of the others. */
  #settle(now: Micros): readonly SpeakerEffect[] {
    if (this.#phase !== "running") return [];
    const effects: SpeakerEffect[] = [];
    for (const [name, neighbour] of this.#neighbours) {
      const peer = this.#wanted.get(name);
      if (peer === undefined) effects.push(...this.#remove(name, neighbour, "remove", now));
      else if (!sameSession(peer, neighbour.peer) || this.#addressOf(peer) !== neighbour.address) {
        effects.push(...this.#remove(name, neighbour, "change", now));
      }
    }
    for (const peer of this.#wanted.values()) {
      const address = this.#addressOf(peer);
      const neighbour = this.#neighbours.get(peer.name);
      if (neighbour === undefined && address !== undefined) effects.push(...this.#add(peer, address, now));
    }
    return [...effects, ...this.#followAll(now)];
  }

  #hasSessionOn(link: string): boolean {
    return [...this.#neighbours.values()].some(
      ({ isUp, peer: { peer } }) => isUp && peer.kind === "interface" && peer.name === link,
    );
  }

  #addressOf({ peer }: Peer): Ip | undefined {
    return peer.kind === "address" ? peer.ip : this.#interfacePeers.peerOn(peer.name);
  }

  #takeInterfaces({ effects, changed }: InterfacePeersOutcome, now: Micros): readonly SpeakerEffect[] {
    return changed.length === 0 ? effects : [...effects, ...this.#settle(now)];
  }

  #followAll(now: Micros): readonly SpeakerEffect[] {
    if (this.#phase !== "running") return [];
    return [...this.#neighbours.values()].flatMap((neighbour) => this.#follow(neighbour, now));
  }

  #follow(neighbour: Neighbour, now: Micros): readonly SpeakerEffect[] {
    const peer = this.#wanted.get(neighbour.peer.name);
    return peer === undefined ? [] : this.#takeBfd(this.#watch.follow(peer, neighbour, now), now);
  }

  #takeBfd({ effects, changes }: BfdOutcome, now: Micros): readonly SpeakerEffect[] {
    if (changes.length === 0) return effects;
    const consequences = changes.flatMap((change): readonly SpeakerEffect[] => {
      const { key: peer, from, to, because } = change;
      const level = from === "up" || to === "up" ? "info" : "debug";
      const fields = { peer, from, to, because };
      return [
        { kind: "log", level, event: "bfd.session.changed", fields },
        ...(this.#neighbours.get(peer)?.bfdChanged(change, now) ?? []),
      ];
    });
    return [...effects, ...consequences];
  }

  #add(peer: Peer, address: Ip, now: Micros): readonly SpeakerEffect[] {
    const rib = this.#advertiser.rib(peer.name);
    if (rib === undefined) return [];
    const { random, metrics, requireTtl } = this.#options;
    const id = `${PREFIX}${peer.name}/${++this.#generation}`;
    const options = { id, node: this.#node, peer, address, rib, random, metrics, requireTtl };
    const neighbour = new Neighbour(options, this.#links);
    this.#neighbours.set(peer.name, neighbour);
    this.#byId.set(id, neighbour);
    return neighbour.start(now);
  }

  #remove(name: string, neighbour: Neighbour, intent: Intent, now: Micros): readonly SpeakerEffect[] {
    this.#neighbours.delete(name);
    this.#byId.delete(neighbour.id);
    const { effects } = this.#watch.release(name, now);
    return [...neighbour.stop(intent, now), ...effects];
  }
}

const complaintOf = (detail: string | undefined): string | undefined =>
  detail === undefined ? undefined : `not announced with protocol "bgp": ${detail}`;

/** Which nodes have a peer, and how BFD watches it, is no matter of its session. */
function sameSession(a: Peer, b: Peer): boolean {
  const text = (peer: Peer): string => JSON.stringify({ ...peer, nodeSelectors: [], bfdProfile: undefined });
  return text(a) === text(b);
}
