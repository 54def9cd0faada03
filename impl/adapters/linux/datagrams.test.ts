import { describe, expect, it } from "vitest";
import { arrivalIn, Datagrams } from "./datagrams.ts";
import { type Input } from "../../ports.ts";
import { parseIp } from "../../wire/ip.ts";
import { refusing } from "./refusing-sockets.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/#.*$|\s/gm, ""), "hex");
const linkName = (index: number): string | undefined => (index === 1 ? "lo" : undefined);

// As Linux 6.18 gave them: struct cmsghdr with length, level and type, then the data.
const V4 = `
  1c00000000000000 00000000 08000000  # IP_PKTINFO
  01000000 7f000007 7f000007 00000000 # interface, local address, destination
  1400000000000000 00000000 02000000  # IP_TTL
  ff000000 00000000`;
const V6 = `
  2400000000000000 29000000 32000000  # IPV6_PKTINFO
  00000000000000000000000000000001 01000000 00000000 # destination, interface
  1400000000000000 29000000 34000000  # IPV6_HOPLIMIT
  ff000000 00000000`;

describe("how a datagram came", () => {
  it.each([
    ["IPv4", V4, { link: "lo", destination: "127.0.0.7", ttl: 255 }],
    ["IPv6", V6, { link: "lo", destination: "::1", ttl: 255 }],
    ["an interface that is not known", V4.replace("01000000 7f", "09000000 7f"), undefined],
    ["no TTL", V4.slice(0, V4.indexOf("14000000")), undefined],
    ["a message that claims more than there is", V4.replace("1c0000", "ff0000"), undefined],
    ["a message that is shorter than its header", V4.replace("1c0000", "0f0000"), undefined],
    ["nothing", "", undefined],
  ])("%s", (_, control, wanted) => {
    expect(arrivalIn(hex(control), linkName)).toEqual(wanted);
  });
});

describe("a datagram socket that is refused", () => {
  it("is closed, and what is missing is said", () => {
    const inputs: Input[] = [];
    const { native, trace, log } = refusing("EPERM");
    const datagrams = new Datagrams({ native, deliver: (input) => inputs.push(input), log, linkName });
    const local = { ip: parseIp("192.0.2.1"), port: 3784 };
    datagrams.run({ kind: "openDatagrams", socket: "bfd", local, options: { device: "eth1" } });
    expect(inputs).toEqual([{ kind: "socketFailed", socket: "bfd", because: "EPERM" }]);
    expect(trace).toEqual([
      "socket 2 2",
      "setsockopt 1/25 EPERM",
      "close",
      "error datagrams.failed: setsockopt EPERM, CAP_NET_RAW is missing",
    ]);
  });
});
