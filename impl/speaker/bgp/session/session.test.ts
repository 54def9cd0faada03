import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type ErrorCode, ERRORS } from "../../../wire/bgp/error-codes.ts";
import { encodeKeepalive } from "../../../wire/bgp/keepalive.ts";
import { encodeOpen, type Open } from "../../../wire/bgp/open.ts";
import { encodeRouteRefresh } from "../../../wire/bgp/route-refresh.ts";
import { hex } from "../../../wire/golden/hex.ts";
import { parseIpv4 } from "../../../wire/ip.ts";
import { millis, minutes, seconds } from "../../../wire/time.ts";
import { CONFIG, OPEN, Router } from "./test-router.ts";

const KEEPALIVE = encodeKeepalive();
const MARKER = "ff".repeat(16);
/** RFC 4271 section 4.3, an UPDATE that is an End-of-RIB. */
const UPDATE = hex(`${MARKER} 0017 02 0000 0000`);

/** OPENs of real routers, captured. */
function capturedOpens(sender: string): readonly Uint8Array[] {
  const text = readFileSync(new URL("../../../wire/bgp/golden/routers.hex", import.meta.url), "utf8");
  const lines = text.split("\n");
  return lines.flatMap((line, at) => (line.startsWith(`# ${sender}: OPEN`) ? [hex(lines[at + 1] ?? "")] : []));
}

describe("a session that comes up (RFC 4271 section 8.2.2)", () => {
  it("dials, says OPEN, confirms and is established", () => {
    const router = new Router().start();
    router.says(encodeOpen(OPEN), KEEPALIVE);
    expect(router.trace).toEqual([
      "0s idle->connect: started",
      "0s dial",
      "0s send open as=64512 hold=9s",
      "0s connect->openSent: TCP is up",
      "0s send keepalive",
      "0s openSent->openConfirm: OPEN received",
      "0s openConfirm->established: KEEPALIVE received",
      "0s up",
    ]);
  });

  it.each([
    { sender: "FRR 8.4.4", asn: 64512, families: ["ipv4"], asSize: 4, routeRefresh: true, enhanced: true },
    { sender: "BIRD 2.0.12", asn: 4200000001, families: ["ipv4"], asSize: 4, routeRefresh: true, enhanced: true },
  ])("agrees with $sender", ({ sender, asn, families, asSize, routeRefresh, enhanced }) => {
    const [open] = capturedOpens(sender);
    if (open === undefined) throw new Error(`no OPEN of ${sender}`);
    const router = new Router({ localAsn: 65000, peerAsn: asn, routerId: parseIpv4("192.0.2.9") }).start();
    router.says(open, KEEPALIVE);
    expect(router.session.negotiated).toMatchObject({
      peerAsn: asn,
      families,
      asSize,
      routeRefresh,
      enhancedRouteRefresh: enhanced,
      internal: false,
    });
  });

  it("gives the same however the bytes are cut", () => {
    const bytes = Uint8Array.of(...encodeOpen(OPEN), ...KEEPALIVE, ...UPDATE);
    const whole = new Router().start();
    whole.says(bytes);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const router = new Router().start();
      router.says(bytes.subarray(0, cut), bytes.subarray(cut));
      expect(router.trace).toEqual(whole.trace);
    }
    const dribbled = new Router().start();
    for (const byte of bytes) dribbled.says(Uint8Array.of(byte));
    expect(dribbled.trace).toEqual(whole.trace);
  });

  it("takes a thousand messages of one segment", () => {
    const router = new Router().establish();
    router.says(Uint8Array.from(Array.from({ length: 1000 }, () => [...UPDATE]).flat()));
    expect(router.session.counters.received.endOfRib).toBe(1000);
    expect(router.trace).toEqual([]);
  });
});

/** The NOTIFICATION that answers what the router says in place of its OPEN. */
function answerTo(open: Uint8Array, config: ConstructorParameters<typeof Router>[0] = {}): string {
  const router = new Router(config).start();
  router.says(open);
  return router.trace.find((line) => line.includes("notification"))?.replace(/^\S+ send notification /, "") ?? "none";
}

