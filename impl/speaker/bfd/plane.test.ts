import { describe, expect, it } from "vitest";
import { Metrics } from "../../metrics.ts";
import { type Arrival, type Effect, type Random } from "../../ports.ts";
import { decodeBfd } from "../../wire/bfd.ts";
import { hex } from "../../wire/golden/hex.ts";
import { parseIp } from "../../wire/ip.ts";
import { formatSeconds, micros, type Micros, millis, plus, seconds } from "../../wire/time.ts";
import { parseMac } from "../../wire/mac.ts";
import { link } from "../test-cluster.ts";
import { type BfdConfig } from "./config.ts";
import { BfdMetrics } from "./metrics.ts";
import { type BfdOutcome, BfdPlane } from "./plane.ts";
import { type BfdPath } from "./sessions.ts";
import { CONFIG, describe as inWords, NO_JITTER, randomOf } from "./test-pair.ts";

const LOCAL = parseIp("192.0.2.1");
const PEER = parseIp("192.0.2.2");
const PATH: BfdPath = { hops: "single", peer: PEER, local: LOCAL, link: "eth0" };
const MULTI: BfdPath = {
  hops: "multi",
  peer: parseIp("198.51.100.2"),
  local: parseIp("198.51.100.1"),
  link: undefined,
};
const V6: BfdPath = { hops: "single", peer: parseIp("fe80::ff:fe00:20b"), local: undefined, link: "eth0" };

// FRR 8.4.4 to a speaker whose discriminator is a3e698fc; 300 ms times 3 here, 250 and 200 ms times 4 there.
const OURS = 0xa3e698fc;
const FRR = {
  init: hex("2080 0418 1fd71ba3 a3e698fc 000f4240 000f4240 0000c350"),
  upPoll: hex("20e0 0418 1fd71ba3 a3e698fc 0003d090 00030d40 0000c350"),
  upFinal: hex("20d0 0418 1fd71ba3 a3e698fc 0003d090 00030d40 0000c350"),
  adminDown: hex("2000 0418 1fd71ba3 a3e698fc 0003d090 00030d40 0000c350"),
};
// FRR 8.4.4 over IPv6: an Echo packet of its own.
const FRR_ECHO = hex("0118 0000 b99fb653 0000000000000000 0000000000000000");

// Laid out after RFC 826, RFC 791, RFC 768 and RFC 5881 section 4, checksums computed apart.
const OUR_MAC = "02000000000a";
const PEER_MAC = "02000000020b";
const QUESTION = `ffffffffffff${OUR_MAC}08060001080006040001${OUR_MAC}c0000201000000000000c0000202`;
const ARP_REPLY = hex(`${OUR_MAC}${PEER_MAC}08060001080006040002${PEER_MAC}c0000202${OUR_MAC}c0000201`);
const ECHO = hex(`4563686f a3e698fc ${"00".repeat(16)}`);
const ECHO_UDP = `c0000201c00002010ec90ec9002073634563686fa3e698fc${"00".repeat(16)}`;
const ECHO_OUT = `${PEER_MAC}${OUR_MAC}080045c0003400000000ff1136f6${ECHO_UDP}`;
const ECHO_BACK = hex(`${OUR_MAC}${PEER_MAC}080045c0003400000000fe1137f6${ECHO_UDP}`);

/** The first discriminator that is drawn from it is the one that FRR's packets name. */
const CAPTURED: Random = { next: () => (OURS - 1) / 0xffffffff };

class Scene {
  now: Micros = micros(0);
  readonly metrics = new Metrics();
  readonly plane: BfdPlane;
  readonly trace: string[] = [];
  readonly sockets = new Map<string, string>();

  constructor(random: Random = randomOf(1)) {
    this.plane = new BfdPlane(random, new BfdMetrics(this.metrics));
  }

  open(key: string, path = PATH, config: Partial<BfdConfig> = {}): this {
    return this.note(this.plane.open(key, path, { ...CONFIG, ...config }, this.now));
  }

  /** A datagram on the socket that stands in the trace as `called`. */
  receive(called: string, bytes: Uint8Array, arrival: Partial<Arrival> = {}, from = PEER, port = 49_152): this {
    const socket = [...this.sockets].find(([, name]) => name === called)?.[0] ?? called;
    const whole = { link: "eth0", destination: LOCAL, ttl: 255, ...arrival };
    return this.note(
      this.plane.receive({ kind: "datagram", socket, from: { ip: from, port }, bytes, arrival: whole }, this.now),
    );
  }

  fail(called: string, because: string): this {
    const socket = [...this.sockets].find(([, name]) => name === called)?.[0] ?? called;
    return this.note(this.plane.receive({ kind: "socketFailed", socket, because }, this.now));
  }

