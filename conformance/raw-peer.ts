// A peer that says what the scenario wants it to say: the client of a topology, as a router of one node.
import { type Capability } from "../impl/wire/bgp/capabilities.ts";
import { encodeKeepalive } from "../impl/wire/bgp/keepalive.ts";
import { type BgpMessage, decodeMessage } from "../impl/wire/bgp/message.ts";
import { encodeOpen } from "../impl/wire/bgp/open.ts";
import { type Family, parseIpv4 } from "../impl/wire/ip.ts";
import { type Micros, seconds } from "../impl/wire/time.ts";
import { PROPAGATION } from "./bgp-steps.ts";
import { bgpPeer, nodesNamed, type PeerSpec, ROUTER_ASN } from "./objects.ts";
import { type RawBgp, type RawBgpConnection, type World } from "./world.ts";

/** The first client of the shipped topologies has this address on the nodes' LAN. */
export const CLIENT = "192.0.2.201";
/** The BGPPeer's name. */
export const RAW_PEER = "raw";

export interface RawOpen {
  readonly asn?: number;
  /** 90 s unless told. */
  readonly holdTime?: Micros;
  readonly capabilities?: readonly Capability[];
}

const UNICAST_V4 = { afi: 1, safi: 1 } as const;
const CAPABILITIES: readonly Capability[] = [
  { kind: "multiprotocol", ...UNICAST_V4 },
  { kind: "routeRefresh" },
  { kind: "fourOctetAs", asn: ROUTER_ASN },
];

/** What makes a session on the peer's side: its OPEN, and a KEEPALIVE that agrees to ours. */
export function greeting({
  asn = ROUTER_ASN,
  holdTime = seconds(90),
  capabilities = CAPABILITIES,
}: RawOpen = {}): readonly [Uint8Array, Uint8Array] {
  const bgpIdentifier = parseIpv4(CLIENT);
  return [encodeOpen({ kind: "open", asn, holdTime, bgpIdentifier, capabilities }), encodeKeepalive()];
}

/** A message with its moment, decoded as a peer with four-octet ASNs reads it. */
export interface Heard {
  readonly at: Micros;
  readonly message: BgpMessage;
}

export function heardOn({ messages }: RawBgpConnection): readonly Heard[] {
  const families: readonly Family[] = ["ipv4"];
  return messages.map(({ at, bytes }) => ({
    at,
    message: decodeMessage(bytes, { asSize: 4, internal: false, families }),
  }));
}

export const kindsOn = (connection: RawBgpConnection): readonly string[] =>
  heardOn(connection).map(({ message }) => message.kind);

/** The first node of the world gets the client as a peer, which greets with `greet`. */
export async function rawPeer(
  world: World,
  options: { readonly greet?: readonly Uint8Array[]; readonly md5Key?: string; readonly peer?: PeerSpec } = {},
): Promise<RawBgp> {
  const [node = ""] = world.nodes;
  const { greet = greeting(), md5Key, peer } = options;
  const raw = await world.client().rawBgp({ greet, ...(md5Key === undefined ? {} : { md5Key }) });
  await world.kubernetes.apply(bgpPeer(RAW_PEER, { peerAddress: CLIENT, nodeSelectors: nodesNamed(node), ...peer }));
  return raw;
}

/** Waits until the newest connection is as `is` says, and returns it. */
export async function connectionThat(
  world: World,
  raw: RawBgp,
  what: string,
  is: (connection: RawBgpConnection, count: number) => boolean,
  within: Micros = PROPAGATION,
): Promise<RawBgpConnection> {
  return world.waitFor(
    what,
    async () => {
      const connections = await raw.connections();
      const newest = connections.at(-1);
      return newest !== undefined && is(newest, connections.length) && newest;
    },
    within,
  );
}

/** Waits until the newest connection has carried OPEN and KEEPALIVE both ways. */
export async function rawEstablished(world: World, raw: RawBgp, number = 1): Promise<RawBgpConnection> {
  return connectionThat(
    world,
    raw,
    `session ${number} with the raw peer is established`,
    (connection, count) =>
      count >= number && connection.closed === undefined && kindsOn(connection).includes("endOfRib"),
  );
}
