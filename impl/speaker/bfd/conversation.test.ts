import { describe, expect, it } from "vitest";
import { millis, minutes, seconds } from "../../wire/time.ts";
import { NO_JITTER, Pair, randomOf } from "./test-pair.ts";

/** Both are up and have agreed on their intervals; the trace begins now. */
function established(options: ConstructorParameters<typeof Pair>[0] = {}): Pair {
  const pair = new Pair({ randomB: randomOf(2), ...options });
  pair.open("a", "b");
  pair.run(seconds(4));
  expect([pair.state("a"), pair.state("b")]).toEqual(["up", "up"]);
  pair.trace.length = 0;
  return pair;
}

describe("two speakers (RFC 5880 section 6.2)", () => {
  it("come up by a three-way handshake and then speed up with Poll and Final", () => {
    const pair = new Pair({ randomB: randomOf(2) });
    pair.open("b");
    pair.run(millis(100));
    pair.open("a");
    pair.run(millis(100));
    expect(pair.trace).toEqual([
      "0s b sends down tx=1s rx=0.3s",
      "0.1s a sends down tx=1s rx=0.3s",
      "0.101s b down->init: peerDown",
      "0.101s b sends init tx=1s rx=0.3s",
      "0.102s a down->up: peerInit",
      "0.102s a sends up poll tx=0.3s rx=0.3s",
      "0.103s b init->up: peerUp",
      "0.103s b sends up final tx=0.3s rx=0.3s",
      "0.103s b sends up poll tx=0.3s rx=0.3s",
      "0.104s a sends up final tx=0.3s rx=0.3s",
    ]);
  });

  it("send once a second at most while the peer is silent (section 6.8.3)", () => {
    const pair = new Pair();
    pair.open("a");
    pair.run(seconds(3));
    expect(pair.trace).toEqual(["0s", "1s", "2s", "3s"].map((at) => `${at} a sends down tx=1s rx=0.3s`));
  });

  it("miss each other after the peer's multiplier times the slower interval (section 6.8.4)", () => {
    const pair = established({ b: { detectMultiplier: 5 } });
    pair.verbose = false;
    // The last packet of b came before 4 s, at 3.724 s: 5 times 300 ms count from there.
    pair.lose = () => true;
    pair.run(seconds(5));
    expect(pair.trace.map((line) => line.replace(/^\S+ /, ""))).toEqual([
      "b up->down: detectionTimeExpired",
      "a up->down: detectionTimeExpired",
    ]);
    const [b = 0, a = 0] = pair.trace.map((line) => Number.parseFloat(line) - 4);
    expect(b).toBeGreaterThan(0.6 - 0.002);
    expect(b).toBeLessThanOrEqual(0.9);
    expect(a).toBeGreaterThan(1.2 - 0.002);
    expect(a).toBeLessThanOrEqual(1.5);
  });

  it("do not come up over a path of one direction, and say what they miss", () => {
    const pair = established();
    pair.lose = (from) => from === "b";
    pair.run(seconds(3));
    const news = pair.trace.filter((line) => /->|final/.test(line)).map((line) => line.replace(/^\S+ /, ""));
    expect(news.slice(0, 4)).toEqual([
      "a up->down: detectionTimeExpired",
      "b up->down: peerDown",
      "b sends down final neighborSignaledSessionDown tx=1s rx=0.3s",
      "b down->init: peerDown",
    ]);
    expect(pair.trace).toContainEqual(
      expect.stringMatching(/a sends down poll controlDetectionTimeExpired tx=1s rx=0.3s$/),
    );
    expect(pair.trace.some((line) => line.includes("->up"))).toBe(false);
  });

  it("notice that the other started anew: Your Discriminator 0 in state Down (section 6.8.6)", () => {
    const pair = established();
    pair.verbose = false;
    pair.replace("b", randomOf(77));
    pair.open("b");
    pair.run(millis(100));
    expect(pair.trace.map((line) => line.replace(/^\S+ /, ""))).toEqual([
      "a up->down: peerDown",
      "b down->init: peerDown",
      "a down->up: peerInit",
      "b init->up: peerUp",
    ]);
  });

  it("tell an administrator from a failure (section 6.8.16), and forget the session after a while", () => {
    const pair = established();
    pair.close("b");
    pair.run(millis(100));
    expect(pair.trace).toEqual([
      "4s b up->adminDown: disabled",
      "4s b sends adminDown poll administrativelyDown tx=1s rx=0.3s",
      "4.001s a up->down: peerAdminDown",
      "4.001s a sends down final neighborSignaledSessionDown tx=1s rx=0.3s",
      "4.001s a sends down poll neighborSignaledSessionDown tx=1s rx=0.3s",
    ]);
    pair.trace.length = 0;
    pair.verbose = false;
    pair.run(seconds(20));
    expect(pair.trace).toEqual([]);
    expect(pair.speaker("b").deadline()).toBeUndefined();
  });

  it("recover when the path does", () => {
    const pair = established();
    pair.lose = () => true;
    pair.run(seconds(10));
    pair.lose = () => false;
    pair.run(seconds(2));
    expect([pair.state("a"), pair.state("b")]).toEqual(["up", "up"]);
  });

  it("stay up for an hour over a path that loses nothing", () => {
    const pair = established({ randomA: randomOf(5) });
    pair.verbose = false;
    pair.run(minutes(60));
    expect(pair.trace).toEqual([]);
  });
});

