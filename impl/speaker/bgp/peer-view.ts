import { type Ip, type Ipv4 } from "../../wire/ip.ts";
import { type Micros } from "../../wire/time.ts";
import { type ToldRoute } from "./rib-out.ts";
import { type Negotiated } from "./session/negotiation.ts";
import { type SessionCounters } from "./session/session.ts";
import { type StateName } from "./session/state.ts";

/** One peer of this node, for people to read. */
export interface PeerView {
  /** Of the BGPPeer. */
  readonly name: string;
  /** Undefined: a peer on an interface that has not been heard yet. */
  readonly address: Ip | undefined;
  readonly port: number;
  readonly interface: string | undefined;
  readonly vrf: string | undefined;
  readonly localAsn: number;
  readonly state: StateName;
  /** When the session came up; undefined while it is not. */
  readonly since: Micros | undefined;
  readonly local: { readonly address: Ip; readonly routerId: Ipv4 } | undefined;
  readonly negotiated: Negotiated | undefined;
  readonly lastError: { readonly text: string; readonly at: Micros } | undefined;
  readonly counters: SessionCounters;
  /** What the peer was told, by prefix. */
  readonly routes: readonly ToldRoute[];
  /** Prefixes about which it has not been told yet. */
  readonly pending: number;
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
