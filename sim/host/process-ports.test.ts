import { describe, expect, it } from "vitest";
import { type Effect } from "../../impl/ports.ts";
import { type Ip, parseIp, solicitedNodeGroup } from "../../impl/wire/ip.ts";
import { ZERO_MAC } from "../../impl/wire/mac.ts";
import { encodeUtf8 } from "../../impl/wire/text.ts";
import { plus, seconds } from "../../impl/wire/time.ts";
import { garp, HOST_MAC, NEW, OLD, TestStation, VIP6 } from "./host-test-station.ts";
import { pair, Scripted } from "./process-test-pair.ts";

const at = (ip: string, port = 7946) => ({ ip: parseIp(ip), port });
const bytes = (text: string): Uint8Array => encodeUtf8(text);
const datagrams = (ip: Ip | string): Effect => ({ kind: "openDatagrams", socket: "s", local: at(ip) });
const say = (text: string, to = "10.0.0.2"): Effect => ({
  kind: "sendDatagram",
  socket: "s",
  to: at(to),
  bytes: bytes(text),
});

describe("the inputs of a process", () => {
  it("begin with its start and the links, and go on with every change of these", () => {
    const { cable, run, processes } = pair();
    processes.a.ports.start();
    run(1);
    cable.setUp(false);
    cable.setUp(true);
    expect(processes.a.take()).toEqual([
      "0.000 started",
      "0.000 links lo eth0",
      "1.000 links lo eth0(down)",
      "1.000 links lo eth0",
    ]);
  });

  it("are the alarm that it armed last, on its own clock", () => {
    const { a, run, processes } = pair();
    const { ports } = processes.a;
    const start = ports.now().monotonic;
    ports.arm(plus(start, seconds(9)));
    ports.arm(plus(start, seconds(2)));
    a.setClockRate(0.5);
    a.stepClock(seconds(3600));
    run(10);
    expect(processes.a.take()).toEqual(["4.000 wake"]);
  });

  it("are ARP and ICMPv6 frames of captured interfaces, after the filter of the NIC and before IP", () => {
    const station = new TestStation().run(3);
    const process = new Scripted(station.host);
    const foreign = { kind: "neighborSolicitation", target: VIP6, sourceLinkLayer: NEW } as const;
    const ask = (): void => {
      station.icmp6(foreign, { mac: NEW, ip: VIP6 }, solicitedNodeGroup(VIP6));
      station.icmp6(foreign, { mac: NEW, ip: VIP6 }, VIP6, 255, HOST_MAC);
      station.arp(garp("request", NEW, ZERO_MAC));
      station.arp(garp("reply", NEW, NEW), OLD);
      station.run(0.001);
    };
    ask();
    process.run({ kind: "openLink", link: "eth0" });
    ask();
    process.run({ kind: "joinGroup", link: "eth0", group: solicitedNodeGroup(VIP6) });
    ask();
    process.run({ kind: "leaveGroup", link: "eth0", group: solicitedNodeGroup(VIP6) });
    process.run({ kind: "sendFrame", link: "eth0", bytes: new Uint8Array(60) }, { kind: "closeLink", link: "eth0" });
    ask();
    expect(process.take()).toEqual([
      "3.001 frame eth0 86",
      "3.001 frame eth0 42",
      "3.002 frame eth0 86",
      "3.002 frame eth0 86",
      "3.002 frame eth0 42",
    ]);
  });

  it("are datagrams and streams of other hosts", () => {
    const { run, processes } = pair();
    processes.b.run(datagrams("0.0.0.0"), { kind: "listen", listener: "tcp", local: at("0.0.0.0") });
    processes.a.run(datagrams("10.0.0.1"), say("ping"), { kind: "connect", stream: "out", to: at("10.0.0.2") });
    run(0.1);
    processes.a.run({ kind: "write", stream: "out", bytes: bytes("push") });
    run(0.1);
    processes.b.run({ kind: "write", stream: "tcp#1", bytes: bytes("pull") });
    processes.b.run({ kind: "closeStream", stream: "tcp#1", abort: false });
    run(0.1);
    expect(processes.b.take()).toEqual([
      "0.000 datagram 10.0.0.1 ping",
      "0.000 accepted tcp#1 from 10.0.0.1",
      "0.100 data tcp#1 push",
    ]);
    expect(processes.a.take()).toEqual(["0.000 opened out to 10.0.0.2", "0.200 data out pull", "0.200 closed out end"]);
  });

  it("reach the process from itself, too", () => {
    const { run, processes } = pair();
    processes.a.run(datagrams("10.0.0.1"), say("me", "10.0.0.1"));
    run(0.1);
    expect(processes.a.take()).toEqual(["0.000 datagram 10.0.0.1 me"]);
  });
});

