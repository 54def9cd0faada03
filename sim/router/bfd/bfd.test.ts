// Expected: RFC 5880 (states, negotiation, detection time, jitter), RFC 5881 and 5883 (TTL), RFC 5882 (what BGP does).
import { describe, expect, it } from "vitest";
import { type BfdControl, type BfdState, decodeBfd, encodeBfd } from "../../../impl/wire/bfd.ts";
import { type Ip, parseIp } from "../../../impl/wire/ip.ts";
import { type Micros, micros, millis, seconds } from "../../../impl/wire/time.ts";
import { type UdpSocket } from "../../host/udp.ts";
import { frrConfig, TestNetwork } from "../test-network.ts";
import { nextState } from "./transitions.ts";

const config = (own: number, other: number, profile: readonly string[] = []): string =>
  [
    `router bgp 6450${own}`,
    ` bgp router-id 10.0.0.${own}`,
    " no bgp ebgp-requires-policy",
    ` neighbor 10.0.0.${other} remote-as 6450${other}`,
    ` neighbor 10.0.0.${other} timers connect 3`,
    ` neighbor 10.0.0.${other} bfd profile fast`,
    "exit",
    "bfd",
    " profile fast",
    ...profile.map((line) => `  ${line}`),
    " exit",
    "exit",
  ].join("\n");

/** A BFD speaker of the test's making at 10.0.0.2. */
class Speaker {
  readonly heard: { readonly at: Micros; readonly packet: BfdControl }[] = [];
  readonly #socket: UdpSocket;
  readonly #network: TestNetwork;
  state: BfdState = "down";

  constructor(network: TestNetwork, ttl = 255) {
    this.#network = network;
    const host = network.host("peer");
    host.udp.open({ ip: parseIp("10.0.0.2"), port: 3784 }, (_from, bytes) => {
      this.heard.push({ at: network.world.scheduler.now, packet: decodeBfd(bytes) });
    });
    this.#socket = host.udp.open({ ip: parseIp("10.0.0.2"), port: 49_152 }, () => undefined, { ttl });
  }

  get last(): BfdControl | undefined {
    return this.heard.at(-1)?.packet;
  }

  say(packet: Partial<BfdControl> = {}, to: Ip = parseIp("10.0.0.1")): void {
    const whole: BfdControl = {
      diagnostic: "none",
      state: this.state,
      poll: false,
      final: false,
      controlPlaneIndependent: false,
      demand: false,
      multipoint: false,
      detectMultiplier: 3,
      myDiscriminator: 7,
      yourDiscriminator: this.last?.myDiscriminator ?? 0,
      desiredMinTx: millis(300),
      requiredMinRx: millis(300),
      requiredMinEchoRx: micros(0),
      ...packet,
    };
    this.#socket.send({ ip: to, port: 3784 }, encodeBfd(whole));
    this.#network.run(0.001);
  }

  /** Comes up and stays so for a while. */
  up(): this {
    this.#network.run(0.1);
    this.say({ state: "down" });
    this.say({ state: "init" });
    this.state = "up";
    this.say();
    return this;
  }
}

function playing(profile: readonly string[] = [], ttl?: number) {
  const network = new TestNetwork();
  const router = network.router("router", config(1, 2, profile));
  const speaker = new Speaker(network, ttl);
  const state = (): BfdState | undefined => router.bfdPeers()[0]?.state;
  return { network, router, speaker, state };
}

describe("the states of RFC 5880 section 6.2", () => {
  it("follow the figure", () => {
    const states: readonly BfdState[] = ["down", "init", "up"];
    const rows = states.map((own) => [own, ...(["adminDown", ...states] as const).map((each) => nextState(own, each))]);
    expect(rows).toEqual([
      ["down", "down", "init", "up", "down"],
      ["init", "down", "init", "up", "up"],
      ["up", "down", "down", "up", "up"],
    ]);
  });
});

