// What the speaker says to a peer whose every byte the scenario sees.
import { encodeKeepalive } from "../../../impl/wire/bgp/keepalive.ts";
import { encodeNotification } from "../../../impl/wire/bgp/notification.ts";
import { encodeRouteRefresh } from "../../../impl/wire/bgp/route-refresh.ts";
import { inSeconds, seconds } from "../../../impl/wire/time.ts";
import { BGP_RANGES, PROPAGATION, vipsOf, workload } from "../../bgp-steps.ts";
import { expectAtLeast, expectAtMost, expectEqual } from "../../expect.ts";
import { bgpAdvertisement, pool } from "../../objects.ts";
import { connectionThat, greeting, heardOn, kindsOn, rawEstablished, rawPeer } from "../../raw-peer.ts";
import { passes } from "../../steps.ts";
import { type RawBgp, type Scenario, type World } from "../../world.ts";

const REFRESH = encodeRouteRefresh({ kind: "routeRefresh", afi: 1, safi: 1, subtype: "request" });

/** Services with an address each, which the peer is to hear of. */
async function announced(world: World, ...names: readonly string[]): Promise<void> {
  await world.kubernetes.apply(
    pool("main", [BGP_RANGES.ipv4]),
    bgpAdvertisement("main"),
    ...names.flatMap((name) => workload(name)),
  );
  for (const name of names) await vipsOf(world, `default/${name}`, 1);
}