  run(duration: Micros): this {
    const end = plus(this.now, duration);
    for (let at = this.plane.deadline(); at !== undefined && at <= end; at = this.plane.deadline()) {
      this.now = micros(Math.max(at, this.now));
      this.note(this.plane.wake(this.now));
    }
    this.now = end;
    return this;
  }

  note({ effects, changes }: BfdOutcome): this {
    for (const effect of effects) this.trace.push(`${formatSeconds(this.now)} ${this.#line(effect)}`);
    for (const { key, from, to, because } of changes) {
      this.trace.push(`${formatSeconds(this.now)} ${key} ${from}->${to}: ${because}`);
    }
    return this;
  }

  take(): readonly string[] {
    return this.trace.splice(0);
  }

  #line(effect: Effect): string {
    switch (effect.kind) {
      case "openDatagrams": {
        const { local, options = {}, socket } = effect;
        const { device = "" } = options;
        const name = local.port < 49_152 ? `${local.port}` : `from ${local.ip}`;
        const words = [name, device, options.ttl ?? "", options.arrivals === true ? "arrivals" : ""];
        this.sockets.set(socket, local.port < 49_152 ? `${name} ${device}`.trimEnd() : name);
        return ["open", local.port < 49_152 ? local.ip : "", ...words].filter((word) => word !== "").join(" ");
      }
      case "closeDatagrams":
        return `close ${this.sockets.get(effect.socket)}`;
      case "sendDatagram": {
        const { to, bytes } = effect;
        const what = to.port === 3784 || to.port === 4784 ? inWords(decodeBfd(bytes)) : `${bytes.length} bytes`;
        return `${this.sockets.get(effect.socket)} to ${to.ip}:${to.port} ${what}`;
      }
      case "sendFrame":
        return `frame ${Buffer.from(effect.bytes).toString("hex")}`;
      case "openLink":
      case "closeLink":
        return `${effect.kind} ${effect.link}`;
      case "log":
        return `${effect.level} ${effect.event} ${effect.fields["because"]}: ${effect.fields["hint"]}`;
      default:
        return effect.kind;
    }
  }
}

const portsOf = ({ effects }: BfdOutcome): readonly number[] =>
  effects.flatMap((effect) => (effect.kind === "openDatagrams" ? [effect.local.port] : [])).filter((at) => at > 5000);

