import { type Peer } from "../../api/config.ts";
import { type Ip, type Ipv4 } from "../../wire/ip.ts";
import { type Micros } from "../../wire/time.ts";
import { type BfdView } from "../bfd/view.ts";
import { type ToldRoute } from "./rib-out.ts";
import { type Negotiated } from "./session/negotiation.ts";
import { type SessionCounters } from "./session/session.ts";
import { type StateName } from "./session/state.ts";

/** What its BGPPeer says. */
export interface PeerIdentity {
  readonly name: string;
  readonly port: number;
  readonly interface: string | undefined;
  readonly vrf: string | undefined;
  readonly localAsn: number;
}

export interface PeerError {
  readonly text: string;
  readonly at: Micros;
}

/** One peer of this node, for people to read. */
export interface PeerView extends PeerIdentity {
  /** Undefined: a peer on an interface that has not been heard yet, so that there is no session. */
  readonly address: Ip | undefined;
  readonly state: StateName;
  /** When the session came up; undefined while it is not. */
  readonly since: Micros | undefined;
  /** This side of the last connection. */
  readonly local: { readonly address: Ip; readonly routerId: Ipv4 } | undefined;
  readonly negotiated: Negotiated | undefined;
  /** Why the last session or attempt ended. */
  readonly lastError: PeerError | undefined;
  /** The last NOTIFICATION of either side. */
  readonly lastSent: PeerError | undefined;
  readonly lastReceived: PeerError | undefined;
  /** When it is dialled again; undefined while a session is up or on its way. */
  readonly nextAttempt: Micros | undefined;
  readonly counters: SessionCounters | undefined;
  /** What the peer was told, by prefix. */
  readonly routes: readonly ToldRoute[];
  /** How many prefixes it has not been told about yet. */
  readonly pending: number;
  readonly bfd: BfdView | undefined;
}

export function identityOf({ name, peerPort, peer, vrf, localAsn, myAsn }: Peer): PeerIdentity {
  const link = peer.kind === "interface" ? peer.name : undefined;
  return { name, port: peerPort, interface: link, vrf, localAsn: localAsn ?? myAsn };
}

/** A peer that nobody has heard yet. */
export function unheard(peer: Peer, pending: number): PeerView {
  const nothing = { address: undefined, since: undefined, local: undefined, negotiated: undefined };
  const errors = { lastError: undefined, lastSent: undefined, lastReceived: undefined, nextAttempt: undefined };
  const none = { counters: undefined, routes: [], bfd: undefined };
  return { ...identityOf(peer), ...nothing, ...errors, ...none, state: "idle", pending };
}

/** What becomes of one Service on this node. */
export type ServiceView =
  | {
      readonly service: string;
      readonly announced: true;
      /** Names of the peers that are to hear of it. */
      readonly peers: readonly string[];
    }
  | { readonly service: string; readonly announced: false; readonly because: string; readonly detail?: string };
