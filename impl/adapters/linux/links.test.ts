import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Link } from "../../ports.ts";
import { LinkTable } from "./links.ts";

interface Step {
  readonly after: string;
  readonly messages: readonly { readonly type: number; readonly body: Buffer }[];
}

const CAPTURE = readFileSync(new URL("golden/rtnetlink.txt", import.meta.url), "utf8");

/** nlmsghdr: length (4), type (2), flags (2), sequence (4), port (4). */
function stepsOf(text: string): readonly Step[] {
  const steps: { after: string; messages: { type: number; body: Buffer }[] }[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) steps.push({ after: line.slice(2), messages: [] });
    const [, message] = /^RTM_\w+ (\S+)$/.exec(line) ?? [];
    if (message === undefined) continue;
    const bytes = Buffer.from(message, "base64");
    steps.at(-1)?.messages.push({ type: bytes.readUInt16LE(4), body: bytes.subarray(16) });
  }
  return steps.filter(({ messages }) => messages.length > 0);
}

/** One line an interface, as `ip address` would tell it. */
function summary(links: readonly Link[]): readonly string[] {
  return links.map(({ index, name, mac, mtu, up, running, broadcast, noArp, master, addresses }) => {
    const flags = [up && "UP", running && "RUNNING", broadcast && "BROADCAST", noArp && "NOARP"].filter(Boolean);
    const where = master === undefined ? "" : ` master ${master}`;
    const list = addresses.map(({ ip, length }) => ` ${ip}/${length}`).join("");
    return `${index} ${name} ${mac} mtu ${mtu} ${flags.join(",")}${where}${list}`;
  });
}

function play(count: number): readonly string[] {
  const table = new LinkTable();
  for (const { messages } of stepsOf(CAPTURE).slice(0, count)) {
    for (const { type, body } of messages) table.apply(type, body);
  }
  return summary(table.links());
}

describe("what rtnetlink says", () => {
  it("is every interface with its flags, its master and its addresses", () => {
    expect(play(1)).toEqual([
      "1 lo 00:00:00:00:00:00 mtu 65536 UP,RUNNING 127.0.0.1/8 ::1/128",
      "2 br0 02:00:00:00:00:10 mtu 1500 UP,RUNNING,BROADCAST fe80::ff:fe00:10/64",
      "3 far 02:00:00:00:00:02 mtu 1500 UP,RUNNING,BROADCAST master br0 198.51.100.1/24 fe80::ff:fe00:2/64",
      // 10.0.0.1 is the own end of a point-to-point address.
      "4 eth1 02:00:00:00:00:01 mtu 1400 UP,RUNNING,BROADCAST,NOARP 192.0.2.11/24 10.0.0.1/32 2001:db8::11/64 fe80::ff:fe00:1/64",
      "5 far2 02:00:00:00:00:04 mtu 1500 UP,RUNNING,BROADCAST fe80::ff:fe00:4/64",
      "6 eth2 02:00:00:00:00:03 mtu 1500 UP,RUNNING,BROADCAST fe80::ff:fe00:3/64",
    ]);
  });

  it("is a lost carrier, where the administrator still wants the interface up", () => {
    expect(stepsOf(CAPTURE)[1]?.after).toBe("ip link set far down");
    expect(play(2).filter((line) => /^[34] /.test(line))).toEqual([
      "3 far 02:00:00:00:00:02 mtu 1500 BROADCAST master br0 198.51.100.1/24",
      "4 eth1 02:00:00:00:00:01 mtu 1400 UP,BROADCAST,NOARP 192.0.2.11/24 10.0.0.1/32 2001:db8::11/64 fe80::ff:fe00:1/64",
    ]);
  });

  it("is an address that went", () => {
    expect(play(3).find((line) => line.startsWith("4 "))).toBe(
      "4 eth1 02:00:00:00:00:01 mtu 1400 UP,BROADCAST,NOARP 10.0.0.1/32 2001:db8::11/64 fe80::ff:fe00:1/64",
    );
  });

  it("is no address before duplicate detection is over (RFC 4862 section 5.4)", () => {
    const messages = stepsOf(CAPTURE)[3]?.messages.filter(({ type }) => type === 20) ?? [];
    const table = new LinkTable();
    for (const { messages: earlier } of stepsOf(CAPTURE).slice(0, 1)) {
      for (const { type, body } of earlier) table.apply(type, body);
    }
    const addresses = (): number => table.links().find(({ name }) => name === "eth2")?.addresses.length ?? 0;
    expect(messages.map(({ type, body }) => [table.apply(type, body), addresses()])).toEqual([
      [false, 1],
      [true, 2],
    ]);
  });

  it("is a port that left its bridge, and keeps its addresses", () => {
    expect(stepsOf(CAPTURE)[4]?.after).toBe("ip link set far nomaster");
    expect(play(5).find((line) => line.startsWith("3 "))).toBe(
      "3 far 02:00:00:00:00:02 mtu 1500 BROADCAST 198.51.100.1/24",
    );
  });

  it("is an interface that went, with its addresses", () => {
    expect(play(6).map((line) => line.split(" ")[1])).toEqual(["lo", "far", "eth1", "far2", "eth2"]);
  });

  it("is nothing where a message is cut short", () => {
    const message = stepsOf(CAPTURE)[0]?.messages.at(1);
    for (let length = 0; length < 32; length++) {
      const table = new LinkTable();
      table.apply(16, message?.body.subarray(0, length) ?? Buffer.alloc(0));
      expect(table.links().every(({ name }) => name === "if2" || name === "br0")).toBe(true);
    }
  });
});
