import { describe, expect, it } from "vitest";
import { type Effect, type Link } from "../../../ports.ts";
import { hex } from "../../../wire/golden/hex.ts";
import { parseMac } from "../../../wire/mac.ts";
import { formatSeconds, micros, type Micros, millis, minutes, plus, seconds } from "../../../wire/time.ts";
import { randomOf } from "../../bfd/test-pair.ts";
import { link } from "../../test-cluster.ts";
import { InterfacePeers, type InterfacePeersOutcome } from "./interface-peers.ts";

// Laid out after RFC 4861 sections 4.1 and 4.2, checksums computed apart; from 02:00:00:00:00:0a, fe80::a.
const OUR_ADVERTISEMENT = hex(`
  333300000001 02000000000a 86dd
  60000000 0018 3a ff fe80000000000000000000000000000a ff020000000000000000000000000001
  86 00 7913 00 00 0000 00000000 00000000  # hop limit unspecified, Router Lifetime 0
  01 01 02000000000a                       # source link-layer address`);
const OUR_SOLICITATION = hex(`
  333300000002 02000000000a 86dd
  60000000 0010 3a ff fe80000000000000000000000000000a ff020000000000000000000000000002
  85 00 7a1a 00000000
  01 01 02000000000a`);

// FRR 8.4.4, `neighbor IF interface`; and the Linux below it.
const FRR_ADVERTISEMENT = hex(`
  333300000001 02000000020b 86dd
  6007616b 0018 3a ff fe80000000000000000000fffe00020b ff020000000000000000000000000001
  86 00 35f3 40 00 001e 00000000 00000000
  01 01 02000000020b`);
const LINUX_SOLICITATION = hex(`
  333300000002 02000000020b 86dd
  60000000 0010 3a ff fe80000000000000000000fffe00020b ff020000000000000000000000000002
  85 00 7718 00000000
  01 01 02000000020b`);
/** The same from fe80::c, a second router. */
const OTHER_ADVERTISEMENT = hex(`
  333300000001 02000000000c 86dd
  60000000 0018 3a ff fe80000000000000000000000000000c ff020000000000000000000000000001
  86 00 390f 40 00 0000 00000000 00000000
  01 01 02000000000c`);
/** And from fe80::d, with a checksum that is one less. */
const THIRD_ADVERTISEMENT = hex(`
  333300000001 02000000000c 86dd
  60000000 0018 3a ff fe80000000000000000000000000000d ff020000000000000000000000000001
  86 00 390e 40 00 0000 00000000 00000000
  01 01 02000000000c`);
const FRR_PEER = "fe80::ff:fe00:20b";

const ETH0 = link("eth0", { index: 2, mac: parseMac("02:00:00:00:00:0a"), addresses: ["fe80::a/64"] });

function changed(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = value;
  return copy;
}

class Scene {
  now: Micros = micros(0);
  /** Whether there is a session with the peer. */
  session = false;
  readonly peers = new InterfacePeers(randomOf(3), () => this.session);
  readonly trace: string[] = [];

  links(...links: readonly Link[]): this {
    return this.note(this.peers.setLinks(links, this.now));
  }

  wants(...names: readonly string[]): this {
    return this.note(this.peers.setInterfaces(new Set(names), this.now));
  }

  hear(bytes: Uint8Array, name = "eth0"): this {
    return this.note(this.peers.receive(name, bytes, this.now));
  }

  run(duration: Micros): this {
    const end = plus(this.now, duration);
    for (let at = this.peers.deadline(); at !== undefined && at <= end; at = this.peers.deadline()) {
      this.now = micros(Math.max(at, this.now));
      this.note(this.peers.wake(this.now));
    }
    this.now = end;
    return this;
  }

  note({ effects, changed: names }: InterfacePeersOutcome): this {
    const at = formatSeconds(this.now);
    for (const effect of effects) this.trace.push(`${at} ${line(effect)}`);
    for (const name of names) this.trace.push(`${at} ${name}: ${this.peers.peerOn(name)}`);
    return this;
  }

  take(): readonly string[] {
    return this.trace.splice(0);
  }

  /** When advertisements went out, in seconds. */
  advertised(): readonly number[] {
    return this.take()
      .filter((text) => text.endsWith(" advertises"))
      .map((text) => Number.parseFloat(text));
  }
}

