import { describe, expect, it } from "vitest";
import { ERRORS } from "../../wire/bgp/error-codes.ts";
import { encodeKeepalive } from "../../wire/bgp/keepalive.ts";
import { decodeMessage } from "../../wire/bgp/message.ts";
import { encodeNotification, notification } from "../../wire/bgp/notification.ts";
import { encodeOpen } from "../../wire/bgp/open.ts";
import { encodeRouteRefresh } from "../../wire/bgp/route-refresh.ts";
import { parseIp } from "../../wire/ip.ts";
import { parsePrefix } from "../../wire/prefix.ts";
import { type Micros, millis, plus, seconds } from "../../wire/time.ts";
import { BgpPeer, type BgpPeerEffect } from "./bgp-peer.ts";
import { RibOut } from "./rib-out.ts";
import { type Route } from "./route.ts";
import { CONFIG, OPEN } from "./session/test-router.ts";
import { inWords } from "./test-peer.ts";

const ROUTE: Route = {
  localPref: 0,
  communities: [],
  largeCommunities: [],
  multiExitDisc: undefined,
  prepend: 0,
  gracefulShutdown: false,
};
const LOCAL = { address: parseIp("192.0.2.1"), onInterface: [parseIp("192.0.2.1")] };
const REFRESH = encodeRouteRefresh({ kind: "routeRefresh", afi: 1, safi: 1, subtype: "request" });

/** A peer, and what is written to it after the handshake. */
class World {
  readonly rib = new RibOut();
  readonly peer = new BgpPeer(CONFIG, this.rib, { next: () => 0.5 });
  now: Micros = seconds(1);
  #connection = 0;

  constructor() {
    this.route("198.51.100.1/32");
    this.words(this.peer.start(this.now));
  }

  route(prefix: string): void {
    this.rib.set(parsePrefix(prefix), ROUTE);
  }

  withdraw(prefix: string): void {
    this.rib.set(parsePrefix(prefix), undefined);
  }

  establish(): readonly string[] {
    this.words(this.peer.connected(this.#connection, LOCAL, this.now));
    this.says(encodeOpen(OPEN));
    return this.says(encodeKeepalive());
  }

  says(bytes: Uint8Array): readonly string[] {
    return this.words(this.peer.receive(this.#connection, bytes, this.now));
  }

  breaks(): readonly string[] {
    return this.words(this.peer.lost(this.#connection, "ECONNRESET", this.now));
  }

  holds(bytes: number): readonly string[] {
    return this.words(this.peer.backlog(this.#connection, bytes, this.now));
  }

  run(duration: Micros): readonly string[] {
    this.now = plus(this.now, duration);
    return this.words(this.peer.wake(this.now));
  }

  words(effects: readonly BgpPeerEffect[]): readonly string[] {
    return effects.flatMap((effect) => {
      if (effect.kind === "connect") this.#connection = effect.connection;
      if (effect.kind !== "write") return effect.kind === "changed" ? [] : [effect.kind];
      const { kind } = decodeMessage(effect.bytes, { asSize: 4, internal: false, families: ["ipv4"] });
      return kind === "update" || kind === "endOfRib" ? [inWords(effect.bytes)] : [kind];
    });
  }
}

const FIRST = "announce 198.51.100.1/32 via 192.0.2.1, path 64512";

describe("a peer", () => {
  it("hears everything when its session comes up, and again after it was lost", () => {
    const world = new World();
    expect(world.establish()).toEqual(["up", FIRST, "end 1"]);
    expect(world.says(encodeNotification(notification(ERRORS.administrativeReset)))).toEqual(["close", "down"]);
    world.route("198.51.100.2/32");
    expect(world.words(world.peer.flush(world.now))).toEqual([]);
    expect(world.run(seconds(1))).toEqual(["connect"]);
    expect(world.establish()).toEqual([
      "up",
      "announce 198.51.100.1/32 198.51.100.2/32 via 192.0.2.1, path 64512",
      "end 1",
    ]);
  });

  it("hears of a change when the table is flushed", () => {
    const world = new World();
    world.establish();
    world.withdraw("198.51.100.1/32");
    expect(world.words(world.peer.flush(world.now))).toEqual(["withdraw 198.51.100.1/32"]);
  });

  it("that does not read is not written to until it does", () => {
    const world = new World();
    world.establish();
    world.holds(100_000);
    for (let round = 0; round < 100; round++) {
      world.route("198.51.100.9/32");
      expect(world.words(world.peer.flush(world.now))).toEqual([]);
      world.withdraw("198.51.100.9/32");
    }
    world.route("198.51.100.9/32");
    expect(world.holds(0)).toEqual(["announce 198.51.100.9/32 via 192.0.2.1, path 64512"]);
  });

  it("that is gone takes nothing any more, so nobody waits for it", () => {
    const world = new World();
    world.establish();
    world.holds(100_000);
    expect([world.peer.waiting, world.breaks(), world.peer.waiting]).toEqual([100_000, ["down"], 0]);
  });

  it("that asks again and again is answered once a second", () => {
    const world = new World();
    world.establish();
    expect([world.says(REFRESH), world.says(REFRESH), world.says(REFRESH)]).toEqual([[FIRST], [], []]);
    expect(world.peer.deadline()).toBe(seconds(2));
    expect(world.run(seconds(1))).toEqual([FIRST]);
  });

  it.each([
    ["detectionTimeExpired", "down", ["notification", "close", "down"]],
    ["peerDown", "down", ["notification", "close", "down"]],
    ["peerAdminDown", "down", []],
    ["disabled", "adminDown", []],
  ] as const)("BFD goes down by %s", (because, to, expected) => {
    const world = new World();
    world.establish();
    const change = { kind: "changed", key: "tor1", from: "up", to, because } as const;
    expect(world.words(world.peer.bfdChanged(change, plus(world.now, millis(1))))).toEqual(expected);
  });
});