describe("the sockets of a session", () => {
  it("a single hop sends from its own address and interface with TTL 255 and hears port 3784 (RFC 5881 sections 4, 5)", () => {
    expect(new Scene().open("a").take()).toEqual([
      "0s open 0.0.0.0 3784 arrivals",
      "0s open from 192.0.2.1 eth0 255 arrivals",
      "0s from 192.0.2.1 to 192.0.2.2:3784 down tx=1s rx=0.3s",
    ]);
  });

  it("several hops use port 4784 (RFC 5883 section 5)", () => {
    expect(new Scene().open("a", MULTI).take()).toEqual([
      "0s open 0.0.0.0 4784 arrivals",
      "0s open from 198.51.100.1 255 arrivals",
      "0s from 198.51.100.1 to 198.51.100.2:4784 down tx=1s rx=0.3s",
    ]);
  });

  it("a link-local peer is reached through its interface", () => {
    expect(new Scene().open("a", V6).take()).toEqual([
      "0s open :: 3784 arrivals",
      "0s open from :: eth0 255 arrivals",
      "0s from :: to fe80::ff:fe00:20b:3784 down tx=1s rx=0.3s",
    ]);
  });

  it("a VRF has sockets of its own, and its peer is not the one of the same address outside", () => {
    const scene = new Scene().open("outside");
    scene.take();
    scene.open("a", { ...PATH, vrf: "red" });
    expect(scene.take().slice(0, 2)).toEqual([
      "0s open 0.0.0.0 3784 red arrivals",
      "0s open from 192.0.2.1 red 255 arrivals",
    ]);
    scene.receive("3784 red", hex("2040 0318 00000007 00000000 000f4240 000f4240 00000000"));
    expect(scene.take()).toEqual([
      "0s from 192.0.2.1 to 192.0.2.2:3784 init tx=1s rx=0.3s",
      "0s a down->init: peerDown",
    ]);
    expect(scene.plane.session("outside")?.state).toBe("down");
  });

  it("no two sessions have one source port, and all are dynamic ones (RFC 5881 section 4)", () => {
    const plane = new BfdPlane({ next: () => 0.5 }, new BfdMetrics(new Metrics()));
    const ports = [2, 3, 4, 5].flatMap((last) => {
      const path = { ...PATH, peer: parseIp(`192.0.2.${last}`) };
      return portsOf(plane.open(`${last}`, path, CONFIG, micros(0)));
    });
    expect(new Set(ports).size).toBe(4);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(49_152);
    expect(Math.max(...ports)).toBeLessThanOrEqual(65_535);
    expect(new Set(plane.views().map(({ localDiscriminator }) => localDiscriminator)).size).toBe(4);
  });

  it("a source port that somebody has is replaced at once", () => {
    const scene = new Scene().open("a");
    scene.take();
    scene.fail("from 192.0.2.1", "EADDRINUSE");
    expect(scene.take()).toEqual(["0s open from 192.0.2.1 eth0 255 arrivals"]);
  });

  it("says who has the port that it needs, once, and goes on trying", () => {
    const scene = new Scene().open("a", PATH, { role: "passive" });
    scene.take();
    const hint =
      "another BFD daemon of this node (FRR's bfdd, BIRD) has UDP port 3784: stop it there, or take bfdProfile from the peers";
    scene.fail("3784", "EADDRINUSE");
    expect(scene.take()).toEqual([`0s error bfd.socket.failed EADDRINUSE: ${hint}`]);
    expect(scene.plane.session("a")?.failure).toBe("EADDRINUSE");
    expect(scene.run(seconds(5)).take()).toEqual(["5s open 0.0.0.0 3784 arrivals"]);
    const last = [...scene.sockets.keys()].at(-1) ?? "";
    scene.fail(last, "EADDRINUSE");
    expect(scene.take()).toEqual([]);
    expect(scene.run(seconds(5)).take()).toEqual(["10s open 0.0.0.0 3784 arrivals"]);
    expect(scene.plane.session("a")?.failure).toBeUndefined();
  });

  it("waits for its address, and tries as soon as the interfaces change", () => {
    const scene = new Scene(NO_JITTER).open("a");
    scene.take();
    scene.fail("from 192.0.2.1", "EADDRNOTAVAIL");
    scene.run(seconds(2));
    expect(scene.take()).toEqual([
      "0s warn bfd.socket.failed EADDRNOTAVAIL: no interface of this node has 192.0.2.1, or it is not ready yet",
    ]);
    scene.note(scene.plane.setLinks([link("eth0")]));
    scene.run(seconds(1));
    expect(scene.take()).toEqual([
      "2s open from 192.0.2.1 eth0 255 arrivals",
      "3s from 192.0.2.1 to 192.0.2.2:3784 down tx=1s rx=0.3s",
    ]);
  });

  it("follows an interface that was made anew", () => {
    const scene = new Scene();
    scene.note(scene.plane.setLinks([link("eth0", { index: 3 })]));
    scene.open("a").take();
    scene.note(scene.plane.setLinks([link("eth0", { index: 3, mtu: 9000 })]));
    scene.note(scene.plane.setLinks([]));
    expect(scene.take()).toEqual([]);
    scene.note(scene.plane.setLinks([link("eth0", { index: 8 })]));
    expect(scene.take()).toEqual(["0s close from 192.0.2.1", "0s open from 192.0.2.1 eth0 255 arrivals"]);
  });
});

