// Expected: the states and segments of RFC 9293 (figures 6, 12 and 13), and what Linux 6.18 was seen to send.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { micros, seconds } from "../../impl/wire/time.ts";
import { type TcpSocket } from "./tcp.ts";
import { Line, text } from "./tcp-test-line.ts";

const to = (line: Line, port = 80) => ({ ip: line.address.b, port });
/** The lines that are transitions, without the addresses. */
const states = (line: Line): readonly string[] =>
  line.world.trace.lines().map((entry) => entry.replace(/^(\S+) (\w) tcp \S+ /, "$2 "));
const times = (log: readonly string[], what: string): readonly number[] =>
  log.filter((entry) => entry.includes(what)).map((entry) => Number(entry.split(" ")[0]));

/** The log without times. */
const what = (line: Line): readonly string[] => line.log.map((entry) => entry.slice(entry.indexOf(" ") + 1));

/** A connection from a to an echo server on b, with the log of its opening thrown away. */
function opened(line: Line, options: { ended?: boolean } = {}) {
  const accepted: TcpSocket[] = [];
  line.stack.b.listen(80, (socket) => {
    accepted.push(socket);
    return line.handler("b", options.ended === true ? { ended: () => undefined } : {});
  });
  const client = line.stack.a.connect(
    to(line),
    line.handler("a", options.ended === true ? { ended: () => undefined } : {}),
  );
  line.run(0.001).take();
  const [server] = accepted;
  if (server === undefined) throw new Error("nothing was accepted");
  return { client, server };
}

describe("a connection", () => {
  it("opens, carries bytes both ways and closes, as in figures 6 and 12 of RFC 9293", () => {
    const line = new Line();
    line.stack.b.listen(80, (socket) => line.handler("b", { data: () => socket.write(text("pong")) }));
    const client = line.stack.a.connect(to(line), line.handler("a", { opened: () => client.write(text("ping")) }));
    line.run(0.1);
    client.shutdown();
    line.run(0.1);
    expect(line.take()).toEqual([
      "0.000000 a>b syn seq 0 mss 1460",
      "0.000050 b>a syn,ack seq 0 ack 1 mss 1460",
      "0.000100 a opened",
      "0.000100 a>b psh,ack seq 1 ack 1 len 4",
      "0.000150 b opened",
      "0.000150 b read ping",
      "0.000150 b>a psh,ack seq 1 ack 5 len 4",
      "0.000200 a read pong",
      "0.000200 a>b ack seq 5 ack 5",
      "0.100000 a>b fin,ack seq 5 ack 5",
      "0.100050 b>a fin,ack seq 5 ack 6",
      "0.100100 a closed end",
      "0.100100 a>b ack seq 6 ack 6",
      "0.100150 b closed end",
    ]);
  });

  it("walks the states of RFC 9293, figure 5", () => {
    const line = new Line();
    const { client, server } = opened(line, { ended: true });
    client.shutdown();
    line.run(0.001);
    server.shutdown();
    line.run(61);
    expect(states(line)).toEqual([
      "a closed->synSent: connect",
      "b closed->synReceived: SYN",
      "a synSent->established: SYN-ACK",
      "b synReceived->established: ACK",
      "a established->finWait1: shutdown",
      "b established->closeWait: FIN",
      "a finWait1->finWait2: ACK of FIN",
      "b closeWait->lastAck: shutdown",
      "a finWait2->timeWait: FIN",
      "b lastAck->closed: ACK of FIN",
      "a timeWait->closed: lingered",
    ]);
    expect([line.stack.a.connections(), line.stack.b.connections()]).toEqual([[], []]);
  });
});

