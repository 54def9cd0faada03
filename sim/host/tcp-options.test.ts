// Expected: what Linux 6.18 was seen to do between two network namespaces.
import { describe, expect, it } from "vitest";
import { parseIp } from "../../impl/wire/ip.ts";
import { parsePrefix } from "../../impl/wire/prefix.ts";
import { isMd5Key, keyFor } from "./tcp-admission.ts";
import { type TcpSocket } from "./tcp.ts";
import { Line, text } from "./tcp-test-line.ts";

const SECRET = text("secret");
const OTHER = text("other");
const to = (line: Line, port = 179) => ({ ip: line.address.b, port });
const keysFor = (line: Line, key = SECRET) => [{ peers: parsePrefix(`${line.address.a}/32`), key }];
/** The log without times. */
const what = (line: Line): readonly string[] => line.take().map((entry) => entry.slice(entry.indexOf(" ") + 1));
/** Why segments were dropped, without ports. */
const drops = (line: Line): readonly string[] =>
  line.world.trace
    .lines()
    .filter((entry) => entry.includes(" drop "))
    .map((entry) => entry.replace(/^\S+ (\S+) drop tcp \S+ /, "$1: "));

/** A connection from a to b, both with the key. */
function signed(line: Line) {
  const accepted: TcpSocket[] = [];
  const listener = line.stack.b.listen(179, (socket) => (accepted.push(socket), line.handler("b")), {
    md5Keys: keysFor(line),
  });
  const client = line.stack.a.connect(to(line), line.handler("a"), { md5Key: SECRET });
  line.run(0.01);
  const [server] = accepted;
  if (server === undefined) throw new Error("nothing was accepted");
  return { client, server, listener };
}

describe("TCP with MD5 signatures", () => {
  it("signs every segment of both sides", () => {
    const line = new Line();
    const { client, server } = signed(line);
    client.write(text("ping"));
    line.run(0.01);
    server.write(text("pong"));
    line.run(0.01);
    client.close();
    line.run(0.01);
    expect(what(line).filter((entry) => entry.includes(">") && !entry.endsWith("md5"))).toEqual([]);
  });

  it("makes segments 20 bytes shorter, and tells the same MSS", () => {
    const line = new Line();
    const { client, server } = signed(line);
    client.write(new Uint8Array(5000));
    line.run(0.01);
    server.write(new Uint8Array(3000));
    line.run(0.01);
    const lines = what(line);
    expect(lines[0]).toBe("a>b syn seq 0 mss 1460 md5");
    const lengths = lines
      .filter((entry) => entry.includes("len"))
      .map((entry) => entry.replace(/ (psh,)?ack .*len/, ""));
    expect(lengths).toEqual([
      "a>b 1440 md5",
      "a>b 1440 md5",
      "a>b 1440 md5",
      "a>b 680 md5",
      "b>a 1440 md5",
      "b>a 1440 md5",
      "b>a 120 md5",
    ]);
  });

  it.each([
    { name: "another key", listener: SECRET, client: OTHER, drop: "b: MD5 signature wrong" },
    { name: "no key", listener: SECRET, client: undefined, drop: "b: MD5 signature missing" },
    { name: "a key that is not wanted", listener: undefined, client: SECRET, drop: "b: MD5 signature unexpected" },
  ])("is silent to a SYN with $name", ({ listener, client, drop }) => {
    const line = new Line();
    line.stack.b.listen(179, () => line.handler("b"), {
      md5Keys: listener === undefined ? [] : keysFor(line, listener),
    });
    line.stack.a.connect(to(line), line.handler("a"), client === undefined ? {} : { md5Key: client });
    line.run(200);
    const syn = `a>b syn seq 0 mss 1460${client === undefined ? "" : " md5"}`;
    expect(what(line)).toEqual([...Array.from({ length: 7 }, () => syn), "a closed ETIMEDOUT"]);
    expect(drops(line)).toEqual(Array.from({ length: 7 }, () => drop));
  });

  it("is silent to a signed SYN where nobody listens, and resets an unsigned one", () => {
    const line = new Line();
    line.stack.a.connect(to(line, 180), line.handler("signed"), { md5Key: SECRET });
    line.run(200);
    line.stack.a.connect(to(line, 180), line.handler("unsigned"));
    line.run(1);
    expect(what(line).filter((entry) => !entry.startsWith("a>b"))).toEqual([
      "signed closed ETIMEDOUT",
      "b>a rst,ack seq 0 ack 1",
      "unsigned closed ECONNREFUSED",
    ]);
  });

  it("is reset by a rebooted server once that listens with the key, and hears nothing before", () => {
    const line = new Line();
    const { client } = signed(line);
    line.stack.b.reset();
    client.write(text("lost"));
    line.run(1).take();
    expect(client.state).toBe("established");
    line.stack.b.listen(179, () => line.handler("b"), { md5Keys: keysFor(line) });
    line.run(10);
    expect(what(line).slice(-2)).toEqual(["b>a rst seq 1 md5", "a closed ECONNRESET"]);
  });

  it("is reset by a rebooted client only where somebody listens there on the port of the server", () => {
    const line = new Line();
    const { server } = signed(line);
    line.stack.a.reset();
    server.write(text("lost"));
    line.run(1);
    expect(server.state).toBe("established");
    expect(drops(line)).toContain("a: MD5 signature unexpected");
    line.stack.a.listen(179, () => line.handler("a"), {
      md5Keys: [{ peers: parsePrefix(`${line.address.b}/32`), key: SECRET }],
    });
    line.run(10);
    expect(what(line).slice(-2)).toEqual(["a>b rst seq 1 md5", "b closed ECONNRESET"]);
  });

  it("does not believe a RST that is not signed", () => {
    const line = new Line();
    const { client, server } = signed(line);
    line.forge("a", client, { sequence: 1, acknowledgement: 1, rst: true });
    line.forge("b", server, { sequence: 1, rst: true });
    line.run(1);
    expect([client.state, server.state]).toEqual(["established", "established"]);
    expect(drops(line)).toEqual(["b: MD5 signature missing", "a: MD5 signature missing"]);
  });

  it("takes other keys for connections to come, and keeps those that are there", () => {
    const line = new Line();
    const { client, server, listener } = signed(line);
    listener.setMd5Keys(keysFor(line, OTHER));
    line.stack.a.connect(to(line), line.handler("new"), { md5Key: OTHER });
    client.write(text("ping"));
    line.run(0.01);
    expect(what(line)).toContain("new opened");
    expect([client.state, server.state]).toEqual(["established", "established"]);
  });

  it("works over IPv6", () => {
    const line = new Line("ipv6");
    line.stack.b.listen(179, () => line.handler("b"), {
      md5Keys: [{ peers: parsePrefix("2001:db8::/64"), key: SECRET }],
    });
    line.stack.a.connect(to(line), line.handler("a"), { md5Key: SECRET });
    line.run(1);
    expect(what(line)).toEqual([
      "a>b syn seq 0 mss 1440 md5",
      "b>a syn,ack seq 0 ack 1 mss 1440 md5",
      "a opened",
      "a>b ack seq 1 ack 1 md5",
      "b opened",
    ]);
  });

  it("chooses the key of the longest prefix", () => {
    const keys = [
      { peers: parsePrefix("192.0.2.0/24"), key: SECRET },
      { peers: parsePrefix("192.0.2.7/32"), key: OTHER },
      { peers: parsePrefix("::/0"), key: SECRET },
    ];
    expect(keyFor(keys, parseIp("192.0.2.7"))).toBe(OTHER);
    expect(keyFor(keys, parseIp("192.0.2.8"))).toBe(SECRET);
    expect(keyFor(keys, parseIp("192.0.3.8"))).toBeUndefined();
  });

  it("takes keys of 1 to 80 bytes, as TCP_MD5SIG does", () => {
    expect([0, 1, 80, 81].map((length) => isMd5Key(new Uint8Array(length)))).toEqual([false, true, true, false]);
  });
});