describe("five ways for a process to go", () => {
  /** b's process has an open stream to a's and is written to after the fault. */
  function connected() {
    const all = pair();
    const { processes, run } = all;
    processes.b.run({ kind: "listen", listener: "tcp", local: at("0.0.0.0") }, datagrams("0.0.0.0"));
    processes.b.run({ kind: "request", request: "watch", method: "GET", path: "/", headers: {} });
    processes.a.run(datagrams("0.0.0.0"), { kind: "connect", stream: "out", to: at("10.0.0.2") });
    run(1);
    processes.a.take();
    processes.b.take();
    return all;
  }

  it("crash: the kernel says goodbye for it and refuses what comes later", () => {
    const { processes, run } = connected();
    processes.b.ports.kill();
    processes.a.run(say("hello"));
    run(0.1);
    processes.a.run({ kind: "connect", stream: "again", to: at("10.0.0.2") });
    run(1);
    expect(processes.a.take()).toEqual(["1.000 closed out end", "1.100 closed again ECONNREFUSED"]);
    expect(processes.b.take()).toEqual([]);
    expect(processes.b.kube).toEqual(["request watch", "abort watch"]);
  });

  it("crash with something unread: the kernel resets the stream (RFC 1122 section 4.2.2.13)", () => {
    const { processes, run } = connected();
    processes.b.ports.pause();
    processes.a.run({ kind: "connect", stream: "new", to: at("10.0.0.2") });
    run(0.1);
    for (const stream of ["out", "new"]) processes.a.run({ kind: "write", stream, bytes: bytes("unread") });
    run(0.1);
    processes.b.ports.kill();
    run(0.1);
    expect(processes.a.take()).toEqual([
      "1.000 opened new to 10.0.0.2",
      "1.200 closed out ECONNRESET",
      "1.200 closed new ECONNRESET",
    ]);
  });

  it("pause: the kernel acknowledges, inputs wait, and an alarm that is overdue rings at the end", () => {
    const { processes, run, world } = connected();
    processes.b.ports.arm(seconds(2));
    processes.b.ports.pause();
    processes.a.run(say("one"), { kind: "write", stream: "out", bytes: bytes("two") });
    run(5);
    expect(processes.b.take()).toEqual([]);
    const lines = world.trace.lines().length;
    processes.b.ports.resume();
    run(1);
    expect([...processes.b.take()].sort()).toEqual([
      "6.000 data tcp#1 two",
      "6.000 datagram 10.0.0.1 one",
      "6.000 wake",
    ]);
    expect(processes.a.take()).toEqual([]);
    expect(world.trace.lines()[lines]).toBe("6.000000 b process speaker resumed");
  });

  it("link down: the host knows, its neighbours are forgotten", () => {
    const { cable, b, processes } = connected();
    expect(b.interface("eth0").arp.table.entries()).toHaveLength(1);
    cable.setUp(false);
    expect(b.interface("eth0").arp.table.entries()).toHaveLength(0);
    expect(processes.b.take()).toEqual(["1.000 links lo eth0(down)"]);
  });

  it("power loss: not a frame, and after a restart what comes is answered with RST", () => {
    const { processes, b, run, world } = connected();
    const frames = (): number => world.trace.lines().filter((line) => line.includes(" a:eth0 frame")).length;
    const before = frames();
    processes.b.ports.arm(seconds(2));
    b.powerOff();
    run(10);
    expect(frames()).toBe(before);
    expect(processes.b.ports.state).toBe("ended");
    b.powerOn();
    processes.a.run({ kind: "write", stream: "out", bytes: bytes("still there?") });
    run(5);
    expect(processes.a.take()).toEqual([expect.stringContaining("closed out ECONNRESET")]);
    expect(processes.b.take()).toEqual([]);
  });

  it("kernel hang: frames are swallowed, timers stand still, and all goes on afterwards", () => {
    const { processes, b, run, world } = connected();
    const frames = (): number => world.trace.lines().filter((line) => line.includes(" a:eth0 frame")).length;
    const before = frames();
    processes.b.ports.arm(seconds(2));
    b.hang();
    processes.a.run(say("lost"), { kind: "write", stream: "out", bytes: bytes("sent again") });
    run(5);
    expect([frames() - before, processes.b.take()]).toEqual([0, []]);
    expect(b.device("eth0")?.running).toBe(true);
    b.unhang();
    run(10);
    expect(processes.b.take().map((line) => line.replace(/^\S+ /, ""))).toEqual(["wake", "data tcp#1 sent again"]);
  });

  it("an exit is like a crash, but says its code", () => {
    const { processes, run, world } = connected();
    processes.b.run({ kind: "exit", code: 3 });
    run(0.1);
    expect([processes.b.ports.state, processes.b.ports.exitCode]).toEqual(["ended", 3]);
    expect(processes.a.take()).toEqual(["1.000 closed out end"]);
    expect(world.trace.lines()).toContain("1.000000 b process speaker exited code=3");
  });
});

it("leaves the groups of a process that dies, and says so to the network (RFC 3810)", () => {
  const station = new TestStation();
  const process = new Scripted(station.host);
  process.run({ kind: "joinGroup", link: "eth0", group: solicitedNodeGroup(VIP6) });
  station.run(3).take();
  process.ports.kill();
  const reports = station
    .run(3)
    .take()
    .map((line) => line.replace(/^\S+ .*MLD /, ""));
  expect(reports).toEqual(["changeToInclude ff02::1:ff00:100", "changeToInclude ff02::1:ff00:100"]);
});

it("drops what does not fit into the socket of a stopped process", () => {
  const station = new TestStation().run(1);
  const process = new Scripted(station.host).run({ kind: "openLink", link: "eth0" });
  process.ports.pause();
  for (let count = 0; count < 1000; count++) station.arp(garp("request", NEW, ZERO_MAC));
  station.run(1);
  process.ports.resume();
  expect(process.take()).toHaveLength(277);
});