describe("an OPEN that is refused (RFC 4271 section 6.2)", () => {
  const bytes = (change: Partial<Open>): Uint8Array => encodeOpen({ ...OPEN, ...change });
  const version3 = encodeOpen(OPEN);
  version3[19] = 3;
  const noCapabilities = { capabilities: [] };
  it.each([
    ["version 3", version3, "2/1 OPEN Message Error/Unsupported Version Number"],
    ["another AS", bytes({ asn: 64514, ...noCapabilities }), "2/2 OPEN Message Error/Bad Peer AS"],
    ["AS_TRANS alone", bytes({ asn: 23456, ...noCapabilities }), "2/2 OPEN Message Error/Bad Peer AS"],
    ["AS 0", bytes({ asn: 0, ...noCapabilities }), "2/2 OPEN Message Error/Bad Peer AS"],
    ["identifier 0", bytes({ bgpIdentifier: parseIpv4("0.0.0.0") }), "2/3 OPEN Message Error/Bad BGP Identifier"],
    ["hold time 1", bytes({ holdTime: seconds(1) }), "2/6 OPEN Message Error/Unacceptable Hold Time"],
    ["hold time 2", bytes({ holdTime: seconds(2) }), "2/6 OPEN Message Error/Unacceptable Hold Time"],
    ["hold time 3", bytes({ holdTime: seconds(3) }), "none"],
    [
      "only IPv6",
      bytes({ capabilities: [{ kind: "multiprotocol", afi: 2, safi: 1 }] }),
      "2/7 OPEN Message Error/Unsupported Capability",
    ],
    ["no capabilities at all", bytes(noCapabilities), "none"],
    ["bad marker", hex(`00${"ff".repeat(15)} 0013 04`), "1/1 Message Header Error/Connection Not Synchronized"],
    ["length 18", hex(`${MARKER} 0012 04`), "1/2 Message Header Error/Bad Message Length"],
    ["length 0", hex(`${MARKER} 0000 04`), "1/2 Message Header Error/Bad Message Length"],
    ["length 4097", hex(`${MARKER} 1001 02`), "1/2 Message Header Error/Bad Message Length"],
    ["length 65535", hex(`${MARKER} ffff 02`), "1/2 Message Header Error/Bad Message Length"],
    ["type 0", hex(`${MARKER} 0013 00`), "1/3 Message Header Error/Bad Message Type"],
    ["type 9", hex(`${MARKER} 0013 09`), "1/3 Message Header Error/Bad Message Type"],
  ])("%s", (_, open, answer) => {
    expect(answerTo(open)).toBe(answer);
  });

  it.each([
    ["internal", 64512, "none"],
    ["internal", 64513, "2/2 OPEN Message Error/Bad Peer AS"],
    ["external", 64513, "none"],
    ["external", 64512, "2/2 OPEN Message Error/Bad Peer AS"],
  ] as const)("a dynamic AS that shall be %s, from AS %i: %s", (peerAsn, asn, answer) => {
    expect(answerTo(bytes({ asn, ...noCapabilities }), { peerAsn })).toBe(answer);
  });

  it("our own identifier counts within an AS only (RFC 6286 section 2.2)", () => {
    const open = (asn: number): Uint8Array => bytes({ asn, bgpIdentifier: CONFIG.routerId, ...noCapabilities });
    expect(answerTo(open(64513))).toBe("none");
    expect(answerTo(open(64512), { peerAsn: 64512 })).toBe("2/3 OPEN Message Error/Bad BGP Identifier");
  });

  it("is tried again ever more rarely", () => {
    const router = new Router().start();
    router.run(minutes(3), () => router.says(bytes({ asn: 64514, ...noCapabilities })));
    const dials = router.trace.filter((line) => line.endsWith("dial")).map((line) => Number.parseFloat(line));
    const rests = dials.slice(1).map((at, index) => Math.round(at - (dials[index] ?? 0)));
    // The router answers within a second; the rest is 1, 2, 4, 8, 16 and then 30 s.
    expect(rests).toEqual([2, 3, 5, 9, 17, 31, 31, 31, 31]);
  });
});

