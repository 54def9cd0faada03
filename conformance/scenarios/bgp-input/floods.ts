// RFC 9687 (a peer that does not read), RFC 2918 (a peer that asks again and again), RFC 4271 section 4.1 (no message is longer
// than 4,096 bytes): too much at once, in either direction.
import { seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectAtMost, expectEqual } from "../../expect.ts";
import { bgpAdvertisement, deployment, pool, service, SYSTEM } from "../../objects.ts";
import {
  bytesOf,
  capability,
  fourOctetAs,
  IPV4_UNICAST,
  KEEPALIVE,
  octets,
  open,
  parameters,
  ROUTE_REFRESH,
  routeRefresh,
} from "../../raw-messages.ts";
import {
  connection,
  established,
  establishedRaw,
  peerMetric,
  type RawSession,
  stillUp,
  warned,
  wordsOn,
} from "../../raw-session.ts";
import { passes } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

/** IPv6 withdrawals take 17 bytes each: these do not fit one message. */
const MANY = 300;
const MAX_MESSAGE = 4096;
/** 2001:db8:0:113::/64 begins so in a prefix of 128 bits. */
const MANY_BEGIN = bytesOf([128, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0x01, 0x13]);

/** What the peer was told of, and what not: `told` counts prefixes. */
async function told(session: RawSession, count: number): Promise<void> {
  await session.world.waitFor(
    `${count} prefixes are told`,
    async () => (await peerMetric(session, "metallb_bgp_announced_prefixes_total")) === count,
    seconds(60),
  );
}

/** UPDATEs on the newest connection, End-of-RIBs left out. */
async function updates({ raw }: RawSession): Promise<readonly Uint8Array[]> {
  const newest = (await raw.connections()).at(-1);
  if (newest === undefined) return [];
  const words = wordsOn(newest);
  return newest.messages.map(({ bytes }) => bytes).filter((_, index) => words[index] === "update");
}

/** How often these bytes stand in the message. */
function occurrences(message: Uint8Array, bytes: Uint8Array): number {
  const text = Buffer.from(message).toString("latin1");
  return text.split(Buffer.from(bytes).toString("latin1")).length - 1;
}

const DUAL_GREETING = [
  open({ parameters: parameters(IPV4_UNICAST, capability(1, 0, 2, 0, 1), ROUTE_REFRESH, fourOctetAs(64_501)) }),
  KEEPALIVE,
];

/** One route whose attributes nearly fill a message. */
async function heavyRoute(session: RawSession): Promise<void> {
  await session.world.kubernetes.apply(
    pool("main", ["198.51.100.0/24"]),
    bgpAdvertisement("main", { communities: Array.from({ length: 900 }, (_, index) => `64500:${index}`) }),
    deployment("web", 1),
    service("web"),
  );
  await told(session, 1);
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-input/flow-mass-withdrawal",
    title: "Hundreds of routes come and go in few messages, none too long, and the session and the other routes stay",
    cites: ["F27"],
    topology: "dual-stack",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const web = { selector: { app: "web" } };
      await world.kubernetes.apply(
        pool("many", ["2001:db8:0:113::/64"]),
        bgpAdvertisement("many", { ipAddressPools: ["many"] }),
        pool("one", ["198.51.100.7/32"]),
        bgpAdvertisement("one", { ipAddressPools: ["one"] }),
        deployment("web", 1),
        service("one", { ...web, families: ["IPv4"] }),
        ...Array.from({ length: MANY }, (_, index) => service(`web-${index}`, { ...web, families: ["IPv6"] })),
      );
      await passes(world, seconds(10));
      const session = await establishedRaw(world, { greet: DUAL_GREETING, peer: { dualStackAddressFamily: true } });
      await told(session, MANY + 1);
      const before = await updates(session);
      expectAtMost("messages that tell all", before.length, 3);
      await world.kubernetes.remove("BGPAdvertisement", `${SYSTEM}/many`);
      await told(session, 1);
      await passes(world, seconds(1));
      const after = (await updates(session)).slice(before.length);
      expectAtLeast("messages that withdraw", after.length, 2);
      expectAtMost("messages that withdraw", after.length, 3);
      expectAtMost("bytes of a message", Math.max(...[...before, ...after].map(({ length }) => length)), MAX_MESSAGE);
      const counts = after.map((message) => occurrences(message, MANY_BEGIN));
      expectEqual(
        "prefixes withdrawn",
        counts.reduce((sum, count) => sum + count, 0),
        MANY,
      );
      const others = after.map((message) => occurrences(message, bytesOf([32, 198, 51, 100, 7])));
      expectEqual("words about the route that stays", Math.max(...others), 0);
      await stillUp(session);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/flow-refresh-flood",
    title: "A peer that asks for the routes a thousand times a second is answered once a second, and stops nobody",
    cites: ["F28"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "resources", "virtualTime"],
    async run(world) {
      const session = await establishedRaw(world);
      await heavyRoute(session);
      await passes(world, seconds(2));
      const before = (await updates(session)).length;
      const { streams } = await session.node.resources();
      const flood = bytesOf(...octets(100).map(() => routeRefresh()));
      for (let tenth = 0; tenth < 100; tenth++) {
        await session.raw.send(flood);
        await passes(world, seconds(0.1));
      }
      await passes(world, seconds(2));
      const answers = (await updates(session)).length - before;
      expectAtLeast("answers in 10 s", answers, 9);
      expectAtMost("answers in 10 s", answers, 12);
      expectEqual("streams that the speaker holds open", (await session.node.resources())["streams"], streams);
      await stillUp(session);
      await session.raw.end();
    },
  },
  {
    name: "bgp-input/flow-unread",
    title: "What waits for a peer that reads nothing is bounded; after eight minutes it is given up, and tried again",
    cites: ["F25"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    variants: [
      { name: "reads-again", minutes: 6 },
      { name: "never-reads", minutes: 8 },
    ],
    async run(world, { minutes = 0 }) {
      const session = await establishedRaw(world);
      const { raw } = session;
      await heavyRoute(session);
      const reading = await raw.stopReading();
      const excuse = world.excuse("B11.9", "a window that is closed lets no KEEPALIVE pass");
      if (minutes === 8) world.excuse("B11.7", "a peer that takes nothing for eight minutes is a reason");
      const from = world.now();
      // It asks for more than it could ever take, and says that it is there.
      for (let second = 0; second < 60 * Number(minutes); second++) {
        await raw.send(second % 20 === 0 ? bytesOf(routeRefresh(), KEEPALIVE) : routeRefresh());
        await passes(world, seconds(1));
      }
      expectEqual("connections", (await raw.connections()).length, 1);
      if (minutes === 6) {
        const before = await updates(session);
        await reading.end();
        await passes(world, seconds(1));
        await excuse.end();
        const waited = (await updates(session)).slice(before.length).reduce((sum, { length }) => sum + length, 0);
        // The window of the peer, the buffer of the socket, and 64 KiB of the speaker's own; a message may begin below each.
        expectAtMost("bytes that waited", waited, 180_000);
        await stillUp(session);
      } else {
        // Who does not read does not see the end of a connection either, but the next one.
        const second = await connection(session, 2, "it is tried again", () => true, seconds(60));
        // RFC 9687 section 4: eight minutes from when there was no more room, which took a few seconds to fill.
        expectAtMost("seconds", (second.at - from) / seconds(1), 8 * 60 + 60);
        await warned(session, "SessionDown", "send hold timer expired");
        await reading.end();
        await excuse.end();
        await established(session, 2);
      }
      await raw.end();
    },
  },
];