function line(effect: Effect): string {
  switch (effect.kind) {
    case "sendFrame": {
      const text = effect.bytes.join();
      if (text === OUR_ADVERTISEMENT.join()) return "advertises";
      return text === OUR_SOLICITATION.join() ? "solicits" : `sends ${Buffer.from(effect.bytes).toString("hex")}`;
    }
    case "openLink":
    case "closeLink":
      return `${effect.kind} ${effect.link}`;
    case "joinGroup":
    case "leaveGroup":
      return `${effect.kind} ${effect.link} ${effect.group}`;
    case "log":
      return `${effect.level} ${effect.event} ${effect.fields["address"]} beside ${effect.fields["peer"]}`;
    default:
      return effect.kind;
  }
}

const started = (): Scene => {
  const scene = new Scene().links(ETH0).wants("eth0");
  scene.take();
  return scene;
};

describe("an interface with a peer (RFC 4861 section 6.2)", () => {
  it("is captured, hears solicitations, and advertises at once", () => {
    const scene = new Scene().links(ETH0, link("eth1"));
    expect(scene.take()).toEqual([]);
    expect(scene.wants("eth0").take()).toEqual(["0s openLink eth0", "0s joinGroup eth0 ff02::2", "0s advertises"]);
  });

  it("solicits three times, four seconds apart, while no router is heard (section 6.3.7)", () => {
    const solicited = started()
      .run(seconds(30))
      .take()
      .filter((text) => text.endsWith("solicits"))
      .map((text) => Number.parseFloat(text));
    expect(solicited).toHaveLength(3);
    expect(solicited[0]).toBeLessThanOrEqual(1);
    expect(solicited.slice(1).map((at, index) => Math.round((at - (solicited[index] ?? 0)) * 1e6))).toEqual([4e6, 4e6]);
    const scene = started().hear(FRR_ADVERTISEMENT).run(seconds(30));
    expect(scene.take().filter((text) => text.endsWith("solicits"))).toEqual([]);
  });

  it("advertises between 3.3 and 10 seconds apart (section 6.2.4)", () => {
    const times = started().run(minutes(10)).advertised();
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(gaps.length).toBeGreaterThan(60);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(3.3);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10);
  });

  it("answers a solicitation within half a second, and not within three seconds of the last answer (section 6.2.6)", () => {
    const scene = started();
    scene.now = millis(3200);
    const [soon = 0] = scene.hear(LINUX_SOLICITATION).run(millis(500)).advertised();
    expect(soon).toBeGreaterThanOrEqual(3.2);
    expect(soon).toBeLessThanOrEqual(3.7);
    scene.hear(LINUX_SOLICITATION);
    const [next = 0] = scene.run(seconds(4)).advertised();
    expect(next - soon).toBeGreaterThanOrEqual(3);
    expect(next - soon).toBeLessThanOrEqual(3.5);
  });

  it.each([
    ["is down", { up: false }],
    ["has no carrier", { running: false }],
    ["has no link-local address", { addresses: ["2001:db8::1/64"] }],
  ])("is left alone while it %s", (_, parts) => {
    expect(new Scene().links(link("eth0", parts)).wants("eth0").take()).toEqual([]);
  });

  it("is given back when its peer is no longer wanted", () => {
    const scene = started().hear(FRR_ADVERTISEMENT);
    scene.take();
    expect(scene.wants().take()).toEqual(["0s leaveGroup eth0 ff02::2", "0s closeLink eth0", "0s eth0: undefined"]);
    expect(scene.peers.deadline()).toBeUndefined();
  });

  it("is opened anew when it was made anew, and with another address", () => {
    const scene = started();
    scene.links({ ...ETH0, index: 9 });
    const again = ["0s closeLink eth0", "0s openLink eth0", "0s joinGroup eth0 ff02::2", "0s advertises"];
    expect(scene.take()).toEqual(again);
    expect(scene.links({ ...ETH0, index: 9, mtu: 9000 }).take()).toEqual([]);
  });
});

