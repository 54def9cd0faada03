import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { type Micros } from "../../impl/wire/time.ts";
import { type Said } from "../drivers/bgp-wire.ts";
import { type Claim } from "../drivers/claims.ts";
import { type Ip } from "../../impl/wire/ip.ts";

/** What a driver saw happen; invariants judge nothing else. */
export type Observation =
  /** Someone changed the cluster or the network on purpose: from here on things may move for a while. */
  | { readonly kind: "disturbance"; readonly what: string }
  /** A person changed objects: assigned addresses may change. */
  | { readonly kind: "userAction" }
  | {
      readonly kind: "object";
      readonly object: KubeObject;
      readonly previous: KubeObject | undefined;
      readonly deleted: boolean;
    }
  /** The API server accepted a write that changed nothing. */
  | { readonly kind: "idleWrite"; readonly object: string }
  /** A node claimed an address on a segment. `link` is the interface whose cable the frame came through. */
  | {
      readonly kind: "claim";
      readonly claim: Claim;
      readonly node: string;
      readonly link: string;
      readonly segment: string;
      /** MACs of all interfaces of that node on that segment. */
      readonly macs: ReadonlySet<string>;
    }
  /** On a connection between the speaker of a node and a peer, one of them said something, or that it says no more. */
  | {
      readonly kind: "bgp";
      /** Unique in one run. */
      readonly connection: string;
      readonly node: string;
      readonly local: Ip;
      readonly peer: Ip;
      readonly peerPort: number;
      readonly by: "speaker" | "peer";
      readonly said: Said["what"];
    }
  /** A router still holds what a node told whose speaker has not run for so long. */
  | {
      readonly kind: "leftover";
      readonly router: string;
      readonly node: string;
      /** The node's address in the session. */
      readonly local: Ip;
      readonly away: Micros;
      /** RFC 4724: the router keeps it on purpose. */
      readonly stale: boolean;
    };

/** A rule that holds throughout every run. Each instance watches one run. */
export interface Invariant {
  readonly name: string;
  /** What is wrong, or undefined. */
  observe(observation: Observation, now: Micros): string | undefined;
  /** What is wrong at the end of a run, when everything has had time to settle. */
  settled?(): readonly string[];
}
