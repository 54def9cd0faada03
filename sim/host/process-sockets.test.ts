// The send buffer of Linux, and what waits in front of it in the process.
import { describe, expect, it } from "vitest";
import { type DatagramOptions, type Effect } from "../../impl/ports.ts";
import { parseIp } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { encodeUtf8 } from "../../impl/wire/text.ts";
import { pair } from "./process-test-pair.ts";
import { RECEIVE_BUFFER } from "./tcp-receiver.ts";
import { SEND_BUFFER } from "./tcp-sender.ts";
import { type TcpSocket } from "./tcp-socket.ts";

const at = (ip: string) => ({ ip: parseIp(ip), port: 179 });
const write = (bytes: number | string): Effect => ({
  kind: "write",
  stream: "s",
  bytes: typeof bytes === "string" ? encodeUtf8(bytes) : new Uint8Array(bytes),
});
const SECRET = encodeUtf8("secret");
/** What a peer that does not read takes before anything waits in the process. */
const KERNELS = SEND_BUFFER + RECEIVE_BUFFER;

/** A stream "s" from a process on a to one on b, whose process then stops. */
function stuck() {
  const net = pair();
  const { processes, run } = net;
  processes.b.run({ kind: "listen", listener: "l", local: at("10.0.0.2") });
  processes.a.run({ kind: "connect", stream: "s", to: at("10.0.0.2") });
  run(0.1);
  processes.b.ports.pause();
  processes.a.take();
  processes.b.take();
  return net;
}

/** Writes until both kernels are full, slowly enough that nothing ever waits. */
function fill({ processes, run }: ReturnType<typeof pair>): void {
  for (let sent = 0; sent < KERNELS; sent += 4096) {
    processes.a.run(write(Math.min(4096, KERNELS - sent)));
    run(0.1);
  }
}

/** The lines without their times. */
const what = (log: readonly string[]): readonly string[] => log.map((line) => line.slice(line.indexOf(" ") + 1));
const total = (log: readonly string[]): number =>
  log.reduce((sum, line) => sum + (line.startsWith("data ") ? Number(line.split(" ").at(-1)) : 0), 0);

describe("a stream whose peer does not read", () => {
  it("takes what the kernels have room for, and tells how much waits", () => {
    const net = stuck();
    const { processes, run } = net;
    fill(net);
    expect(processes.a.take()).toEqual([]);
    processes.a.run(write(100), write(19));
    run(600);
    expect(what(processes.a.take())).toEqual(["backlog s 100", "backlog s 119"]);
  });

  it("tells 0 once all of it is with the kernel", () => {
    const net = stuck();
    const { processes, run } = net;
    fill(net);
    processes.a.run(write(50_000));
    expect(what(processes.a.take())).toEqual(["backlog s 50000"]);
    processes.b.ports.resume();
    run(60);
    const left = what(processes.a.take()).map((line) => Number(line.split(" ").at(-1)));
    expect(left.at(-1)).toBe(0);
    // Linux wakes a writer when a third of the buffer is free, not for every acknowledgement.
    for (const [index, bytes] of left.slice(0, -1).entries()) {
      expect((left[index - 1] ?? 50_000) - bytes).toBeGreaterThanOrEqual(Math.floor(SEND_BUFFER / 3));
    }
    expect(total(what(processes.b.take()))).toBe(KERNELS + 50_000);
  });

  it("keeps the order of what waits", () => {
    const { processes, run } = stuck();
    processes.a.run(write(KERNELS), write("one "), write("two"));
    processes.b.ports.resume();
    run(60);
    expect(what(processes.b.take()).at(-1)).toMatch(/ \d+$|one two$/);
    processes.a.run(write("last"));
    run(1);
    expect(what(processes.b.take())).toEqual(["data l#1 last"]);
  });

  it("that was closed is ended after what waits, and says nothing meanwhile", () => {
    const { processes, run } = stuck();
    processes.a.run(write(KERNELS + 1000), { kind: "closeStream", stream: "s", abort: false });
    run(1);
    processes.a.take();
    processes.b.ports.resume();
    run(60);
    expect(processes.a.take()).toEqual([]);
    const heard = what(processes.b.take());
    expect(total(heard)).toBe(KERNELS + 1000);
    expect(heard.at(-1)).toBe("closed l#1 end");
  });

  it("ends its own side after what waits, where the peer has ended its", () => {
    const { processes, run, b } = pair();
    const accepted: TcpSocket[] = [];
    let read = 0;
    const data = (bytes: Uint8Array): number => (read += bytes.length);
    b.tcp.listen(179, (socket) => (accepted.push(socket), socket.pause(), { data, ended: () => undefined }));
    processes.a.run({ kind: "connect", stream: "s", to: at("10.0.0.2") });
    run(1);
    processes.a.run(write(KERNELS + 1000));
    accepted[0]?.shutdown();
    run(1);
    processes.a.take();
    accepted[0]?.resume();
    run(60);
    expect(read).toBe(KERNELS + 1000);
    expect(what(processes.a.take())).toEqual(["backlog s 0", "closed s end"]);
  });

  it.each([
    { name: "that is open", close: [] },
    { name: "that was closed", close: [{ kind: "closeStream", stream: "s", abort: false }] satisfies Effect[] },
  ])("$name loses what waits with the process", ({ close }) => {
    const { processes, run } = stuck();
    processes.a.run(write(KERNELS + 1000), ...close);
    processes.a.ports.kill();
    processes.b.ports.resume();
    run(60);
    const heard = what(processes.b.take());
    expect(total(heard)).toBe(SEND_BUFFER);
    expect(heard.at(-1)).toBe("closed l#1 end");
  });

  it("moves nothing while the process itself is stopped", () => {
    const net = stuck();
    const { processes, run } = net;
    fill(net);
    processes.a.run(write(1000));
    processes.a.take();
    processes.a.ports.pause();
    processes.b.ports.resume();
    run(60);
    expect(total(what(processes.b.take()))).toBe(KERNELS);
    processes.a.ports.resume();
    run(1);
    expect(what(processes.a.take())).toEqual(["backlog s 0"]);
    expect(total(what(processes.b.take()))).toBe(1000);
  });

  it("is aborted at once, whatever waits", () => {
    const { processes, run } = stuck();
    processes.a.run(write(KERNELS + 1000), { kind: "closeStream", stream: "s", abort: true });
    processes.b.ports.resume();
    run(60);
    expect(what(processes.b.take()).at(-1)).toBe("closed l#1 ECONNRESET");
  });
});