describe("retransmission", () => {
  it("sends SYN again after 1, 3, 7, 15, 31 and 63 s and gives up after 127 s", () => {
    const line = new Line();
    line.judge = () => [];
    line.stack.a.connect(to(line), line.handler("a"));
    line.run(200);
    expect(times(line.log, "syn")).toEqual([0, 1, 3, 7, 15, 31, 63]);
    expect(line.log.at(-1)).toBe("127.000000 a closed ETIMEDOUT");
  });

  it("sends four SYNs more, one second apart, where the kernel is 6.5 or newer", () => {
    const line = new Line("ipv4", "line", { synLinearTimeouts: 4 });
    line.judge = () => [];
    line.stack.a.connect(to(line), line.handler("a"));
    line.run(200);
    // Linux 6.18 was seen to send at 1.02, 2.05, 3.07, 4.10, 5.12, 7.14, 11.20, 19.39, 35.52 and 68.03 s.
    expect(times(line.log, "syn")).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
    expect(line.log.at(-1)).toBe("131.000000 a closed ETIMEDOUT");
  });

  it("sends SYN-ACK again five times and then forgets the peer", () => {
    const line = new Line();
    line.stack.b.listen(80, () => line.handler("b"));
    line.judge = (from) => (from === "a" ? [micros(0)] : []);
    line.stack.a.connect(to(line), line.handler("a")).abort();
    const [syn] = line.take();
    expect(syn).toContain("syn");
    line.run(200);
    expect(times(line.log, "syn,ack")).toEqual([0, 1, 3, 7, 15, 31]);
    expect(states(line).at(-1)).toBe("b synReceived->closed: ETIMEDOUT");
  });

  it("doubles from 204 ms to 120 s, and after 924.6 s gives up at the next timeout", () => {
    const line = new Line();
    const { client } = opened(line);
    const start = line.now;
    line.judge = () => [];
    client.write(text("hello"));
    line.run(2000);
    const after = times(line.log, "len 5").map((time) => Math.round((time - start) * 1000));
    const doubling = [0, 204, 612, 1428, 3060, 6324, 12_852, 25_908, 52_020, 104_244, 208_692];
    expect(after).toEqual([...doubling, 328_692, 448_692, 568_692, 688_692, 808_692]);
    expect(line.log.at(-1)).toBe(`${(start + 928.692).toFixed(6)} a closed ETIMEDOUT`);
  });

  it("says why when ICMP told of it", () => {
    const line = new Line();
    const { client } = opened(line);
    line.judge = () => [];
    client.write(text("hello"));
    const payload = new Uint8Array(8);
    new DataView(payload.buffer).setUint16(0, client.local.port);
    new DataView(payload.buffer).setUint16(2, 80);
    new DataView(payload.buffer).setUint32(4, line.sequence("a", client, 1));
    line.stack.a.unreachable({ source: line.address.a, destination: line.address.b, because: "host", payload });
    line.run(2000);
    expect(line.log.at(-1)).toContain("a closed EHOSTUNREACH");
  });

  it("repairs one loss among many segments after three duplicate acknowledgements, without waiting", () => {
    const line = new Line();
    const { client } = opened(line);
    let data = 0;
    line.judge = (_from, segment) => (segment.payload.length > 0 && ++data === 2 ? [] : [micros(50)]);
    client.write(new Uint8Array(6 * 1460));
    line.run(0.1);
    expect(
      line.log.filter((entry) => entry.includes("len 1460")).map((entry) => entry.split(" ").slice(3).join(" ")),
    ).toEqual([
      "seq 1 ack 1 len 1460",
      "seq 1461 ack 1 len 1460 lost",
      "seq 2921 ack 1 len 1460",
      "seq 4381 ack 1 len 1460",
      "seq 5841 ack 1 len 1460",
      "seq 7301 ack 1 len 1460",
      "seq 1461 ack 1 len 1460",
    ]);
  });

  it("keeps one side up when only its acknowledgements are lost", () => {
    const line = new Line();
    const { client } = opened(line);
    line.judge = (from) => (from === "a" ? [micros(50)] : []);
    client.write(text("hello"));
    line.run(1000);
    expect(line.log.filter((entry) => / (a|b) /.test(entry))).toEqual([
      expect.stringContaining("b read hello"),
      expect.stringContaining("a closed ETIMEDOUT"),
    ]);
    expect(line.stack.b.connections().map((socket) => socket.state)).toEqual(["established"]);
  });
});

