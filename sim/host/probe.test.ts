import { beforeEach, describe, expect, it } from "vitest";
import { parseIp } from "../../impl/wire/ip.ts";
import { parseMac } from "../../impl/wire/mac.ts";
import { inMillis, micros, millis, seconds } from "../../impl/wire/time.ts";
import { createWorld, type World } from "../create-world.ts";
import { type Cable, connect } from "../ethernet/cable.ts";
import { Host } from "./host.ts";
import { EchoServer } from "./pods.ts";
import { Probe, request } from "./probe.ts";
import { type ProbeKind } from "./probe-method.ts";

const POD = parseIp("10.0.0.2");
const TARGET = { ip: POD, port: 7 };

let world: World;
let client: Host;
let node: Host;
let cable: Cable;
let server: EchoServer;

/** A client and a node with one pod, and a cable between them. */
beforeEach(() => {
  world = createWorld({ seed: "probe" });
  client = hostAt("client", 1);
  node = hostAt("node", 2);
  cable = connect(
    world,
    { device: client.device("eth0") ?? expect.unreachable(), port: "eth0", name: "client" },
    { device: node.device("eth0") ?? expect.unreachable(), port: "eth0", name: "node" },
  );
  client.plug("eth0", cable.a);
  node.plug("eth0", cable.b);
  node.sysctl("net.ipv4.ip_forward", 1);
  client.addRoute("10.0.0.0/24", { via: parseIp("192.0.2.2") });
  server = new EchoServer(world, node, { name: "pod", ips: [POD], tcpPorts: [7], udpPorts: [7] });
  run(1);
});

function hostAt(name: string, number: number): Host {
  const host = new Host(world, { name });
  host.addInterface({ name: "eth0", mac: parseMac(`02:00:00:00:00:0${number}`) });
  host.addAddress("eth0", `192.0.2.${number}/24`);
  return host;
}

function run(for_seconds: number): void {
  world.scheduler.advance(micros(world.scheduler.now + seconds(for_seconds)));
}

/** Ten probes a second. */
function probing(kind: ProbeKind): Probe {
  const options = { name: "probe", kind, target: TARGET, every: millis(100), timeout: millis(50) };
  return new Probe(
    world,
    client,
    kind === "icmp" ? { ...options, target: { ...TARGET, ip: parseIp("192.0.2.2") } } : options,
  );
}

/** What happened, each outcome with how often it came in a row: `ok 10, timeout 5`. */
function runs(probe: Probe): string {
  const names = probe.results.map(({ outcome }) => (outcome.kind === "ok" ? "ok" : outcome.because));
  const parts: { name: string; count: number }[] = [];
  for (const name of names) {
    const last = parts.at(-1);
    if (last?.name === name) last.count++;
    else parts.push({ name, count: 1 });
  }
  return parts.map(({ name, count }) => `${name} ${count}`).join(", ");
}

const gaps = (probe: Probe) =>
  probe.gaps.map(({ from, to, missed, outage }) => ({
    from: inMillis(from),
    to: to === undefined ? undefined : inMillis(to),
    missed,
    outage: inMillis(outage),
  }));

describe("a probe", () => {
  it.each(["tcp", "udp", "icmp"] as const)("over %s misses what falls into an outage, and nothing else", (kind) => {
    const probe = probing(kind);
    probe.start();
    run(0.95);
    const cut = cable.rule({ name: "cut", start: () => () => ({ kind: "drop", because: "cut" }) });
    run(0.5);
    cut[Symbol.dispose]();
    run(0.5);
    probe.stop();
    run(1);
    expect(runs(probe)).toBe("ok 10, timeout 5, ok 5");
    expect(gaps(probe)).toEqual([{ from: 2000, to: 2500, missed: 5, outage: 500 }]);
  });

  it("says who answered", () => {
    const probe = probing("tcp");
    probe.start();
    run(0.05);
    expect(probe.results.map(({ outcome }) => outcome)).toEqual([{ kind: "ok", answer: "pod node 192.0.2.1" }]);
  });

  it("sends nothing for a probe whose time is over", () => {
    const probe = probing("tcp");
    // ARP passes, IPv4 does not.
    const judge = (frame: Uint8Array) =>
      frame[13] === 0 ? ({ kind: "drop", because: "cut" } as const) : ({ kind: "pass" } as const);
    cable.rule({ name: "cut", direction: "bToA", start: () => judge });
    const syns: number[] = [];
    node.addPrerouting((packet, link) => {
      if (packet.protocol === 6 && link === "eth0") syns.push(inMillis(world.scheduler.now));
      return packet;
    });
    probe.start();
    run(0.05);
    probe.stop();
    run(60);
    expect(syns).toHaveLength(1);
    expect(client.tcp.connections()).toEqual([]);
  });

  it("over one connection notices a reset, and opens another", () => {
    const probe = probing("stream");
    probe.start();
    run(0.95);
    node.powerOff();
    run(0.1);
    node.powerOn();
    run(3);
    const kinds = probe.results.map(({ outcome }) => (outcome.kind === "ok" ? "ok" : outcome.because));
    expect(kinds.slice(0, 10)).toEqual(new Array(10).fill("ok"));
    expect(new Set(kinds.slice(10))).toEqual(new Set(["timeout", "reset", "ok"]));
    expect(kinds.at(-1)).toBe("ok");
    expect(probe.gaps).toHaveLength(1);
  });

  it("tells results to listeners as they come", () => {
    const probe = probing("udp");
    const heard: string[] = [];
    using _listener = probe.onResult(({ outcome }) => heard.push(outcome.kind));
    probe.start(millis(10));
    run(0.25);
    expect(heard).toEqual(["ok", "ok", "ok"]);
  });
});

describe("one request", () => {
  it.each([
    ["tcp", TARGET, "pod node 192.0.2.1"],
    ["udp", TARGET, "pod node 192.0.2.1"],
    ["tcp", { ip: POD, port: 8 }, "refused"],
    ["udp", { ip: POD, port: 8 }, "timeout"],
    ["tcp", { ip: parseIp("198.51.100.1"), port: 7 }, "unreachable"],
    ["icmp", { ip: parseIp("198.51.100.1"), port: 0 }, "unreachable"],
  ] as const)("over %s to %j: %s", (kind, target, expected) => {
    const heard: string[] = [];
    request(world, client, { kind, target, timeout: seconds(1) }, ({ outcome }) => {
      heard.push(outcome.kind === "ok" ? outcome.answer : outcome.because);
    });
    run(5);
    expect(heard).toEqual([expected]);
  });

  it("aborts a connection on which no answer came", () => {
    const ended: string[] = [];
    node.tcp.listen(9, () => ({ closed: (because) => ended.push(because) }));
    const options = { kind: "tcp", target: { ip: parseIp("192.0.2.2"), port: 9 }, timeout: millis(100) } as const;
    request(world, client, options, ({ outcome }) => ended.push(outcome.kind === "ok" ? "ok" : outcome.because));
    run(0.2);
    expect(ended).toEqual(["timeout", "ECONNRESET"]);
    expect(client.tcp.connections()).toEqual([]);
  });

  it("is not answered by a pod that was removed", () => {
    server.remove();
    const heard: string[] = [];
    request(world, client, { kind: "tcp", target: TARGET, timeout: seconds(1) }, ({ outcome }) =>
      heard.push(outcome.kind),
    );
    run(2);
    expect(heard).toEqual(["failed"]);
  });
});
