// What only a kernel can say. Runs where the lane puts it: as root in a network namespace of its own, with the addon built.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Link } from "../../ports.ts";
import { encodeArp } from "../../wire/arp.ts";
import { encodeEthernet, ETHER_TYPES } from "../../wire/ethernet.ts";
import { type Ipv6, parseIpv4, parseIpv6 } from "../../wire/ip.ts";
import { BROADCAST, parseMac, ZERO_MAC } from "../../wire/mac.ts";
import { ALL_FRAMES, FrameSocket, NEIGHBOUR_FRAMES } from "./frames.ts";
import { GroupMemberships } from "./groups.ts";
import { LinkMonitor } from "./links.ts";
import { loadNative } from "./native.ts";

/** Set by scripts/netns-lane.sh: this process has a network namespace of its own, and may do in it what it likes. */
const OWN_NAMESPACE = process.env["ASSAY_OWN_NETNS"] === "1";

const ip = (line: string): void => {
  execFileSync("ip", line.split(" "));
};

const LEFT = parseMac("02:00:00:00:00:01");

async function until<T>(read: () => T | undefined): Promise<T> {
  for (let waited = 0; waited < 200; waited++) {
    const value = read();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("nothing came");
}

const indexOf = (name: string): number => Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"));

const arpRequest = (target: string): Uint8Array =>
  encodeEthernet({
    destination: BROADCAST,
    source: LEFT,
    etherType: ETHER_TYPES.arp,
    payload: encodeArp({
      operation: "request",
      senderMac: LEFT,
      senderIp: parseIpv4("192.0.2.1"),
      targetMac: ZERO_MAC,
      targetIp: parseIpv4(target),
    }),
  });

describe.skipIf(!OWN_NAMESPACE)("on this kernel", () => {
  beforeAll(async () => {
    ip("link add name left address 02:00:00:00:00:01 type veth peer name right address 02:00:00:00:00:02");
    ip("link set left up");
    ip("link set right up");
    const isUp = (name: string): boolean => readFileSync(`/sys/class/net/${name}/operstate`, "utf8").trim() === "up";
    await until(() => (isUp("left") && isUp("right") ? true : undefined));
  });

  afterAll(() => ip("link del left"));

  it("a frame goes out as it is, and comes in on the other side alone", async () => {
    const native = loadNative();
    const seen: string[] = [];
    using left = new FrameSocket(native, { index: indexOf("left") }, () => seen.push("own frame"));
    using _right = new FrameSocket(native, { index: indexOf("right") }, (bytes) =>
      seen.push(Buffer.from(bytes).toString("hex")),
    );
    const frame = arpRequest("192.0.2.150");
    expect(left.send(frame)).toBe(true);
    await until(() => seen.find((hex) => hex.includes("0806")));
    // The kernels at both ends say something of their own now and then, over IPv6.
    expect(seen.filter((hex) => !hex.includes("86dd"))).toEqual([Buffer.from(frame).toString("hex")]);
  });

  it("the filter lets ARP through and an echo request not", async () => {
    const native = loadNative();
    const heard = { neighbours: 0, all: 0 };
    using left = new FrameSocket(native, { index: indexOf("left") }, () => {});
    using _some = new FrameSocket(native, { index: indexOf("right") }, () => heard.neighbours++, NEIGHBOUR_FRAMES);
    using _all = new FrameSocket(native, { index: indexOf("right") }, () => heard.all++, ALL_FRAMES);
    left.send(encodeEthernet({ destination: BROADCAST, source: LEFT, etherType: 0x88cc, payload: new Uint8Array(50) }));
    left.send(arpRequest("192.0.2.151"));
    await until(() => (heard.all >= 2 && heard.neighbours >= 1 ? true : undefined));
    expect(heard.all - heard.neighbours).toBeGreaterThan(0);
  });

  it("a frame of a VLAN is nobody's, and one with a priority alone is heard", async () => {
    const native = loadNative();
    const heard: string[] = [];
    using left = new FrameSocket(native, { index: indexOf("left") }, () => {});
    using _right = new FrameSocket(native, { index: indexOf("right") }, (bytes) =>
      heard.push(Buffer.from(bytes).subarray(38, 42).join(".")),
    );
    const tagged = (id: number, target: string): Uint8Array => {
      const frame = arpRequest(target);
      return encodeEthernet({
        destination: BROADCAST,
        source: LEFT,
        vlan: { priority: 5, id },
        etherType: ETHER_TYPES.arp,
        payload: frame.subarray(14),
      });
    };
    left.send(tagged(10, "192.0.2.160"));
    left.send(tagged(0, "192.0.2.161"));
    left.send(arpRequest("192.0.2.162"));
    await until(() => heard.find((target) => target === "192.0.2.162"));
    expect(heard.filter((target) => target.startsWith("192."))).toEqual(["192.0.2.161", "192.0.2.162"]);
  });

  it("sending where nothing can go says so, and does not throw", () => {
    const native = loadNative();
    ip("link add name dark type veth peer name dark-peer");
    using dark = new FrameSocket(native, { index: indexOf("dark") }, () => {});
    expect(dark.send(arpRequest("192.0.2.152"))).toBe(false);
    ip("link del dark");
    expect(dark.send(arpRequest("192.0.2.152"))).toBe(false);
  });

  it("carrier and addresses are told as they come and go", async () => {
    const native = loadNative();
    let latest: readonly Link[] = [];
    using _monitor = new LinkMonitor(native, (links) => (latest = links));
    const left = (): Link | undefined => latest.find(({ name }) => name === "left");
    await until(() => left());
    ip("address add 198.51.100.7/24 dev left");
    await until(() => left()?.addresses.find((address) => address.ip === "198.51.100.7"));
    ip("link set right down");
    await until(() => (left()?.running === false ? true : undefined));
    expect(left()?.up).toBe(true);
    ip("link set right up");
    await until(() => (left()?.running === true ? true : undefined));
    ip("address del 198.51.100.7/24 dev left");
    await until(() =>
      left()?.addresses.some((address) => address.ip === "198.51.100.7") === false ? true : undefined,
    );
  });

  it("ten thousand groups are joined, on as many sockets as it takes", () => {
    const native = loadNative();
    const COUNT = 10_000;
    // Not those of the kernel's own addresses.
    const group = (index: number, number = index + 0x1_0000): Ipv6 =>
      parseIpv6(`ff02::1:ff${(number >> 16).toString(16).padStart(2, "0")}:${(number & 0xffff).toString(16)}`);
    const link = { index: indexOf("left") };
    // /proc/net/igmp6: index, interface, group in 32 digits, users, flags, timer.
    const joined = (): number =>
      readFileSync("/proc/thread-self/net/igmp6", "utf8")
        .split("\n")
        .filter((line) => / left +ff0200000000000000000001ff/.test(line)).length;
    const before = joined();
    {
      using groups = new GroupMemberships(native);
      for (let number = 0; number < COUNT; number++) groups.join(link, group(number));
      expect(joined() - before).toBe(COUNT);
      expect(groups.sockets).toBeGreaterThan(1);
      for (let number = 0; number < COUNT; number += 2) groups.leave(link, group(number));
      expect(joined() - before).toBe(COUNT / 2);
    }
    expect(joined()).toBe(before);
  });
});