describe("a reset", () => {
  it("answers a closed port: sequence 0 and the SYN acknowledged", () => {
    const line = new Line();
    line.stack.a.connect(to(line, 81), line.handler("a"));
    line.run(1);
    expect(line.log).toEqual([
      "0.000000 a>b syn seq 0 mss 1460",
      expect.stringMatching(/^0.000050 b>a rst,ack seq \d+ ack 1$/),
      "0.000100 a closed ECONNREFUSED",
    ]);
  });

  it("answers a segment of a connection that a reboot forgot, with the acknowledged number", () => {
    const line = new Line();
    const { client } = opened(line);
    line.stack.b.reset();
    client.write(text("hello"));
    line.run(1);
    expect(what(line)).toEqual(["a>b psh,ack seq 1 ack 1 len 5", "b>a rst seq 1", "a closed ECONNRESET"]);
  });

  it("takes the place of FIN where something was not read", () => {
    const line = new Line();
    const { client, server } = opened(line);
    client.pause();
    server.write(text("unread"));
    line.run(0.001).take();
    client.close();
    line.run(0.001);
    expect(what(line)).toEqual(["a>b rst,ack seq 1 ack 7", "b closed ECONNRESET"]);
  });

  it("answers data that comes after close", () => {
    const line = new Line();
    const { client, server } = opened(line, { ended: true });
    client.close();
    line.run(0.001);
    server.write(text("late"));
    line.run(0.001);
    expect(what(line).slice(-3)).toEqual([
      "b>a psh,ack seq 1 ack 2 len 4",
      "a>b rst,ack seq 2 ack 1",
      "b closed ECONNRESET",
    ]);
  });

  it("is sent by abort", () => {
    const line = new Line();
    const { client } = opened(line);
    client.abort();
    line.run(0.001);
    expect(what(line)).toEqual(["a>b rst,ack seq 1 ack 1", "b closed ECONNRESET"]);
    expect(line.stack.a.connections()).toEqual([]);
  });
});

describe("an owner that does not read", () => {
  it("leaves the kernel acknowledging until the window is full, and reads everything later", () => {
    const line = new Line();
    const { client, server } = opened(line);
    const sent = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
    server.pause();
    client.write(sent);
    line.run(0.1);
    expect(line.take().at(-1)).toContain("b>a ack seq 1 ack 64241");
    line.run(10);
    const probes = line.take().filter((entry) => entry.includes("a>b"));
    expect(probes.map((entry) => entry.split(" ").slice(1).join(" "))).toEqual(
      new Array(5).fill("a>b ack seq 64240 ack 1"),
    );
    line.run(2000);
    expect(client.state).toBe("established");
    line.take();
    server.resume();
    line.run(0.3);
    const read = line.take().flatMap((entry) => /b read (\d+)/.exec(entry)?.[1] ?? []);
    expect(read.reduce((sum, length) => sum + Number(length), 0)).toBe(100_000);
  });

  it("has a sender that forgets how long it waited, once the window opens", () => {
    const line = new Line();
    const { client, server } = opened(line);
    server.pause();
    client.write(new Uint8Array(70_000));
    line.run(1000).take();
    line.judge = (from) => (from === "a" ? [] : [micros(50)]);
    server.resume();
    line.run(1);
    // At once, and after 204 and 612 ms: not only when the next probe would be due.
    expect(line.log.filter((entry) => entry.includes("a>b"))).toHaveLength(6);
  });

  it("hears of data, the peer's end and the reset in that order, once it reads again", () => {
    const line = new Line();
    const { client, server } = opened(line);
    server.pause();
    client.write(text("last words"));
    line.run(0.001);
    client.abort();
    line.run(0.001).take();
    server.resume();
    expect(line.take().map((entry) => entry.split(" ").slice(1).join(" "))).toEqual([
      "b read last words",
      "b closed ECONNRESET",
    ]);
  });
});

describe("half close", () => {
  it("lets the other side go on", () => {
    const line = new Line();
    const { client, server } = opened(line, { ended: true });
    client.shutdown();
    line.run(0.001);
    server.write(text("more"));
    line.run(0.001);
    server.shutdown();
    line.run(0.001);
    expect(
      line.log.filter((entry) => / (a|b) /.test(entry)).map((entry) => entry.split(" ").slice(1).join(" ")),
    ).toEqual(["b ended", "a read more", "a ended", "a closed end", "b closed end"]);
  });
});

describe("keepalive", () => {
  it("probes an idle peer and gives up after the last unanswered probe", () => {
    const line = new Line();
    const { client } = opened(line);
    const start = line.now;
    client.keepAlive({ idle: seconds(60), interval: seconds(5), count: 3 });
    line.run(59);
    expect(line.take()).toEqual([]);
    line.judge = () => [];
    line.run(60);
    expect(times(line.log, "a>b ack").map((time) => Math.round(time - start))).toEqual([60, 65, 70]);
    expect(line.log.at(-1)).toBe(`${(start + 75).toFixed(6)} a closed ETIMEDOUT`);
  });

  it("leaves what is under way to the retransmission timer", () => {
    const line = new Line();
    const { client } = opened(line);
    client.keepAlive({ idle: seconds(1), interval: seconds(1), count: 1 });
    line.judge = () => [];
    client.write(text("hello"));
    line.run(100);
    expect(client.state).toBe("established");
    expect(line.log.filter((entry) => !entry.endsWith("len 5 lost"))).toEqual([]);
  });

  it("is content with an answer", () => {
    const line = new Line();
    const { client } = opened(line);
    client.keepAlive({ idle: seconds(60), interval: seconds(5), count: 3 });
    line.run(3600);
    expect(client.state).toBe("established");
    expect(times(line.log, "b>a ack")).toHaveLength(59);
  });
});

