// Datagrams as this kernel brings them. Runs where the lane puts it, as kernel.test.ts.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DatagramOptions, type Input } from "../../ports.ts";
import { parseIp } from "../../wire/ip.ts";
import { Datagrams } from "./datagrams.ts";
import { loadNative, receiveFrom, Slab } from "./native.ts";

const OWN_NAMESPACE = process.env["ASSAY_OWN_NETNS"] === "1";
const PORT = 3784;

const ip = (line: string): void => {
  execFileSync("ip", line.split(" "));
};
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until<T>(read: () => T | undefined): Promise<T> {
  for (let waited = 0; waited < 200; waited++) {
    const value = read();
    if (value !== undefined) return value;
    await sleep(10);
  }
  throw new Error("nothing came");
}

const indexOf = (name: string): number => Number(readFileSync(`/sys/class/net/${name}/ifindex`, "utf8"));
const openFiles = (): number => readdirSync("/proc/self/fd").length;

describe.skipIf(!OWN_NAMESPACE)("a datagram on this kernel", () => {
  const inputs: Input[] = [];
  let datagrams: Datagrams;

  const open = (socket: string, at: string, port: number, options?: DatagramOptions): void => {
    const local = { ip: parseIp(at), port };
    datagrams.run({ kind: "openDatagrams", socket, local, ...(options === undefined ? {} : { options }) });
  };
  const send = (socket: string, to: string, bytes: Uint8Array = Uint8Array.of(1, 2, 3)): void =>
    datagrams.run({ kind: "sendDatagram", socket, to: { ip: parseIp(to), port: PORT }, bytes });
  /** One line for each that came. */
  const heard = (): readonly string[] =>
    inputs.flatMap((input) => {
      if (input.kind !== "datagram") return [];
      const { socket, from, bytes, arrival } = input;
      const how = arrival === undefined ? "" : ` to ${arrival.destination} on ${arrival.link} with ${arrival.ttl}`;
      return [`${socket}: ${bytes.length} bytes from ${from.ip} ${from.port}${how}`];
    });

  beforeAll(() => {
    ip("link set lo up");
    ip("link add name udp-a type veth peer name udp-b");
    ip("address add 192.0.2.1/24 dev udp-a");
    ip("address add fe80::b/64 dev udp-a nodad");
    ip("link set udp-a up");
    ip("link set udp-b up");
  });
  afterAll(() => ip("link del udp-a"));
  beforeEach(() => {
    inputs.length = 0;
    const names = new Map(["lo", "udp-a", "udp-b"].map((name) => [indexOf(name), name]));
    datagrams = new Datagrams({
      native: loadNative(),
      deliver: (input) => inputs.push(input),
      log: () => {},
      linkName: (index) => names.get(index),
    });
  });
  afterEach(() => datagrams[Symbol.dispose]());

  it("says how it came, over both families on one port", async () => {
    open("v4", "0.0.0.0", PORT, { arrivals: true });
    open("v6", "::", PORT, { arrivals: true });
    open("out4", "127.0.0.1", 49_152, { ttl: 255 });
    open("out6", "::1", 49_153, { ttl: 254 });
    send("out4", "127.0.0.7");
    send("out6", "::1");
    await until(() => (heard().length === 2 ? true : undefined));
    expect(heard().toSorted()).toEqual([
      "v4: 3 bytes from 127.0.0.1 49152 to 127.0.0.7 on lo with 255",
      "v6: 3 bytes from ::1 49153 to ::1 on lo with 254",
    ]);
  });

  it("says nothing of how it came where nobody asked", async () => {
    open("plain", "127.0.0.1", PORT);
    open("out", "127.0.0.1", 49_152);
    send("out", "127.0.0.1");
    await until(() => heard()[0]);
    expect(heard()).toEqual(["plain: 3 bytes from 127.0.0.1 49152"]);
  });

  it("goes to a link-local address on its socket's interface", async () => {
    open("in", "::", PORT, { arrivals: true });
    open("out", "fe80::b", 49_152, { device: "udp-a", ttl: 255 });
    send("out", "fe80::b");
    await until(() => heard()[0]);
    expect(heard()).toEqual(["in: 3 bytes from fe80::b 49152 to fe80::b on udp-a with 255"]);
  });

  it("of the greatest length arrives whole", async () => {
    open("in", "127.0.0.1", PORT);
    open("out", "127.0.0.1", 49_152);
    // RFC 768: the length field counts the header's 8 bytes; IPv4's header has 20.
    send("out", "127.0.0.1", new Uint8Array(65_535 - 8 - 20).fill(7));
    await until(() => heard()[0]);
    const [first] = inputs;
    expect(first?.kind === "datagram" && first.bytes.every((byte) => byte === 7) && first.bytes.length).toBe(65_507);
  });

  it("that cannot go is lost, and the socket goes on", async () => {
    open("in", "127.0.0.1", PORT);
    open("out", "127.0.0.1", 49_152);
    send("out", "203.0.113.1");
    send("out", "127.0.0.1", new Uint8Array(65_535));
    send("out", "127.0.0.1");
    await until(() => heard()[0]);
    expect(heard()).toEqual(["in: 3 bytes from 127.0.0.1 49152"]);
  });

  it.each([
    ["a port that is taken", "127.0.0.1", {}, "EADDRINUSE"],
    ["an address that this host does not have", "203.0.113.77", {}, "EADDRNOTAVAIL"],
    ["an interface that is not there", "127.0.0.1", { device: "nowhere" }, "ENODEV"],
  ])("needs a socket, and %s gives none", (_, at, options, because) => {
    open("first", "127.0.0.1", PORT);
    const before = openFiles();
    open("second", at, PORT, options);
    expect(inputs).toEqual([{ kind: "socketFailed", socket: "second", because }]);
    expect(openFiles()).toBe(before);
  });

  it("leaves port and file free when its socket is closed", () => {
    const before = openFiles();
    for (let round = 0; round < 50; round++) {
      open("in", "127.0.0.1", PORT);
      datagrams.run({ kind: "closeDatagrams", socket: "in" });
    }
    datagrams.run({ kind: "closeDatagrams", socket: "in" });
    expect(inputs).toEqual([]);
    expect(openFiles()).toBe(before);
  });

  it("may come to a socket that is closed twice and forgotten", async () => {
    const native = loadNative();
    const poller = receiveFrom(
      native,
      native.socket(2, 2, 0),
      new Slab(64),
      () => {},
      () => {},
    ); // prettier-ignore
    native.unpoll(poller);
    native.unpoll(poller);
    await sleep(10);
    native.unpoll(poller);
  });
});