/** A peer must say something, or its session ends. */
async function stayingAlive(world: World, raw: RawBgp, during: number): Promise<void> {
  for (let rest = during; rest > 0; rest -= 20) {
    await raw.send(encodeKeepalive());
    await passes(world, seconds(Math.min(20, rest)));
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/silent-peer",
    title: "A peer that says nothing more is given up when its hold time is over, with a word about it",
    cites: ["F24", "B11 9"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const raw = await rawPeer(world, { greet: greeting({ holdTime: seconds(9) }) });
      const first = await connectionThat(world, raw, "the speaker gives up", ({ closed }) => closed !== undefined);
      const said = kindsOn(first).filter((kind, index, all) => kind !== all[index - 1]);
      expectEqual("what it said", said, ["open", "keepalive", "endOfRib", "keepalive", "notification"]);
      const last = heardOn(first).at(-1);
      const why = last?.message.kind === "notification" ? [last.message.code, last.message.subcode] : [];
      expectEqual("why", why, [4, 0]);
      expectEqual("seconds after the greeting", Math.round(inSeconds(last?.at ?? seconds(0)) - inSeconds(first.at)), 9);
      await raw.end();
    },
  },
  {
    name: "bgp/keepalives",
    title: "Keepalives come at least three times in a hold time, and not in step",
    cites: ["B11 9"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    async run(world) {
      const raw = await rawPeer(world);
      await rawEstablished(world, raw);
      await stayingAlive(world, raw, 600);
      const [connection] = await raw.connections();
      const times = (connection === undefined ? [] : heardOn(connection))
        .filter(({ message }) => message.kind === "keepalive")
        .map(({ at }) => inSeconds(at));
      const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at));
      expectAtMost("longest gap in seconds", Math.max(...gaps), 30.1);
      // RFC 4271 section 10: jitter takes up to a quarter away.
      expectAtLeast("shortest gap in seconds", Math.min(...gaps.slice(1)), 22.4);
      expectAtLeast("different gaps", new Set(gaps.map((gap) => gap.toFixed(3))).size, 5);
      await raw.end();
    },
  },
  {
    name: "bgp/end-of-rib",
    title: "A new session hears every route first and then that these are all, also where there is none",
    cites: ["BGP 6", "F29"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "dataplane"],
    variants: [
      { name: "routes", services: 3 },
      { name: "none", services: 0 },
    ],
    async run(world, { services = 0 }) {
      await announced(world, ...["a", "b", "c"].slice(0, Number(services)));
      await passes(world, seconds(5));
      const raw = await rawPeer(world);
      const connection = await rawEstablished(world, raw);
      const heard = heardOn(connection).map(({ message }) => message);
      const end = heard.findIndex(({ kind }) => kind === "endOfRib");
      const told = heard.slice(0, end).flatMap((message) => (message.kind === "update" ? message.announced : []));
      expectEqual("routes before the end", told.flatMap(({ prefixes }) => prefixes).length, services);
      await raw.end();
    },
  },
  {
    name: "bgp/packed-routes",
    title: "Routes with the same attributes go out in one message",
    cites: ["F27"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "dataplane"],
    async run(world) {
      await announced(world, "a", "b", "c", "d");
      await passes(world, seconds(5));
      const raw = await rawPeer(world);
      const connection = await rawEstablished(world, raw);
      expectEqual("UPDATEs", kindsOn(connection).filter((kind) => kind === "update").length, 1);
      await raw.end();
    },
  },
  {
    name: "bgp/refresh-storm",
    title:
      "A peer that asks for the routes again gets them, and one that asks a thousand times gets them once a second",
    cites: ["F28"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "dataplane"],
    async run(world) {
      await announced(world, "web");
      const raw = await rawPeer(world);
      await connectionThat(world, raw, "the route is told", (each) => kindsOn(each).includes("update"));
      const updates = async (): Promise<number> =>
        (await raw.connections()).flatMap(kindsOn).filter((kind) => kind === "update").length;
      await passes(world, seconds(3));
      const before = await updates();
      await raw.send(REFRESH);
      await passes(world, seconds(3));
      expectEqual("answers to one request", (await updates()) - before, 1);
      const storm = Uint8Array.from(Array.from({ length: 1000 }, () => [...REFRESH]).flat());
      await raw.send(storm);
      await passes(world, seconds(5));
      const answers = (await updates()) - before - 1;
      expectAtLeast("answers to a thousand", answers, 1);
      expectAtMost("answers to a thousand", answers, 3);
      await raw.end();
    },
  },
  {
    name: "bgp/peer-says-goodbye",
    title: "Why a peer ends the session decides how soon it is tried again",
    cites: ["F23"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: [
      { name: "too-many-prefixes", subcode: 1, least: 22, most: 31 },
      { name: "shutdown", subcode: 2, least: 11, most: 16 },
      { name: "reset", subcode: 4, least: 0.5, most: 2 },
      { name: "rejected", subcode: 5, least: 11, most: 16 },
      { name: "out-of-resources", subcode: 8, least: 22, most: 31 },
    ],
    async run(world, { subcode = 0, least = 0, most = 0 }) {
      const raw = await rawPeer(world);
      await rawEstablished(world, raw);
      // RFC 9003: a length and a text; what is no UTF-8 must do no harm.
      const data = Uint8Array.of(4, 0xff, 0xfe, 0x00, 0x80);
      const from = world.now();
      await raw.send(encodeNotification({ kind: "notification", code: 6, subcode: Number(subcode), data }));
      const second = await connectionThat(
        world,
        raw,
        "it is tried again",
        (_, count) => count === 2,
        seconds(Number(most) + 5),
      );
      const after = inSeconds(second.at) - inSeconds(from);
      expectAtLeast("seconds", after, Number(least));
      expectAtMost("seconds", after, Number(most));
      await raw.end();
    },
  },
  {
    name: "bgp/rest-after-refusal",
    title: "A peer that has to be configured differently is tried ever more rarely, but at least twice a minute",
    cites: ["F10", "BGP 80"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "virtualTime"],
    async run(world) {
      const raw = await rawPeer(world, { greet: greeting({ asn: 64_999 }) });
      const first = await connectionThat(world, raw, "it is refused", ({ closed }) => closed !== undefined);
      const [, last] = heardOn(first).map(({ message }) => message);
      expectEqual("why", last?.kind === "notification" ? [last.code, last.subcode] : last?.kind, [2, 2]);
      await passes(world, seconds(60));
      const before = (await raw.connections()).length;
      await passes(world, seconds(300));
      const attempts = (await raw.connections()).length - before;
      // 30 s, from which jitter may take a quarter.
      expectAtLeast("attempts within five minutes", attempts, 10);
      expectAtMost("attempts within five minutes", attempts, 14);
      await raw.end();
    },
  },
  {
    name: "bgp/lost-connection",
    title: "A connection that breaks is made again within seconds, and everything is told again",
    cites: ["B11 19"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes", "dataplane"],
    variants: [
      { name: "end", abort: false },
      { name: "reset", abort: true },
    ],
    async run(world, { abort = false }) {
      await announced(world, "web");
      await passes(world, seconds(5));
      const raw = await rawPeer(world);
      await rawEstablished(world, raw);
      await raw.close(Boolean(abort));
      const second = await rawEstablished(world, raw, 2);
      expectEqual("told again", kindsOn(second).includes("update"), true);
      await raw.end();
    },
  },
  {
    name: "bgp/slow-handshake",
    title: "A peer that takes the connection and never says OPEN is given up within ten seconds",
    cites: ["F13"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const raw = await rawPeer(world, { greet: [] });
      const first = await connectionThat(world, raw, "the speaker gives up", ({ closed }) => closed !== undefined);
      expectEqual("what it said", kindsOn(first), ["open", "notification"]);
      expectAtMost("seconds", inSeconds(first.closed?.at ?? seconds(99)) - inSeconds(first.at), 10.1);
      await raw.end();
    },
  },
  {
    name: "bgp/signed-segments",
    title: "With a password the first segment is signed already; a peer that signs with another one never hears of us",
    cites: ["F44"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    variants: [
      { name: "right", password: "secret", expected: true },
      { name: "wrong", password: "Secret", expected: false },
    ],
    async run(world, { password = "", expected = false }) {
      const raw = await rawPeer(world, { md5Key: "secret", peer: { password: String(password) } });
      await passes(world, PROPAGATION);
      const connections = await raw.connections();
      expectEqual(
        "a session",
        connections.some((each) => kindsOn(each).includes("endOfRib")),
        expected,
      );
      await raw.end();
    },
  },
];