describe("endpoints", () => {
  it("says which MSS the path takes over IPv6", () => {
    const line = new Line("ipv6");
    opened(line);
    line.stack.a.connect(to(line), {});
    expect(line.log).toEqual([expect.stringContaining("syn seq 0 mss 1440")]);
  });

  it("draws ports from the ephemeral range, the same for the same seed", () => {
    const ports = (seed: string) => {
      const line = new Line("ipv4", seed);
      return Array.from({ length: 50 }, () => line.stack.a.connect(to(line), {}).local.port);
    };
    expect(ports("one")).toEqual(ports("one"));
    expect(ports("one")).not.toEqual(ports("two"));
    expect(new Set(ports("one")).size).toBe(50);
    for (const port of ports("one")) expect(port >= 32_768 && port <= 60_999).toBe(true);
  });

  it("listens for one address before all, for IPv4 alone, and not twice", () => {
    const line = new Line();
    const took: string[] = [];
    line.stack.b.listen(80, () => (took.push("all"), {}));
    const ipv4 = line.stack.b.listen(
      { ip: "0.0.0.0" as typeof line.address.b, port: 80 },
      () => (took.push("ipv4"), {}),
    );
    const one = line.stack.b.listen(to(line), () => (took.push("one"), {}));
    expect(() => line.stack.b.listen(80, () => ({}))).toThrow("EADDRINUSE");
    for (const listener of [one, ipv4, undefined]) {
      line.stack.a.connect(to(line), {});
      line.run(0.01);
      listener?.[Symbol.dispose]();
    }
    expect(took).toEqual(["one", "ipv4", "all"]);
  });

  it("resets what was not accepted yet when it stops listening", () => {
    const line = new Line();
    const listener = line.stack.b.listen(80, () => line.handler("b"));
    line.stack.a.connect(to(line), line.handler("a"));
    line.run(0.00007);
    listener[Symbol.dispose]();
    line.run(1);
    expect(what(line).slice(2)).toEqual([
      "a opened",
      "a>b ack seq 1 ack 1",
      "b>a rst,ack seq 1 ack 1",
      "a closed ECONNRESET",
    ]);
  });

  it("reports an address that is not its own, later", () => {
    const line = new Line();
    line.stack.a.connect(to(line), line.handler("a"), { source: line.address.b });
    expect(line.take()).toEqual([]);
    line.run(0);
    expect(line.take()).toEqual(["0.000000 a closed EADDRNOTAVAIL"]);
  });
});

describe("what an attacker or an old segment says", () => {
  it("does not reset or open anew, but is challenged (RFC 5961)", () => {
    const line = new Line();
    const { client } = opened(line);
    for (const forged of [
      { rst: true, sequence: 2 },
      { syn: true, sequence: 5 },
      { sequence: 1, acknowledgement: 9 },
    ]) {
      line.forge("a", client, forged);
      line.run(0.001);
    }
    expect(what(line)).toEqual([
      "a>b rst seq 2",
      "b>a ack seq 1 ack 1",
      "a>b syn seq 5",
      "b>a ack seq 1 ack 1",
      "a>b ack seq 1 ack 9",
      "b>a ack seq 1 ack 1",
    ]);
    line.forge("a", client, { rst: true, sequence: 1 });
    line.run(0.001);
    expect(what(line).at(-1)).toBe("b closed ECONNRESET");
  });

  it("is not answered where it is a reset", () => {
    const line = new Line();
    const { client } = opened(line);
    line.stack.b.reset();
    line.forge("a", client, { rst: true, sequence: 1 });
    line.run(1);
    expect(what(line)).toEqual(["a>b rst seq 1"]);
  });

  it("is only believed of ICMP if it quotes a segment of the connection", () => {
    const line = new Line();
    line.judge = () => [];
    const client = line.stack.a.connect(to(line), line.handler("a"));
    const quote = (relative: number): void => {
      const payload = new Uint8Array(8);
      const view = new DataView(payload.buffer);
      view.setUint16(0, client.local.port);
      view.setUint16(2, 80);
      view.setUint32(4, line.sequence("a", client, relative));
      line.stack.a.unreachable({ source: line.address.a, destination: line.address.b, because: "prohibited", payload });
      line.run(0);
    };
    quote(2);
    quote(-1);
    expect(line.take()).toHaveLength(1);
    quote(0);
    expect(what(line)).toEqual(["a closed EHOSTUNREACH"]);
  });
});

