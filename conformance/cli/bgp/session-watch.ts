// Follows the sessions of speakers by what these tell of themselves, so that nothing hangs on the API server's being there.
import { type BfdView } from "../../../impl/speaker/bfd/view.ts";
import { type PeerView } from "../../../impl/speaker/bgp/peer-view.ts";
import { type Micros, micros } from "../../../impl/wire/time.ts";
import { type NodeView } from "../show/node-view.ts";
import { type Timeline } from "../timeline.ts";
import { few, peerWords, spaced } from "../words.ts";

type SessionView = Pick<NodeView, "node" | "now" | "peers" | "bfd">;

interface Known {
  readonly peer: PeerView;
  /** What was said about attempts that fail. */
  readonly complaint: string | undefined;
}

/** What is known of one node. */
interface Sessions {
  readonly peers: Map<string, Known>;
  readonly bfd: Map<string, BfdView>;
}

export class SessionWatch {
  readonly #timeline: Timeline;
  readonly #nodes = new Map<string, Sessions>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** `view` is undefined while no speaker runs. */
  look(node: string, view: SessionView | undefined, at: Micros): void {
    const known = this.#nodes.get(node);
    if (view === undefined) {
      this.#nodes.delete(node);
      if (known !== undefined) this.#speakerGone(node, known, at);
      return;
    }
    const sessions: Sessions = known ?? { peers: new Map(), bfd: new Map() };
    this.#nodes.set(node, sessions);
    // A node's clock began when it did.
    const worldTime = (time: Micros | undefined): Micros =>
      time === undefined ? at : micros(Math.max(0, at - (view.now - time)));
    for (const peer of view.peers) this.#followPeer(node, sessions, peer, worldTime);
    for (const name of sessions.peers.keys()) {
      if (!view.peers.some((peer) => peer.name === name)) this.#peerGone(node, sessions, name, at);
    }
    const paths = new Set(view.bfd.map(pathKey));
    for (const bfd of view.bfd) this.#followBfd(node, sessions, bfd, worldTime);
    for (const key of sessions.bfd.keys()) if (!paths.has(key)) sessions.bfd.delete(key);
  }

  #say(kind: "session" | "bfd", at: Micros, text: string): void {
    this.#timeline.add({ at, kind, text });
  }

  #speakerGone(node: string, { peers }: Sessions, at: Micros): void {
    const up = [...peers.values()].flatMap(({ peer }) => (peer.since === undefined ? [] : [peerWords(peer)]));
    if (up.length > 0) this.#say("session", at, `${node}: no speaker runs any more, and no session with ${few(up)}`);
  }

  #peerGone(node: string, { peers }: Sessions, name: string, at: Micros): void {
    const known = peers.get(name);
    peers.delete(name);
    if (known?.peer.since === undefined) return;
    this.#say(
      "session",
      at,
      `${node}: the session with ${peerWords(known.peer)} ends, as the node has no such peer now`,
    );
  }

  #followPeer(
    node: string,
    { peers }: Sessions,
    peer: PeerView,
    worldTime: (time: Micros | undefined) => Micros,
  ): void {
    const known = peers.get(peer.name);
    const before = known?.peer.since;
    const { since, lastError } = peer;
    let complaint = known?.complaint;
    const sayUp = (): void => this.#say("session", worldTime(since), `${node}: ${sessionWords(peer)}`);
    if (before !== undefined && since !== before) {
      // What this side ends on purpose is no error.
      const error = lastError !== undefined && lastError.at >= before ? lastError : undefined;
      const how = error === undefined ? "is closed by the speaker" : `is lost: ${error.text}`;
      this.#say("session", worldTime(error?.at), `${node}: the session with ${peerWords(peer)} ${how}`);
      complaint = error?.text;
      if (since !== undefined) sayUp();
    } else if (since !== undefined && before === undefined) {
      sayUp();
      complaint = undefined;
    } else if (since === undefined && lastError !== undefined && lastError.text !== complaint) {
      const text = `${node}: no session with ${peerWords(peer)}: ${lastError.text}`;
      this.#say("session", worldTime(lastError.at), text);
      complaint = lastError.text;
    }
    peers.set(peer.name, { peer, complaint });
  }

  #followBfd(node: string, { bfd }: Sessions, view: BfdView, worldTime: (time: Micros | undefined) => Micros): void {
    const key = pathKey(view);
    const before = bfd.get(key);
    bfd.set(key, view);
    const isUp = view.state === "up";
    const wasUp = before?.state === "up";
    // Between two looks it may have gone and come.
    const flapped = wasUp && isUp && view.counters.downs !== before.counters.downs;
    const at = worldTime(view.changedAt);
    const path = `${node}: BFD to ${view.path.peer}`;
    if ((wasUp && !isUp) || flapped) this.#say("bfd", at, `${path} is down${diagnosticWords(view)}`);
    if ((isUp && !wasUp) || flapped) this.#say("bfd", at, `${path} is up${detectionWords(view)}`);
  }
}

const pathKey = ({ path }: BfdView): string => `${path.peer} ${path.local ?? ""} ${path.link ?? ""}`;

function sessionWords(peer: PeerView): string {
  const { negotiated } = peer;
  const facts =
    negotiated === undefined
      ? []
      : [
          `AS ${negotiated.peerAsn}`,
          negotiated.holdTime === 0 ? "no hold timer" : `hold time ${negotiated.holdTime / 1e6} s`,
          ...(negotiated.gracefulRestart === undefined ? [] : ["graceful restart"]),
        ];
  return `session with ${peerWords(peer)} is up${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`;
}

const diagnosticWords = ({ diagnostic }: BfdView): string => (diagnostic === "none" ? "" : `: ${spaced(diagnostic)}`);

const detectionWords = ({ detectionTime }: BfdView): string =>
  detectionTime === undefined ? "" : `: silence is noticed within ${detectionTime / 1e3} ms`;