describe("messages that a state does not expect (RFC 6608)", () => {
  const REFRESH = encodeRouteRefresh({ kind: "routeRefresh", afi: 1, safi: 1, subtype: "request" });
  it.each([
    ["KEEPALIVE", "openSent", KEEPALIVE, "5/1"],
    ["UPDATE", "openSent", UPDATE, "5/1"],
    ["ROUTE-REFRESH", "openSent", REFRESH, "5/1"],
    ["OPEN", "openConfirm", encodeOpen(OPEN), "5/2"],
    ["UPDATE", "openConfirm", UPDATE, "5/2"],
    ["OPEN", "established", encodeOpen(OPEN), "5/3"],
  ])("%s in %s", (_, state, message, answer) => {
    const router = new Router().start();
    if (state !== "openSent") router.says(encodeOpen(OPEN));
    if (state === "established") router.says(KEEPALIVE);
    router.trace.length = 0;
    router.says(message);
    expect(router.trace[0]).toContain(`send notification ${answer} Finite State Machine Error/`);
    expect(router.session.state.kind).toBe("idle");
  });
});

describe("timers", () => {
  it("the smaller hold time counts, and a silent peer is told so at its end", () => {
    const router = new Router({ holdTime: seconds(180), keepaliveTime: seconds(60) });
    router.establish({ holdTime: seconds(9) }).run(seconds(10));
    expect(router.trace).toEqual([
      "3s send keepalive",
      "6s send keepalive",
      "9s send notification 4/0 Hold Timer Expired",
      "9s close",
      "9s established->idle: sent Hold Timer Expired (nothing heard in time)",
      "9s down",
      "10s idle->connect: idle hold timer expired",
      "10s dial",
      "10s send open as=64512 hold=180s",
      "10s connect->openSent: TCP is up",
    ]);
  });

  it.each(["KEEPALIVE", "UPDATE"])("%s keeps a session up", (name) => {
    const router = new Router().establish();
    router.run(minutes(2), () => router.says(name === "UPDATE" ? UPDATE : KEEPALIVE));
    expect(router.session.state.kind).toBe("established");
  });

  it("hold time 0 means that nobody has to say anything", () => {
    const router = new Router().establish({ holdTime: seconds(0) }).run(minutes(60));
    expect(router.trace).toEqual([]);
  });

  it("UPDATEs of ours are as good as KEEPALIVEs", () => {
    const router = new Router().establish();
    router.run(seconds(8), () => {
      router.says(KEEPALIVE);
      router.carryOut(router.session.sendUpdates([UPDATE], router.now));
    });
    expect(router.trace.filter((line) => line.includes("keepalive"))).toEqual([]);
  });

  it("a peer that takes the connection and says nothing is left after ten seconds", () => {
    const router = new Router().start();
    router.trace.length = 0;
    router.run(millis(10_500));
    expect(router.trace).toEqual([
      "10s send notification 4/0 Hold Timer Expired",
      "10s close",
      "10s openSent->idle: sent Hold Timer Expired (no OPEN in time)",
      "10s failed: sent Hold Timer Expired (no OPEN in time)",
    ]);
  });

  it("a peer that takes no data is left after eight minutes (RFC 9687)", () => {
    const router = new Router().establish();
    router.session.backlog(1, 5000, router.now);
    router.run(minutes(5), () => router.says(KEEPALIVE));
    // It took something: the time begins anew.
    router.session.backlog(1, 4000, router.now);
    router.trace.length = 0;
    router.run(seconds(8 * 60 - 1), () => router.says(KEEPALIVE));
    expect(router.session.state.kind).toBe("established");
    router.trace.length = 0;
    router.run(seconds(1), () => router.says(KEEPALIVE));
    expect(router.trace.filter((line) => !line.includes("keepalive"))).toEqual([
      "780s reset",
      "780s established->idle: the peer takes no data: send hold timer expired",
      "780s down",
    ]);
  });

  it("a dial without an answer goes on with a fresh one", () => {
    const router = new Router();
    router.answer = "silence";
    router.start().run(seconds(11));
    expect(router.trace).toEqual([
      "0s idle->connect: started",
      "0s dial",
      "5s reset",
      "5s failed: no connection in time",
      "5s dial",
      "10s reset",
      "10s failed: no connection in time",
      "10s dial",
    ]);
  });

  it.each(["refuse", "silence"] as const)(
    "a router that is back after a day is found within five seconds (%s)",
    (answer) => {
      const router = new Router();
      router.answer = answer;
      router.start().run(minutes(24 * 60));
      expect(router.trace.filter((line) => line.endsWith("dial")).length).toBeLessThanOrEqual((24 * 3600) / 5 + 5);
      router.answer = "accept";
      router.trace.length = 0;
      router.run(seconds(5));
      expect(router.trace.some((line) => line.includes("send open"))).toBe(true);
    },
  );

  it("connectTime bounds the rest between two attempts", () => {
    const router = new Router({ connectTime: seconds(2) });
    router.answer = "refuse";
    router.start().run(seconds(20));
    const dials = router.trace.filter((line) => line.endsWith("dial")).map((line) => Number.parseFloat(line));
    expect(dials).toEqual([0, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  });

  it("rests between three quarters and the whole of what it would", () => {
    const router = new Router({}, { next: () => 0 });
    router.answer = "refuse";
    router.start().run(seconds(5));
    expect(router.trace.filter((line) => line.endsWith("dial"))).toEqual(["0s dial", "0.75s dial", "2.25s dial"]);
  });
});

describe("what the peer says when it ends the session (RFC 4486)", () => {
  const rest = (error: ErrorCode, data = new Uint8Array()): number => {
    const router = new Router().establish().run(seconds(1)).notifies(error, data);
    router.trace.length = 0;
    const from = router.now;
    return Math.round(((router.session.deadline() ?? from) - from) / 1e6);
  };
  it.each([
    ["maximumNumberOfPrefixesReached", 30],
    ["administrativeShutdown", 15],
    ["peerDeconfigured", 15],
    ["administrativeReset", 1],
    ["connectionRejected", 15],
    ["otherConfigurationChange", 1],
    ["connectionCollisionResolution", 1],
    ["outOfResources", 30],
    ["bfdDown", 1],
    ["holdTimerExpired", 1],
    ["badPeerAs", 1],
  ] as const)("after %s it rests %i s first", (name, expected) => {
    expect(rest(ERRORS[name])).toBe(expected);
  });

  it("an outage before has not tired it", () => {
    const router = new Router();
    router.answer = "refuse";
    router.start().run(minutes(60));
    router.answer = "accept";
    router.run(seconds(5)).says(encodeOpen(OPEN)).notifies(ERRORS.connectionRejected);
    const { now } = router;
    expect(Math.round(((router.session.deadline() ?? now) - now) / 1e6)).toBe(15);
  });

  it("the reason within a Hard Reset counts (RFC 8538)", () => {
    expect(rest(ERRORS.hardReset, Uint8Array.of(6, 2))).toBe(15);
  });

  it("prints a text that is no text", () => {
    const router = new Router().establish();
    router.notifies(ERRORS.administrativeShutdown, new Uint8Array(256).fill(0xff));
    expect(router.trace[1]).toMatch(/^0s established->idle: received Cease\/Administrative Shutdown: \ufffd+$/);
  });

  it("no hot loop, whatever it says", () => {
    for (const error of Object.values(ERRORS)) {
      const router = new Router().start();
      router.run(minutes(10), () => router.notifies(error));
      expect(router.trace.filter((line) => line.endsWith("dial")).length).toBeLessThanOrEqual(110);
    }
  });

  it("closing without a word is answered by dialling again", () => {
    const router = new Router().establish().run(seconds(2)).hangsUp();
    router.run(seconds(1));
    expect(router.trace).toEqual([
      "2s established->idle: the peer closed the connection",
      "2s down",
      "3s idle->connect: idle hold timer expired",
      "3s dial",
      "3s send open as=64512 hold=9s",
      "3s connect->openSent: TCP is up",
    ]);
  });
});

describe("how a session ends from this side", () => {
  const restarting = (notification: boolean): Partial<Open> => ({
    capabilities: [
      ...OPEN.capabilities,
      {
        kind: "gracefulRestart",
        restarting: false,
        notification,
        restartTime: seconds(120),
        families: [{ afi: 1, safi: 1, forwardingPreserved: true }],
      },
    ],
  });
  const ending = (intent: "restart" | "remove" | "change", gracefulRestart: boolean, peer: Partial<Open>): string => {
    const router = new Router({ gracefulRestart }).establish(peer);
    router.carryOut(router.session.stop(intent, router.now));
    expect(router.session.deadline()).toBeUndefined();
    return router.trace[0] ?? "";
  };
  it.each([
    ["restart", false, {}, "0s send notification 6/2 Cease/Administrative Shutdown: speaker stops"],
    ["restart", true, {}, "0s send notification 6/2 Cease/Administrative Shutdown: speaker stops"],
    ["restart", true, restarting(false), "0s close"],
    ["restart", true, restarting(true), "0s send notification 6/2 Cease/Administrative Shutdown: speaker stops"],
    ["remove", false, {}, "0s send notification 6/3 Cease/Peer De-configured"],
    ["remove", true, restarting(true), "0s send notification 6/9 Cease/Hard Reset: Cease/Peer De-configured"],
    ["change", false, {}, "0s send notification 6/6 Cease/Other Configuration Change"],
  ] as const)("%s, graceful restart %s", (intent, gracefulRestart, peer, line) => {
    expect(ending(intent, gracefulRestart, peer)).toBe(line);
  });

  it("BFD takes the routes with it (RFC 9384)", () => {
    const plain = new Router().establish();
    plain.carryOut(plain.session.bfdDown(plain.now));
    expect(plain.trace[0]).toBe("0s send notification 6/10 Cease/BFD Down");
    const graceful = new Router({ gracefulRestart: true }).establish(restarting(true));
    graceful.carryOut(graceful.session.bfdDown(graceful.now));
    expect(graceful.trace[0]).toBe("0s send notification 6/9 Cease/Hard Reset: Cease/BFD Down");
  });
});

describe("ROUTE-REFRESH", () => {
  it("asks for the routes of a family; other subtypes ask for nothing (RFC 7313)", () => {
    const router = new Router().establish();
    for (const subtype of ["request", "beginningOfRefresh", "endOfRefresh", 99] as const) {
      router.says(encodeRouteRefresh({ kind: "routeRefresh", afi: 2, safi: 1, subtype }));
    }
    expect(router.trace).toEqual(["0s refresh 2/1"]);
  });
});

describe("UPDATEs that are wrong (RFC 7606)", () => {
  it("are counted, and cost the session only where they cannot be cut into parts", () => {
    const router = new Router().establish();
    // NLRI without any attribute (CVE-2023-46753).
    router.says(hex(`${MARKER} 001c 02 0000 0000 20 c6336401`));
    expect(router.session.counters.faults.treatAsWithdraw).toBeGreaterThan(0);
    expect(router.session.state.kind).toBe("established");
    router.says(hex(`${MARKER} 0017 02 0005 0000`));
    expect(router.trace[0]).toBe("0s send notification 3/1 UPDATE Message Error/Malformed Attribute List");
  });
});
