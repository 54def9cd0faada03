// Steps with a peer that speaks BGP byte by byte: the client of a topology, as a router of the first node.
import { type Micros, micros, seconds } from "../impl/wire/time.ts";
import { PROPAGATION } from "./bgp-steps.ts";
import { expectAtMost, expectEqual, expectTrue } from "./expect.ts";
import { type PeerSpec, SYSTEM } from "./objects.ts";
import { KEEPALIVE, nameOf, open } from "./raw-messages.ts";
import { CLIENT, RAW_PEER, rawPeer } from "./raw-peer.ts";
import { passes } from "./steps.ts";
import { type NodeControl, type RawBgp, type RawBgpConnection, type World } from "./world.ts";

/** An OPEN and a KEEPALIVE, as peers that know nothing special send them. */
export const GREETING: readonly Uint8Array[] = [open(), KEEPALIVE];

/** The peer, and the node whose speaker dials it. */
export interface RawSession {
  readonly world: World;
  readonly raw: RawBgp;
  readonly node: NodeControl;
}

export interface RawSessionOptions {
  /** Sent as soon as the speaker has connected; nothing unless told. */
  readonly greet?: readonly Uint8Array[];
  readonly md5Key?: string;
  readonly peer?: PeerSpec;
}

export async function startRaw(world: World, options: RawSessionOptions = {}): Promise<RawSession> {
  const raw = await rawPeer(world, { greet: [], ...options });
  return { world, raw, node: world.node(world.nodes[0] ?? "") };
}

/** What the speaker has said on a connection, in order. */
export const wordsOn = ({ messages }: RawBgpConnection): readonly string[] =>
  messages.map(({ bytes }) => nameOf(bytes));

/** Waits until the connection with this number, 1 being the first, is as `is` says. */
export async function connection(
  { world, raw }: RawSession,
  number: number,
  what: string,
  is: (connection: RawBgpConnection) => boolean,
  within: Micros = PROPAGATION,
): Promise<RawBgpConnection> {
  return world.waitFor(
    `connection ${number}: ${what}`,
    async () => {
      const found = (await raw.connections())[number - 1];
      return found !== undefined && is(found) && found;
    },
    within,
  );
}

/** Waits until the speaker has dialled and said OPEN. */
export async function dialled(session: RawSession, number = 1, within: Micros = PROPAGATION): Promise<void> {
  await connection(session, number, "the speaker says OPEN", (each) => wordsOn(each).includes("open"), within);
}

/** Waits until the speaker has told everything on a connection that is still there. */
export async function established(
  session: RawSession,
  number = 1,
  within: Micros = PROPAGATION,
): Promise<RawBgpConnection> {
  const isUp = (each: RawBgpConnection): boolean => each.closed === undefined && wordsOn(each).includes("endOfRib");
  return connection(session, number, "a session is established", isUp, within);
}

/** A peer that knows how to behave, and its session. */
export async function establishedRaw(world: World, options: RawSessionOptions = {}): Promise<RawSession> {
  const session = await startRaw(world, { greet: GREETING, ...options });
  await established(session);
  return session;
}

/** Waits until the speaker has ended a connection, and returns its last word. */
export async function lastWord(session: RawSession, number = 1, within: Micros = PROPAGATION): Promise<string> {
  const ended = await connection(session, number, "the speaker ends it", (each) => each.closed !== undefined, within);
  const words = wordsOn(ended);
  const goodbyes = words.filter((word) => word.startsWith("notification"));
  expectTrue("the speaker says goodbye at most once", goodbyes.length <= 1);
  return words.at(-1) ?? "";
}

/** A series of the first peer in the speaker of the node; 0 where it is not exposed. */
export async function peerMetric({ node }: RawSession, name: string, more = ""): Promise<number> {
  return (await node.metric(`${name}{peer="${CLIENT}:179",vrf="default"${more}}`)) ?? 0;
}

export const updatesReceived = (session: RawSession): Promise<number> =>
  peerMetric(session, "metallb_bgp_updates_total_received");

export type FaultAction = "attributeDiscard" | "treatAsWithdraw" | "disableFamily" | "familyIgnored";
const ACTIONS: readonly FaultAction[] = ["attributeDiscard", "treatAsWithdraw", "disableFamily", "familyIgnored"];

/** How many mistakes in UPDATEs were found, by what became of them; actions that nothing was found of are left out. */
export async function faults(session: RawSession): Promise<Readonly<Partial<Record<FaultAction, number>>>> {
  const counts = await Promise.all(
    ACTIONS.map((action) => peerMetric(session, "assay_bgp_update_faults", `,action="${action}"`)),
  );
  return Object.fromEntries(
    ACTIONS.map((action, index) => [action, counts[index] ?? 0]).filter(([, count]) => count !== 0),
  );
}

/** The peer goes on saying that it is there while time passes. */
export async function stayingAlive({ world, raw }: RawSession, during: Micros): Promise<void> {
  const step = seconds(20);
  for (let rest = during; rest > 0; rest = micros(rest - step)) {
    await raw.send(KEEPALIVE);
    await passes(world, rest < step ? rest : step);
  }
}

/** The session is the one that it was, and the speaker goes on in it. */
export async function stillUp(session: RawSession, number = 1): Promise<void> {
  await stayingAlive(session, seconds(65));
  const all = await session.raw.connections();
  expectEqual("connections", all.length, number);
  const newest = all[number - 1];
  expectEqual("the end of the session", newest?.closed, undefined);
  expectEqual("the last word", newest === undefined ? "" : wordsOn(newest).at(-1), "keepalive");
}

/** The last thing that people are told about the peer. */
export async function peerWarning({ world }: RawSession): Promise<string> {
  const events = await world.kubernetes.events("BGPPeer", `${SYSTEM}/${RAW_PEER}`);
  const warning = events.findLast(({ type }) => type === "Warning");
  return warning === undefined ? "" : `${warning.reason}: ${warning.message}`;
}

/** Waits until people are told this about the peer, fit to be read. */
export async function warned(session: RawSession, reason: string, text: string): Promise<void> {
  await session.world.waitFor(
    `a Warning ${reason} says "${text}"`,
    async () => {
      const warning = await peerWarning(session);
      return warning.startsWith(`${reason}: `) && warning.includes(text);
    },
    seconds(10),
  );
  const warning = await peerWarning(session);
  expectTrue("the warning is one line of text", !/\p{Cc}|\p{Bidi_Control}/u.test(warning));
  expectAtMost("characters of the warning", warning.length, 1024);
}