describe("the options of a stream", () => {
  it.each([
    { options: { source: parseIp("10.0.0.9") }, because: "EADDRNOTAVAIL" },
    { options: { device: "eth9" }, because: "ENODEV" },
    { options: { md5Key: new Uint8Array(81) }, because: "EINVAL" },
  ])("that cannot be: $because", ({ options, because }) => {
    const { processes, run } = pair();
    processes.a.run({ kind: "connect", stream: "s", to: at("10.0.0.2"), options });
    run(1);
    expect(what(processes.a.take())).toEqual([`closed s ${because}`]);
  });

  it.each([
    { name: "all that the listener wants", options: { md5Key: SECRET, ttl: 255 }, line: "opened s to 10.0.0.2" },
    { name: "another key", options: { md5Key: encodeUtf8("other"), ttl: 255 }, line: "closed s ETIMEDOUT" },
    { name: "another TTL", options: { md5Key: SECRET }, line: "closed s ETIMEDOUT" },
  ])("hold from the first segment on: $name", ({ options, line }) => {
    const { processes, run, b } = pair();
    const md5Keys = [{ peers: parsePrefix("10.0.0.1/32"), key: SECRET }];
    b.tcp.listen(179, () => ({}), { md5Keys, minTtl: 255 });
    processes.a.run({ kind: "connect", stream: "s", to: at("10.0.0.2"), options });
    run(200);
    expect(what(processes.a.take())).toEqual([line]);
  });
});

describe("the options of datagrams", () => {
  const open = (socket: string, ip: string, options?: DatagramOptions): Effect => {
    const effect = { kind: "openDatagrams", socket, local: at(ip) } as const;
    return options === undefined ? effect : { ...effect, options };
  };

  it("ask how each came, and with which TTL they go", () => {
    const { processes, run } = pair();
    processes.b.run(open("s", "0.0.0.0", { arrivals: true }), open("t", "::"));
    processes.a.run(open("s", "10.0.0.1", { ttl: 255 }), {
      kind: "sendDatagram",
      socket: "s",
      to: at("10.0.0.2"),
      bytes: encodeUtf8("x"),
    });
    run(1);
    expect(what(processes.b.take())).toEqual(["datagram 10.0.0.1 x on eth0 for 10.0.0.2 ttl 255"]);
  });

  it("that cannot be are told, and there is no socket", () => {
    const { processes, run } = pair();
    processes.a.run(
      open("taken", "0.0.0.0"),
      open("again", "0.0.0.0"),
      open("foreign", "10.0.0.9"),
      open("nowhere", "0.0.0.0", { device: "eth9" }),
      { kind: "closeDatagrams", socket: "taken" },
      open("again", "0.0.0.0"),
    );
    run(1);
    expect(what(processes.a.take())).toEqual([
      "failed again EADDRINUSE",
      "failed foreign EADDRNOTAVAIL",
      "failed nowhere ENODEV",
    ]);
  });
});