describe("the peer on an interface", () => {
  it("is who advertises himself as a router there", () => {
    const scene = started();
    expect(scene.hear(FRR_ADVERTISEMENT).take()).toEqual([`0s eth0: ${FRR_PEER}`]);
    expect(scene.hear(FRR_ADVERTISEMENT).take()).toEqual([]);
    expect(scene.hear(FRR_ADVERTISEMENT, "eth1").take()).toEqual([]);
  });

  // RFC 4861 section 6.1.2. The offsets are of the Ethernet frame.
  it.each([
    ["a hop limit of 254", changed(FRR_ADVERTISEMENT, 21, 254)],
    ["a wrong checksum", changed(FRR_ADVERTISEMENT, 56, 0)],
    ["code 1 (and the checksum for it)", changed(changed(FRR_ADVERTISEMENT, 55, 1), 57, 0xf2)],
    // 2001:… instead of fe80:…, and the checksum for it.
    ["a source that is not link-local", globalSource()],
    ["an option of length 0 (and the checksum for it)", changed(changed(FRR_ADVERTISEMENT, 71, 0), 57, 0xf4)],
    ["a truncated frame", FRR_ADVERTISEMENT.subarray(0, 60)],
    ["a solicitation", LINUX_SOLICITATION],
  ])("is not who sends %s", (_, bytes) => {
    const scene = started();
    scene.hear(bytes);
    expect(scene.peers.peerOn("eth0")).toBeUndefined();
  });

  function globalSource(): Uint8Array {
    const checksum = 0x35f3 + 0xfe80 - 0x2001;
    const folded = (checksum & 0xffff) + (checksum >> 16);
    const bytes = changed(changed(FRR_ADVERTISEMENT, 22, 0x20), 23, 0x01);
    return changed(changed(bytes, 56, folded >> 8), 57, folded & 0xff);
  }

  it("is not this node itself, on another interface of the same segment", () => {
    const scene = started();
    scene.links(ETH0, link("eth1", { index: 3, addresses: ["fe80::c/64"] }));
    expect(scene.hear(OTHER_ADVERTISEMENT).take()).toEqual([]);
  });

  it("stays while it is heard, whoever else advertises himself; the log tells once", () => {
    const scene = started().hear(FRR_ADVERTISEMENT);
    scene.take();
    scene.hear(OTHER_ADVERTISEMENT).hear(OTHER_ADVERTISEMENT);
    expect(scene.take()).toEqual([`0s warn bgp.unnumbered.secondRouter fe80::c beside ${FRR_PEER}`]);
    expect(scene.peers.peerOn("eth0")).toBe(FRR_PEER);
  });

  it("is replaced once it was silent for thirty seconds", () => {
    const scene = started().hear(FRR_ADVERTISEMENT);
    scene.now = millis(29_999);
    scene.hear(OTHER_ADVERTISEMENT);
    expect(scene.peers.peerOn("eth0")).toBe(FRR_PEER);
    scene.now = seconds(30);
    scene.take();
    expect(scene.hear(OTHER_ADVERTISEMENT).take()).toEqual(["30s eth0: fe80::c"]);
  });

  it("stays while there is a session with it, however silent it is and whoever else advertises himself", () => {
    const scene = started().hear(FRR_ADVERTISEMENT);
    scene.session = true;
    scene.run(minutes(50)).hear(OTHER_ADVERTISEMENT);
    expect(scene.peers.peerOn("eth0")).toBe(FRR_PEER);
    scene.session = false;
    expect(scene.hear(OTHER_ADVERTISEMENT).peers.peerOn("eth0")).toBe("fe80::c");
  });

  it("a crowd of others is a line a minute in the log", () => {
    const scene = started().hear(FRR_ADVERTISEMENT);
    scene.take();
    for (let at = 0; at < 1000; at++) scene.hear(at % 2 === 0 ? OTHER_ADVERTISEMENT : THIRD_ADVERTISEMENT);
    expect(scene.take()).toHaveLength(1);
    scene.run(minutes(1)).take();
    scene.hear(FRR_ADVERTISEMENT).hear(THIRD_ADVERTISEMENT);
    expect(scene.take()).toEqual([`60s warn bgp.unnumbered.secondRouter fe80::d beside ${FRR_PEER}`]);
  });

  it("is forgotten after half an hour without a word, and when the link goes", () => {
    const scene = started().hear(FRR_ADVERTISEMENT).run(seconds(1799));
    expect(scene.peers.peerOn("eth0")).toBe(FRR_PEER);
    scene.take();
    expect(scene.run(seconds(1)).take()).toContain("1800s eth0: undefined");
    scene.hear(FRR_ADVERTISEMENT);
    scene.take();
    expect(scene.links({ ...ETH0, running: false }).take()).toContain("1800s eth0: undefined");
  });
});