describe("a session with FRR", () => {
  const up = (): Scene => {
    const scene = new Scene(CAPTURED).open("a", PATH);
    scene.now = millis(386);
    scene.receive("3784", FRR.init).receive("3784", FRR.upPoll).receive("3784", FRR.upFinal);
    return scene;
  };

  it("comes up with what FRR sent", () => {
    expect(up().take().slice(3)).toEqual([
      "0.386s from 192.0.2.1 to 192.0.2.2:3784 up poll tx=0.3s rx=0.3s",
      "0.386s a down->up: peerInit",
      "0.386s from 192.0.2.1 to 192.0.2.2:3784 up final tx=0.3s rx=0.3s",
    ]);
  });

  it("shows what vtysh showed of it on the other side", () => {
    // show bfd peers: receive-interval 200, transmit-interval 250, echo-receive-interval 50, detect-multiplier 4.
    expect(up().plane.session("a")).toEqual({
      keys: ["a"],
      path: PATH,
      state: "up",
      diagnostic: "none",
      role: "active",
      localDiscriminator: 2749798652,
      detectMultiplier: 3,
      remote: {
        discriminator: 534191011,
        state: "up",
        diagnostic: "none",
        desiredMinTx: millis(250),
        requiredMinRx: millis(200),
        requiredMinEchoRx: millis(50),
        detectMultiplier: 4,
        demand: false,
        heardAt: millis(386),
      },
      transmitInterval: millis(300),
      detectionTime: millis(1200),
      echoInterval: undefined,
      counters: { controlIn: 3, controlOut: 3, echoIn: 0, echoOut: 0, ups: 1, downs: 0 },
      changedAt: millis(386),
      failure: undefined,
    });
  });

  it("goes down with FRR's shutdown, which is no failure", () => {
    const scene = up();
    scene.take();
    scene.receive("3784", FRR.adminDown);
    expect(scene.take().at(-1)).toBe("0.386s a up->down: peerAdminDown");
  });

  it("counts as FRR's exporter does", () => {
    const scene = up();
    scene.run(seconds(2));
    const text = scene.metrics.expose();
    const of = (name: string): string | undefined =>
      new RegExp(`^metallb_bfd_${name}\\{peer="192.0.2.2",vrf="default"\\} (\\d+)$`, "m").exec(text)?.[1];
    const names = ["session_up", "control_packet_input", "session_up_events", "session_down_events"];
    expect(names.map(of)).toEqual(["0", "3", "1", "1"]);
    scene.note(scene.plane.close("a", scene.now)).run(seconds(10));
    expect(scene.metrics.expose()).not.toContain("192.0.2.2");
  });

  it("counts what changes nothing, by reason", () => {
    const scene = up();
    scene.receive("3784", FRR.upFinal, { ttl: 254 }).receive("3784", FRR.upFinal.subarray(1));
    scene.receive("3784", FRR.upFinal.subarray(0, 23));
    const lines = scene.metrics.expose().match(/^assay_bfd_packets_dropped.*$/gm);
    expect(lines).toEqual([
      'assay_bfd_packets_dropped{because="malformed"} 2',
      'assay_bfd_packets_dropped{because="ttlTooLow"} 1',
    ]);
  });
});

describe("peers that share a path (RFC 5882 section 2)", () => {
  const fast = { desiredMinTx: millis(100), detectMultiplier: 5 };
  const slow = { requiredMinRx: millis(50), role: "passive" } as const;

  it("share one session, which is as quick as the most impatient of them asks", () => {
    const scene = new Scene(CAPTURED).open("fast", PATH, fast).open("slow", PATH, slow);
    const config = { role: "active", localDiscriminator: OURS, detectMultiplier: 3, keys: ["fast", "slow"] };
    expect(scene.plane.session("slow")).toMatchObject(config);
    expect(scene.plane.views()).toHaveLength(1);
    scene.take();
    scene.receive("3784", FRR.init);
    expect(scene.take()).toEqual([
      "0s from 192.0.2.1 to 192.0.2.2:3784 up poll tx=0.1s rx=0.05s",
      "0s fast down->up: peerInit",
      "0s slow down->up: peerInit",
    ]);
  });

  it("the session outlives the first that goes, and is AdminDown when the last one went", () => {
    const scene = new Scene(CAPTURED).open("fast", PATH, fast).open("slow", PATH, slow);
    scene.receive("3784", FRR.init).receive("3784", FRR.upFinal);
    scene.take();
    scene.note(scene.plane.close("fast", scene.now));
    expect(scene.plane.session("slow")?.state).toBe("up");
    scene.take();
    scene.note(scene.plane.close("slow", scene.now));
    expect(scene.take()).toEqual([
      "0s from 192.0.2.1 to 192.0.2.2:3784 adminDown poll administrativelyDown tx=1s rx=0.05s",
    ]);
    scene.run(seconds(10));
    const trace = scene.take();
    expect(trace.slice(-2)).toEqual(["3s close 3784", "3s close from 192.0.2.1"]);
    expect(scene.plane.deadline()).toBeUndefined();
  });

  it("a key that is opened on another path leaves the first one", () => {
    const scene = new Scene().open("a");
    scene.take();
    scene.open("a", { ...PATH, peer: parseIp("192.0.2.3") });
    expect(scene.take()).toEqual([
      "0s from 192.0.2.1 to 192.0.2.2:3784 adminDown administrativelyDown tx=1s rx=0.3s",
      "0s open from 192.0.2.1 eth0 255 arrivals",
      "0s from 192.0.2.1 to 192.0.2.3:3784 down tx=1s rx=0.3s",
    ]);
  });
});

