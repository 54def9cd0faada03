// TCP options as this kernel takes them. Runs where the lane puts it, as kernel.test.ts.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Input, type StreamOptions } from "../../ports.ts";
import { type Ip, isIpv4, parseIp } from "../../wire/ip.ts";
import { loadNative } from "./native.ts";
import { domainOf, md5Signature, socketAddress } from "./socket-address.ts";
import { Streams } from "./streams.ts";

const OWN_NAMESPACE = process.env["ASSAY_OWN_NETNS"] === "1";
const PORT = 1790;
const SOCK_STREAM = 1;
const SO_REUSEADDR = 2;

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

const openFiles = (): number => readdirSync("/proc/self/fd").length;

interface ListenOptions {
  readonly ttl?: number;
  readonly minTtl?: number;
  readonly md5?: { readonly peer: string; readonly key: string };
}

/** A listener with socket options of its own, as a router has. */
class Listener implements AsyncDisposable {
  readonly accepted: Socket[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      socket.on("error", () => {});
      this.accepted.push(socket);
    });
  }

  static async on(at: string, { ttl, minTtl, md5 }: ListenOptions = {}): Promise<Listener> {
    const native = loadNative();
    const address = parseIp(at);
    const fd = native.socket(domainOf(address), SOCK_STREAM, 0);
    native.setsockopt(fd, 1, SO_REUSEADDR, 1);
    const v4 = isIpv4(address);
    // IP_TTL and IP_MINTTL of ip(7); IPV6_UNICAST_HOPS and IPV6_MINHOPCOUNT of include/uapi/linux/in6.h.
    if (ttl !== undefined) native.setsockopt(fd, v4 ? 0 : 41, v4 ? 2 : 16, ttl);
    if (minTtl !== undefined) native.setsockopt(fd, v4 ? 0 : 41, v4 ? 21 : 73, minTtl);
    if (md5 !== undefined) native.setsockopt(fd, 6, 14, md5Signature(parseIp(md5.peer), Buffer.from(md5.key)));
    native.bind(fd, socketAddress({ ip: address, port: PORT }));
    const listener = new Listener(createServer({ pauseOnConnect: true }));
    await new Promise<void>((resolve) => listener.#server.listen({ fd }, resolve));
    return listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.accepted) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe.skipIf(!OWN_NAMESPACE)("a connection on this kernel", () => {
  const inputs: Input[] = [];
  let streams: Streams;
  let count = 0;

  const told = <K extends Input["kind"]>(kind: K): Extract<Input, { kind: K }> | undefined =>
    inputs.find((input): input is Extract<Input, { kind: K }> => input.kind === kind);
  const connect = (to: string, options: StreamOptions = {}): string => {
    const stream = `s${count++}`;
    streams.run({ kind: "connect", stream, to: { ip: parseIp(to), port: PORT }, options });
    return stream;
  };
  /** Whether the connection comes about while it could. */
  const opens = async (): Promise<boolean> => {
    for (let waited = 0; waited < 20 && told("streamOpened") === undefined; waited++) await sleep(10);
    return told("streamOpened") !== undefined;
  };

  beforeAll(() => {
    ip("link set lo up");
    ip("link add name streams-a type veth peer name streams-b");
    ip("address add fe80::a/64 dev streams-a nodad");
    ip("link set streams-a up");
    ip("link set streams-b up");
  });
  afterAll(() => ip("link del streams-a"));
  beforeEach(() => {
    inputs.length = 0;
    streams = new Streams({ native: loadNative(), deliver: (input) => inputs.push(input), log: () => {} });
  });
  afterEach(() => streams[Symbol.dispose]());

  it("comes from the address that it was given", async () => {
    await using listener = await Listener.on("127.0.0.1");
    connect("127.0.0.1", { source: parseIp("127.0.0.9") });
    const { local } = await until(() => told("streamOpened"));
    const peer = await until(() => listener.accepted[0]);
    expect([local.ip, peer.remoteAddress]).toEqual(["127.0.0.9", "127.0.0.9"]);
  });

  it.each([
    ["an address that this host does not have", { source: parseIp("203.0.113.77") }, "EADDRNOTAVAIL"],
    ["an interface that is not there", { device: "nowhere" }, "ENODEV"],
    ["a TTL beyond 255", { ttl: 256 }, "EINVAL"],
  ])("with %s fails with the kernel's reason", (_, options, because) => {
    const before = openFiles();
    const stream = connect("127.0.0.1", options);
    expect(inputs).toEqual([{ kind: "streamClosed", stream, because }]);
    expect(openFiles()).toBe(before);
  });

  it("that is refused says so", async () => {
    connect("127.0.0.1");
    expect((await until(() => told("streamClosed"))).because).toBe("ECONNREFUSED");
  });

  it.each([
    ["127.0.0.1", {}, { minTtl: 255 }, false],
    ["127.0.0.1", { ttl: 255 }, { minTtl: 255 }, true],
    ["127.0.0.1", { minTtl: 255 }, { ttl: 254 }, false],
    ["127.0.0.1", { minTtl: 254 }, { ttl: 254 }, true],
    ["::1", {}, { minTtl: 255 }, false],
    ["::1", { ttl: 255 }, { minTtl: 255 }, true],
    ["::1", { minTtl: 255 }, { ttl: 254 }, false],
    ["::1", { minTtl: 254 }, { ttl: 254 }, true],
  ])("to %s with %o reaches a listener with %o: %s", async (at, options, listening, wanted) => {
    await using _listener = await Listener.on(at, listening);
    connect(at, options);
    expect(await opens()).toBe(wanted);
  });

  it.each([
    ["127.0.0.1", "secret", "secret", true],
    ["127.0.0.1", "secret", "Secret", false],
    ["127.0.0.1", "secret", undefined, false],
    ["::1", "secret", "secret", true],
    ["::1", "secret", "Secret", false],
    ["::1", "secret", undefined, false],
    ["127.0.0.1", "x".repeat(80), "x".repeat(80), true],
  ])("to %s that signs with %s opens with the key %s: %s", async (at, key, own, wanted) => {
    await using _listener = await Listener.on(at, { md5: { peer: at, key } });
    connect(at, own === undefined ? {} : { md5Key: Buffer.from(own) });
    expect(await opens()).toBe(wanted);
  });

  it("goes to a link-local address on the interface it names", async () => {
    await using _listener = await Listener.on("::");
    connect("fe80::a", { device: "streams-a" });
    const { local, remote } = await until(() => told("streamOpened"));
    expect([local.ip, remote.ip]).toEqual(["fe80::a", "fe80::a"]);
  });

  it("tells how many bytes wait while the peer reads nothing, and loses none", async () => {
    await using listener = await Listener.on("127.0.0.1");
    const stream = connect("127.0.0.1");
    const peer = await until(() => listener.accepted[0]);
    const sent = Buffer.alloc(1024 * 1024, "0123456789abcdef");
    streams.run({ kind: "write", stream, bytes: sent });
    const backlogs = (): number[] => inputs.flatMap((input) => (input.kind === "streamBacklog" ? [input.bytes] : []));
    await until(() => (backlogs().length > 0 ? true : undefined));
    await sleep(50);
    const waiting = backlogs().at(-1) ?? 0;
    expect(waiting).toBeGreaterThan(0);
    // From here on a keepalive is enough.
    streams.run({ kind: "write", stream, bytes: new Uint8Array(19) });
    await until(() => (backlogs().at(-1) === waiting + 19 ? true : undefined));
    let received = 0;
    let wrong = 0;
    peer.on("data", (bytes: Buffer) => {
      const expected = "0123456789abcdef".charCodeAt(received % 16);
      if (bytes.readUInt8(0) !== expected && received < sent.length) wrong += 1;
      received += bytes.length;
    });
    peer.resume();
    await until(() => (received === sent.length + 19 ? true : undefined));
    await until(() => (backlogs().at(-1) === 0 ? true : undefined));
    expect(wrong).toBe(0);
  });

  it("says nothing of a backlog where all is taken at once", async () => {
    await using listener = await Listener.on("127.0.0.1");
    const stream = connect("127.0.0.1");
    const peer = await until(() => listener.accepted[0]);
    let received = 0;
    peer.on("data", (bytes: Buffer) => (received += bytes.length)).resume();
    for (let number = 0; number < 100; number++) streams.run({ kind: "write", stream, bytes: new Uint8Array(19) });
    await until(() => (received === 1900 ? true : undefined));
    expect(told("streamBacklog")).toBeUndefined();
  });

  it("ends after everything that was written", async () => {
    await using listener = await Listener.on("127.0.0.1");
    const stream = connect("127.0.0.1");
    const peer = await until(() => listener.accepted[0]);
    streams.run({ kind: "write", stream, bytes: new Uint8Array(100_000) });
    streams.run({ kind: "closeStream", stream, abort: false });
    let received = 0;
    let ended = false;
    peer.on("data", (bytes: Buffer) => (received += bytes.length)).on("end", () => (ended = true));
    peer.resume();
    await until(() => (ended ? true : undefined));
    expect([received, told("streamClosed")]).toEqual([100_000, undefined]);
  });

  it("leaves no file open behind, however it ends", async () => {
    await using listener = await Listener.on("127.0.0.1");
    const before = openFiles();
    const to = (address: Ip, options: StreamOptions, abort: boolean): void => {
      const stream = connect(address, options);
      streams.run({ kind: "closeStream", stream, abort });
    };
    for (let round = 0; round < 50; round++) {
      to(parseIp("127.0.0.1"), {}, round % 2 === 0);
      to(parseIp("127.0.0.1"), { device: "nowhere" }, true);
      to(parseIp("127.0.0.1"), { md5Key: Buffer.from("unanswered") }, true);
    }
    await sleep(50);
    for (const socket of listener.accepted) socket.destroy();
    await until(() => (openFiles() <= before ? true : undefined));
  });
});
