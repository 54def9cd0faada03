// What the speaker of one node can tell of itself: plain values, so that JSON of a speaker that runs elsewhere does as well.
import { type SpeakerProcess } from "../../../impl/shell/speaker-process.ts";
import { type BfdView } from "../../../impl/speaker/bfd/view.ts";
import { type PeerView, type ServiceView } from "../../../impl/speaker/bgp/peer-view.ts";
import { type AddressView } from "../../../impl/speaker/layer2/view.ts";
import { type Member } from "../../../impl/speaker/members/roster.ts";
import { type Micros } from "../../../impl/wire/time.ts";

export interface NodeView {
  readonly node: string;
  /** The node's monotonic clock, by which all times here are told. */
  readonly now: Micros;
  readonly peers: readonly PeerView[];
  readonly services: readonly ServiceView[];
  readonly bfd: readonly BfdView[];
  readonly addresses: readonly AddressView[];
  readonly members: readonly MemberView[];
}

export type MemberView = Pick<Member, "name" | "address" | "port" | "state" | "incarnation" | "since">;

export function viewOf(node: string, process: SpeakerProcess, now: Micros): NodeView {
  return {
    node,
    now,
    peers: process.bgpPeers(),
    services: process.bgpServices(),
    bfd: process.bfdSessions(),
    addresses: process.layer2Addresses(),
    members: process.roster().map(({ name, address, port, state, incarnation, since }) => {
      return { name, address, port, state, incarnation, since };
    }),
  };
}