describe("a session", () => {
  it("sends no faster than once in a second until it is up, then as agreed on", () => {
    const { network, speaker, router } = playing(["transmit-interval 200", "receive-interval 250"]);
    network.run(10);
    const slow = gaps(speaker);
    expect([Math.min(...slow) >= 0.75e6, Math.max(...slow) <= 1e6]).toEqual([true, true]);
    speaker.heard.length = 0;
    speaker.up();
    for (let count = 0; count < 40; count++) {
      network.run(0.2);
      speaker.say({ final: speaker.last?.poll === true });
    }
    // The slower of what both want: 300 ms, of which at least three quarters.
    const fast = gaps(speaker).slice(-15);
    expect([Math.min(...fast) >= 225_000, Math.max(...fast) <= 300_000]).toEqual([true, true]);
    expect(router.bfdPeers()).toEqual([
      {
        peer: "10.0.0.2",
        multihop: false,
        state: "up",
        transmitInterval: millis(300),
        receiveInterval: millis(300),
        detectMultiplier: 3,
        remote: {
          transmitInterval: millis(300),
          receiveInterval: millis(300),
          detectMultiplier: 3,
          echoReceiveInterval: 0,
        },
        downs: 0,
      },
    ]);
  });

  it("is down after the neighbour's multiplier times the slower interval", () => {
    const { network, speaker, state } = playing(["receive-interval 100"]);
    speaker.up();
    speaker.say({ detectMultiplier: 5, desiredMinTx: millis(200) });
    network.run(0.997);
    expect(state()).toBe("up");
    network.run(0.003);
    expect([state(), speaker.last?.diagnostic]).toEqual(["down", "controlDetectionTimeExpired"]);
  });

  it("begins a Poll Sequence when it comes up, and answers polls with F", () => {
    const { network, speaker } = playing();
    speaker.up();
    expect([speaker.last?.state, speaker.last?.poll]).toEqual(["up", true]);
    speaker.say({ final: true });
    speaker.say({ poll: true });
    network.run(0.001);
    expect([speaker.last?.final, speaker.last?.poll]).toEqual([true, false]);
  });

  it("waits for the first word where it is passive", () => {
    const { network, speaker, state } = playing(["passive-mode"]);
    network.run(10);
    expect(speaker.heard).toEqual([]);
    speaker.say({ state: "down", yourDiscriminator: 0 });
    expect([state(), speaker.last?.state]).toEqual(["init", "init"]);
  });

  it.each([
    ["an unknown discriminator", { yourDiscriminator: 0xdead }],
    ["multiplier 0", { detectMultiplier: 0 }],
    ["discriminator 0", { myDiscriminator: 0 }],
    ["no discriminator while up", { yourDiscriminator: 0 }],
    ["the multipoint bit", { multipoint: true }],
  ])("drops a packet with %s", (_, wrong) => {
    const { network, speaker, router } = playing();
    speaker.up();
    network.run(0.5);
    const before = router.bfdPeers();
    speaker.say({ detectMultiplier: 9, ...wrong });
    expect(router.bfdPeers()).toEqual(before);
  });

  it("over one hop takes packets with TTL 255 alone (RFC 5881 section 5)", () => {
    const { network, speaker, state } = playing([], 254);
    network.run(0.1);
    speaker.say({ state: "down" });
    expect(state()).toBe("down");
  });

  it("is down for a neighbour that lost its memory", () => {
    const { network, speaker, state } = playing();
    speaker.up();
    network.run(0.1);
    speaker.say({ state: "down", myDiscriminator: 8, yourDiscriminator: 0 });
    expect(state()).toBe("down");
  });
});

describe("bound to BGP", () => {
  const both = (change = (text: string): string => text) => {
    const network = new TestNetwork();
    const a = network.router("a", change(config(1, 2)));
    const b = network.router("b", change(config(2, 1)));
    network.run(5);
    network.take();
    return { network, a, b };
  };

  // RFC 9384; RFC 8538 section 3.1: inside a Hard Reset where both set the N bit.
  it.each([
    ["Cease/10", " no bgp graceful-restart notification\n", "6/10"],
    ["a Hard Reset", "", "6/9"],
  ])("ends the session with %s within the detection time when the neighbour is gone", (_, line, said) => {
    const { network, b } = both((text) => text.replace(" no bgp ebgp", `${line} no bgp ebgp`));
    network.hosts.get("a")?.powerOff();
    network.run(0.95);
    expect(b.neighbors().map(({ state, notificationsSent }) => [state, notificationsSent.at(-1)])).toEqual([
      ["idle", said],
    ]);
    expect(b.bfdPeers().map(({ state, downs }) => [state, downs])).toEqual([["down", 1]]);
  });

  it("does nothing when the neighbour was shut down on purpose (RFC 5882 section 3.2)", () => {
    const { network, a, b } = both();
    a.configure(frrConfig(config(1, 2).replace(" neighbor 10.0.0.2 bfd profile fast\n", "")));
    network.run(5);
    expect(b.bfdPeers().map(({ state }) => state)).toEqual(["down"]);
    expect(b.neighbors().map(({ state, established }) => [state, established])).toEqual([["established", 1]]);
  });

  it("is not disturbed by other changes", () => {
    const { network, a, b } = both();
    a.configure(frrConfig(`${config(1, 2)}\nip route 203.0.113.0/24 Null0`));
    network.run(seconds(5) / 1e6);
    expect(network.take("bfd", "bgp")).toEqual([]);
    expect(b.bfdPeers().map(({ downs }) => downs)).toEqual([0]);
  });
});

const gaps = ({ heard }: Speaker): readonly number[] =>
  heard.slice(1).map(({ at }, index) => at - (heard[index]?.at ?? 0));