describe("TCP with a TTL", () => {
  it("sends with its own, the listener from its SYN-ACK on", () => {
    const line = new Line();
    line.stack.b.listen(179, () => line.handler("b"), { ttl: 1 });
    const client = line.stack.a.connect(to(line), line.handler("a"), { ttl: 255 });
    line.run(0.01);
    client.close();
    line.run(0.01);
    const ttls = what(line).flatMap((entry) => /^(.>.).* (ttl \d+)$/.exec(entry)?.slice(1).join(" ") ?? []);
    expect(ttls).toEqual(["a>b ttl 255", "b>a ttl 1", "a>b ttl 255", "a>b ttl 255", "b>a ttl 1", "a>b ttl 255"]);
  });

  it("drops what came too far, without an answer", () => {
    const line = new Line();
    line.stack.b.listen(179, () => line.handler("b"), { minTtl: 254 });
    line.stack.a.connect(to(line), line.handler("far"));
    line.run(200);
    expect(drops(line)).toEqual(Array.from({ length: 7 }, () => "b: TTL too low 64"));
    line.stack.a.connect(to(line), line.handler("near"), { ttl: 254 });
    line.run(1);
    expect(what(line).filter((entry) => !entry.includes(">"))).toEqual([
      "far closed ETIMEDOUT",
      "near opened",
      "b opened",
    ]);
  });

  it("drops answers that came too far too", () => {
    const line = new Line();
    line.stack.b.listen(179, () => line.handler("b"));
    line.stack.a.connect(to(line), line.handler("a"), { minTtl: 255 });
    line.run(200);
    expect(drops(line)[0]).toBe("a: TTL too low 64");
    expect(what(line)).toContain("a closed ETIMEDOUT");
  });

  it("can be told later, as a router does that knows its peer after accept", () => {
    const line = new Line();
    const accepted: TcpSocket[] = [];
    line.stack.b.listen(
      179,
      (socket) => (accepted.push(socket), socket.setHops({ ttl: 7, minTtl: 60 }), line.handler("b")),
    );
    line.stack.a.connect(to(line), line.handler("a"));
    line.run(0.01).take();
    accepted[0]?.write(text("x"));
    line.run(0.01);
    expect(what(line)[0]).toBe("b>a psh,ack seq 1 ack 1 len 1 ttl 7");
  });
});

describe("what connect refuses", () => {
  const LINK_LOCAL = parseIp("fe80::1");

  it.each([
    {
      name: "a source that the host does not have",
      options: { source: parseIp("192.0.2.9") },
      because: "EADDRNOTAVAIL",
    },
    { name: "a device that the host does not have", options: { device: "eth9" }, because: "ENODEV" },
    { name: "a key of 81 bytes", options: { md5Key: new Uint8Array(81) }, because: "EINVAL" },
    { name: "a link-local address without its link", options: {}, ip: LINK_LOCAL, because: "EINVAL" },
  ])("is $name", ({ options, ip, because }) => {
    const line = new Line();
    const port = 179;
    line.stack.a.connect(ip === undefined ? to(line) : { ip, port }, line.handler("a"), options);
    line.run(1);
    expect(what(line)).toEqual([`a closed ${because}`]);
  });

  it("is not a source or a device that it has", () => {
    const line = new Line();
    line.stack.b.listen(179, () => line.handler("b"));
    line.stack.a.connect(to(line), line.handler("a"), { source: line.address.a, device: "line" });
    line.run(1);
    expect(what(line)).toContain("a opened");
  });
});