describe("an open connection", () => {
  it("answers a repeated SYN with the SYN-ACK again", () => {
    const line = new Line();
    line.stack.b.listen(80, () => line.handler("b"));
    let answers = 0;
    line.judge = (_from, { flags }) => (flags.syn && flags.ack && ++answers <= 1 ? [] : [micros(50)]);
    line.stack.a.connect(to(line), {});
    line.run(0.99).take();
    line.run(0.5);
    // Both timers ring after 1 s; the SYN that comes 50 µs later is answered at once.
    expect(what(line)).toEqual([
      "a>b syn seq 0 mss 1460",
      "b>a syn,ack seq 0 ack 1 mss 1460",
      "b>a syn,ack seq 0 ack 1 mss 1460",
      "a>b ack seq 1 ack 1",
      "a>b ack seq 1 ack 1",
      "b opened",
    ]);
  });

  it("takes no round trip from a handshake that was repeated (RFC 6298 section 3)", () => {
    const line = new Line();
    line.stack.b.listen(80, () => line.handler("b"));
    let syns = 0;
    line.judge = (_from, { flags }) => (flags.syn && !flags.ack && ++syns <= 1 ? [] : [micros(50)]);
    const client = line.stack.a.connect(to(line), {});
    line.run(1.5);
    const start = line.now;
    line.judge = () => [];
    client.write(text("hello"));
    line.run(5);
    expect(times(line.log, "len 5").map((time) => Math.round((time - start) * 1000))).toEqual([0, 1000, 3000]);
  });

  it("opens from both ends at once, as in figure 7", () => {
    const line = new Line();
    const port = 5000;
    const a = line.stack.a.connect({ ip: line.address.b, port }, line.handler("a"), { sourcePort: port });
    const b = line.stack.b.connect({ ip: line.address.a, port }, line.handler("b"), { sourcePort: port });
    line.run(0.5);
    expect([a.state, b.state]).toEqual(["established", "established"]);
    expect(line.log.filter((entry) => entry.endsWith("opened"))).toHaveLength(2);
  });

  it("closes from both ends at once, as in figure 13", () => {
    const line = new Line();
    const { client, server } = opened(line);
    client.shutdown();
    server.shutdown();
    line.run(0.001);
    expect([client.state, server.state]).toEqual(["timeWait", "timeWait"]);
    expect(states(line).filter((entry) => entry.includes("closing"))).toHaveLength(4);
    expect(what(line).filter((entry) => entry.includes("closed"))).toEqual(["a closed end", "b closed end"]);
  });

  it("ends its side after the handshake where it was told to before", () => {
    const line = new Line();
    line.stack.b.listen(80, () => line.handler("b"));
    const client = line.stack.a.connect(to(line), line.handler("a"));
    client.write(text("one line"));
    client.shutdown();
    client.write(text("never sent"));
    line.run(0.001);
    expect(what(line).filter((entry) => entry.startsWith("a>b") || entry.startsWith("b "))).toEqual([
      "a>b syn seq 0 mss 1460",
      "a>b fin,psh,ack seq 1 ack 1 len 8",
      "b opened",
      "b read one line",
      "a>b ack seq 10 ack 2",
      "b closed end",
    ]);
  });

  it("tells the neighbour table with each acknowledgement of something new", () => {
    const line = new Line();
    const { client } = opened(line);
    line.confirmed.length = 0;
    client.write(text("hello"));
    line.run(0.001);
    expect(line.confirmed).toEqual(["a"]);
  });

  it("counts 536 bytes as the largest segment of a peer that does not say (RFC 9293 section 3.7.1)", () => {
    const line = new Line();
    const client = line.stack.a.connect(to(line), {});
    line.run(0);
    const server = { local: client.remote, remote: client.local } as TcpSocket;
    line.take();
    line.judge = (from) => (from === "b" ? [micros(50)] : []);
    line.forge("b", server, { syn: true, sequence: 0, acknowledgement: 1 });
    client.write(new Uint8Array(600));
    line.run(0.001);
    expect(what(line).filter((entry) => entry.includes("len"))).toEqual([
      "a>b ack seq 1 ack 1 len 536 lost",
      "a>b psh,ack seq 537 ack 1 len 64 lost",
    ]);
  });
});