describe("intervals that change while the session is up (section 6.8.3)", () => {
  it("sends at the old rate until a longer interval is confirmed", () => {
    const pair = established({ randomA: NO_JITTER });
    pair.lose = (_, packet) => packet?.final === true && pair.now < seconds(5);
    pair.configure("a", { desiredMinTx: seconds(2) });
    pair.run(seconds(6));
    const sent = pair.trace.filter((line) => / a sends/.test(line));
    expect(sent.filter((line) => line.includes("poll")).map((line) => line.split(" ")[0])).toEqual([
      "4s",
      "4.3s",
      "4.6s",
      "4.9s",
      "5.2s",
    ]);
    expect(sent.filter((line) => !line.includes("poll")).map((line) => line.split(" ")[0])).toEqual(["7.2s", "9.2s"]);
    expect(pair.trace.filter((line) => line.includes("->"))).toEqual([]);
  });

  it("detects at the old rate until the peer has confirmed that it sends more often", () => {
    const pair = established({ a: { requiredMinRx: seconds(2) }, b: { desiredMinTx: millis(100) } });
    pair.run(seconds(4));
    // b does not hear of it for half a second, and goes on to send every two.
    pair.lose = (_, packet) => packet?.poll === true && pair.now < millis(8500);
    pair.configure("a", { requiredMinRx: millis(100) });
    pair.run(seconds(5));
    expect(pair.trace.filter((line) => line.includes("->"))).toEqual([]);
    expect(pair.trace.filter((line) => line.includes(" b sends")).length).toBeGreaterThan(40);
  });

  it("survives any sequence of changes", () => {
    const pair = established({ randomA: randomOf(3) });
    pair.verbose = false;
    const random = randomOf(9);
    for (let round = 0; round < 40; round++) {
      const interval = () => millis(50 + Math.floor(random.next() * 3000));
      pair.configure(random.next() < 0.5 ? "a" : "b", { desiredMinTx: interval(), requiredMinRx: interval() });
      pair.run(millis(Math.floor(random.next() * 2500)));
    }
    expect(pair.trace).toEqual([]);
  });
});

describe("roles, hops and Echo", () => {
  it("a passive speaker is silent until it is spoken to (section 6.1)", () => {
    const pair = new Pair({ a: { role: "passive" } });
    pair.open("a");
    pair.run(seconds(5));
    expect(pair.trace).toEqual([]);
    pair.open("b");
    pair.run(millis(10));
    expect([pair.state("a"), pair.state("b")]).toEqual(["up", "up"]);
  });

  it("two passive speakers never meet", () => {
    const pair = new Pair({ a: { role: "passive" }, b: { role: "passive" } });
    pair.open("a", "b");
    pair.run(minutes(1));
    expect(pair.trace).toEqual([]);
  });

  it("works over several hops (RFC 5883)", () => {
    expect(established({ hops: "multi" }).state("a")).toBe("up");
  });

  it("Echo slows control packets down and detects by itself (sections 6.8.3 and 6.8.9)", () => {
    const pair = new Pair({ a: { echoInterval: millis(50) }, b: { echoInterval: millis(20) }, randomB: randomOf(4) });
    pair.open("a", "b");
    pair.run(seconds(6));
    pair.trace.length = 0;
    pair.lose = (from, packet) => from === "a" && packet === undefined;
    pair.run(millis(300));
    const news = pair.trace.filter((line) => line.includes(" a ") && !line.includes("rx=1s"));
    expect(news.map((line) => line.replace(/^\S+ /, ""))).toEqual([
      "a up->down: echoFailed",
      "a sends down poll echoFunctionFailed tx=1s rx=0.3s",
      ...news.slice(2).map((line) => line.replace(/^\S+ /, "")),
    ]);
    const at = Number.parseFloat(news[0] ?? "") - 6;
    expect(at).toBeGreaterThan(0.1);
    expect(at).toBeLessThanOrEqual(0.153);
  });

  it("Echo needs a peer that returns packets", () => {
    const pair = established({ a: { echoInterval: millis(50) } });
    expect(pair.speaker("a").session("peer")).toMatchObject({ kind: "up", echo: undefined });
  });
});