describe("Echo (RFC 5880 section 6.4, RFC 5881 section 4)", () => {
  const ECHOING = { echoInterval: millis(50) };

  it("listens on port 3785 and returns what comes straight from its peer, once", () => {
    const scene = new Scene().open("a", PATH, ECHOING);
    expect(scene.take()[1]).toBe("0s open 0.0.0.0 3785 254 arrivals");
    scene.receive("3785", FRR_ECHO, {}, PEER, 3785);
    expect(scene.take()).toEqual(["0s 3785 to 192.0.2.2:3785 24 bytes"]);
    scene.receive("3785", FRR_ECHO, { ttl: 254 }, PEER, 3785);
    scene.receive("3785", FRR_ECHO, {}, parseIp("192.0.2.9"), 3785);
    expect(scene.take()).toEqual([]);
  });

  it("does not trust a peer that offers to return them and does not: FRR's default", () => {
    const scene = up();
    scene.take();
    scene.run(millis(800));
    const trace = scene.take();
    expect(trace.filter((line) => line.includes("->"))).toEqual([]);
    expect(trace.some((line) => line.includes("rx=1s"))).toBe(false);
  });

  it("over IPv4 goes to the peer's link-layer address, addressed to its sender, once that address is known", () => {
    const scene = up();
    expect(scene.take().filter((line) => line.includes("Link") || line.includes("frame"))).toEqual([
      "0s openLink eth0",
      `0s frame ${QUESTION}`,
    ]);
    scene.note(scene.plane.receiveFrame("eth0", ARP_REPLY, scene.now)).run(millis(50));
    expect(scene.take()).toContain(`0.045502s frame ${ECHO_OUT}`);
  });

  it("is not sent to whoever else speaks ARP", () => {
    const scene = up();
    const stranger = Uint8Array.from(ARP_REPLY);
    // The last byte of the sender's address.
    stranger.set([9], 31);
    scene.note(scene.plane.receiveFrame("eth0", stranger, scene.now)).take();
    scene.run(millis(500));
    expect(scene.take().filter((line) => line.includes("frame"))).toEqual([]);
  });

  it("is missed from the first one on that came back, and slows control packets down (section 6.8.3)", () => {
    const scene = up();
    scene.note(scene.plane.receiveFrame("eth0", ARP_REPLY, scene.now)).run(millis(60));
    scene.take();
    scene.note(scene.plane.receiveFrame("eth0", ECHO_BACK, scene.now));
    expect(scene.take()).toEqual(["0.06s from 192.0.2.1 to 192.0.2.2:3784 up poll tx=0.3s rx=1s"]);
    scene.run(millis(200));
    expect(scene.take()).toContain("0.21s a up->down: echoFailed");
    expect(scene.plane.session("a")?.counters).toMatchObject({ echoIn: 1, downs: 1 });
  });

  it("did not come back where no router took one from its TTL", () => {
    const scene = up();
    // The header checksum counts the TTL.
    const straight = Uint8Array.from(ECHO_BACK);
    straight.set([255], 22);
    straight.set([0x36], 24);
    scene.note(scene.plane.receiveFrame("eth0", straight, scene.now));
    expect(scene.plane.session("a")?.counters.echoIn).toBe(0);
  });

  it("over IPv6 goes to the peer's BFD, and is heard where it was sent from", () => {
    const path = { ...V6, local: parseIp("fe80::ff:fe00:20a") };
    const scene = new Scene(CAPTURED).open("a", path, ECHOING);
    const receive = (bytes: Uint8Array): Scene => scene.receive("3784", bytes, { destination: path.local }, path.peer);
    receive(FRR.init);
    receive(FRR.upFinal).take();
    scene.run(micros(0));
    expect(scene.take()).toEqual(["0s from fe80::ff:fe00:20a to fe80::ff:fe00:20b:3785 24 bytes"]);
    scene.receive("from fe80::ff:fe00:20a", ECHO, { ttl: 254 }, path.peer, 3785);
    expect(scene.plane.session("a")?.counters).toMatchObject({ echoIn: 1 });
  });

  it("gives the interface back", () => {
    const scene = up();
    scene.note(scene.plane.close("a", scene.now)).take();
    scene.run(seconds(10));
    expect(scene.take().filter((line) => line.includes("Link"))).toEqual(["3s closeLink eth0"]);
  });

  /** The first Echo packet is due at once. */
  const up = (): Scene => {
    const scene = new Scene(CAPTURED);
    const mac = parseMac("02:00:00:00:00:0a");
    scene.note(scene.plane.setLinks([link("eth0", { mac, addresses: ["192.0.2.1/24"] })]));
    scene.open("a", PATH, ECHOING).receive("3784", FRR.init).receive("3784", FRR.upFinal);
    return scene.run(micros(0));
  };
});

describe("inputs of others", () => {
  it("change nothing", () => {
    const scene = new Scene().open("a");
    scene.take();
    scene.fail("members", "EADDRINUSE").receive("members", FRR.init);
    expect(scene.take()).toEqual([]);
  });
});