describe("what outlives its owner", () => {
  it("waits 60 s for a FIN that does not come, and after both came", () => {
    const line = new Line();
    const first = opened(line, { ended: true });
    first.client.close();
    line.run(59.9);
    expect(line.stack.a.connections().map(({ state }) => state)).toEqual(["finWait2"]);
    line.run(0.2);
    expect(line.stack.a.connections()).toEqual([]);
    const half = new Line();
    const second = opened(half, { ended: true });
    second.client.shutdown();
    half.run(1);
    second.client.close();
    half.run(61);
    expect(half.stack.a.connections()).toEqual([]);
  });

  it("acknowledges a FIN that comes again, and waits anew", () => {
    const line = new Line();
    const { client, server } = opened(line);
    client.shutdown();
    line.run(0.00007);
    line.judge = (from) => (from === "a" ? [] : [micros(50)]);
    line.run(59);
    expect([client.state, server.state]).toEqual(["timeWait", "lastAck"]);
    expect(line.take().filter((entry) => entry.includes("a>b ack")).length).toBeGreaterThan(5);
    line.run(30);
    expect(client.state).toBe("timeWait");
  });

  it("gives way to a new connection between the same ends", () => {
    const line = new Line();
    const { client } = opened(line, { ended: true });
    line.stack.b.connections()[0]?.shutdown();
    line.run(0.001);
    client.shutdown();
    line.run(0.001).take();
    expect(line.stack.b.connections().map(({ state }) => state)).toEqual(["timeWait"]);
    line.judge = (from) => (from === "a" ? [micros(50)] : []);
    line.forge("a", client, { syn: true, sequence: 100_000 });
    expect(
      line
        .run(0.001)
        .take()
        .map((entry) => entry.split(" ").slice(1, 3).join(" ")),
    ).toEqual(["a>b syn", "b>a syn,ack"]);
    line.run(61);
    expect(line.stack.b.connections().map(({ state }) => state)).toEqual(["synReceived"]);
    line.run(10);
    expect(line.stack.b.connections()).toEqual([]);
  });

  it("repeats for 102 s at most, as tcp_orphan_retries 0 stands for", () => {
    const line = new Line();
    const { client } = opened(line);
    const start = line.now;
    line.judge = () => [];
    client.write(text("last words"));
    client.close();
    line.run(1000);
    // 204 ms × (2^9 - 1): the first timeout after 102.2 s.
    expect(states(line).at(-1)).toBe("a finWait1->closed: ETIMEDOUT");
    expect(
      times(line.log, "a>b")
        .map((time) => Math.round((time - start) * 1000))
        .at(-1),
    ).toBe(52_020);
  });
});

/** Delivers a stream each way over a bad line and says what arrived. */
function transfer(seed: number, lengths: readonly number[]) {
  const line = new Line("ipv4", `loss-${seed}`);
  const random = line.world.random("line");
  line.judge = () => {
    const copies = random.next() < 0.3 ? 0 : random.next() < 0.1 ? 2 : 1;
    return Array.from({ length: copies }, () => micros(50 + Math.floor(random.next() * 20_000)));
  };
  const received = { a: [] as number[], b: [] as number[] };
  const ends: string[] = [];
  const endpoint = (name: "a" | "b", socket: () => TcpSocket) => ({
    data: (bytes: Uint8Array) => void received[name].push(...bytes),
    ended: () => socket().shutdown(),
    closed: (because: string) => void ends.push(because),
  });
  const sent = lengths.flatMap((length, part) => Array.from({ length }, (_, index) => (index * 7 + part) % 256));
  line.stack.b.listen(80, (socket) => {
    socket.write(Uint8Array.from(sent));
    return endpoint("b", () => socket);
  });
  const client: TcpSocket = line.stack.a.connect(to(line), {
    ...endpoint("a", () => client),
    opened: () => {
      let at = 0;
      for (const length of lengths) client.write(Uint8Array.from(sent.slice(at, (at += length))));
      client.shutdown();
    },
  });
  line.run(3600);
  return { sent, received, ends, left: [...line.stack.a.connections(), ...line.stack.b.connections()] };
}

describe("a bad line", () => {
  it("delivers both streams intact with 30 % loss, duplicates and reordering", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.nat(), lengths, (seed, parts) => {
        const { sent, received, left } = transfer(seed, parts);
        expect(received.b).toEqual(sent);
        expect(received.a).toEqual(sent);
        expect(left).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });
});
