import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Metrics } from "../../metrics.ts";
import { type Link } from "../../ports.ts";
import { decodeArp } from "../../wire/arp.ts";
import { decodeEthernet, ETHER_TYPES } from "../../wire/ethernet.ts";
import { decodeIcmp6 } from "../../wire/icmp6.ts";
import { parseIp } from "../../wire/ip.ts";
import { decodeIpv6 } from "../../wire/ipv6.ts";
import { parseMac } from "../../wire/mac.ts";
import { formatSeconds, micros, seconds } from "../../wire/time.ts";
import { link } from "../test-cluster.ts";
import { Announcer, type AnnouncerEffect, type AnnouncerOptions } from "./announcer.ts";
import { type Interfaces } from "./eligibility.ts";
import { compileExclusion } from "./links.ts";
import { Layer2Metrics } from "./metrics.ts";

const V4 = "192.0.2.100";
const V6 = "2001:db8::64";
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));

// Laid out after RFC 826 and RFC 5227; from a client 02:00:00:00:00:c1, 192.0.2.1.
const ARP = {
  question: "ffffffffffff 0200000000c1 0806 0001 0800 06 04 0001 0200000000c1 c0000201 000000000000 c0000264",
  unicastQuestion: "02000000000a 0200000000c1 0806 0001 0800 06 04 0001 0200000000c1 c0000201 000000000000 c0000264",
  toSomebodyElse: "0200000000bb 0200000000c1 0806 0001 0800 06 04 0001 0200000000c1 c0000201 000000000000 c0000264",
  probe: "ffffffffffff 0200000000c1 0806 0001 0800 06 04 0001 0200000000c1 00000000 000000000000 c0000264",
  otherQuestion: "ffffffffffff 0200000000c1 0806 0001 0800 06 04 0001 0200000000c1 c0000201 000000000000 c0000265",
  reply: "02000000000a 0200000000c1 0806 0001 0800 06 04 0002 0200000000c1 c0000201 02000000000a c0000264",
  foreignAnnouncement:
    "ffffffffffff 0200000000c1 0806 0001 0800 06 04 0001 0200000000c1 c0000264 000000000000 c0000264",
  foreignReply: "02000000000a 0200000000c1 0806 0001 0800 06 04 0002 0200000000c1 c0000264 02000000000a c000020b",
  ownAnnouncement: "ffffffffffff 02000000000b 0806 0001 0800 06 04 0001 02000000000b c0000264 000000000000 c0000264",
  truncated: "ffffffffffff 0200000000c1 0806 0001 0800 06 04 0001",
};
// Laid out after RFC 4861, checksums computed apart; from 02:00:00:00:00:c1.
const NDP = {
  question:
    "3333ff000064 0200000000c1 86dd 6000000000203aff 20010db80000000000000000000000c1 ff0200000000000000000001ff000064 870019e300000000 20010db8000000000000000000000064 01010200000000c1",
  unicastQuestion:
    "02000000000a 0200000000c1 86dd 6000000000183aff fe8000000000000000000000000000c1 20010db8000000000000000000000064 87001d3100000000 20010db8000000000000000000000064",
  probe:
    "3333ff000064 0200000000c1 86dd 6000000000183aff 00000000000000000000000000000000 ff0200000000000000000001ff000064 87004c2700000000 20010db8000000000000000000000064",
  foreignAnnouncement:
    "333300000001 0200000000c1 86dd 6000000000203aff fe8000000000000000000000000000c1 ff020000000000000000000000000001 8800268020000000 20010db8000000000000000000000064 02010200000000c1",
};
const hopLimit64 = NDP.question.replace("203aff", "203a40");

/** One line of the trace for one effect. */
function line(effect: AnnouncerEffect): string {
  switch (effect.kind) {
    case "sendFrame":
      return `${effect.link} ${frameLine(effect.bytes)}`;
    case "conflict":
      return `conflict ${effect.claim.ip} ${effect.claim.mac} on ${effect.claim.link}`;
    case "openLink":
    case "closeLink":
      return `${effect.kind} ${effect.link}`;
    case "joinGroup":
    case "leaveGroup":
      return `${effect.kind} ${effect.link} ${effect.group}`;
    default:
      return effect.kind;
  }
}

function frameLine(frame: Uint8Array): string {
  const { destination, etherType, payload } = decodeEthernet(frame);
  if (etherType === ETHER_TYPES.arp) {
    const { operation, senderIp, senderMac, targetIp, targetMac } = decodeArp(payload);
    return `arp ${operation} to ${destination}: ${senderIp} ${senderMac} -> ${targetIp} ${targetMac}`;
  }
  const packet = decodeIpv6(payload);
  const message = decodeIcmp6(packet.payload, packet.source, packet.destination);
  const to = `to ${destination}: ${packet.source} -> ${packet.destination} hop ${packet.hopLimit}`;
  if (message.kind === "neighborSolicitation") return `ns ${to} ${message.target}`;
  if (message.kind !== "neighborAdvertisement") return message.kind;
  const flags = `R=${Number(message.router)} S=${Number(message.solicited)} O=${Number(message.override)}`;
  return `na ${to} ${message.target} ${message.targetLinkLayer} ${flags}`;
}

type Stimulus =
  | { announce: string; interfaces?: Interfaces; as?: string }
  | { withdraw: string; as?: string }
  | { links: readonly Link[] }
  | { frame: string; on?: string }
  | { hold: true }
  | { release: true }
  | { announceAll: true };

const eth0 = link("eth0", { mac: parseMac("02:00:00:00:00:0a"), addresses: ["192.0.2.11/24", "fe80::a/64"] });
const eth1 = link("eth1", {
  index: 2,
  mac: parseMac("02:00:00:00:00:0b"),
  addresses: ["198.51.100.11/24", "fe80::b/64"],
});

/** Plays stimuli at their times, wakes at every deadline up to `end`, and prints `time effect` lines. */
function play(
  script: readonly (readonly [at: number, what: Stimulus])[],
  end: number,
  options: Partial<AnnouncerOptions> = {},
) {
  const metrics = new Metrics();
  const announcer = new Announcer({
    exclude: undefined,
    refresh: undefined,
    probeFirst: false,
    metrics: new Layer2Metrics(metrics),
    ...options,
  });
  const trace: string[] = [];
  const note = (at: number, effects: readonly AnnouncerEffect[]) => {
    for (const effect of effects) trace.push(`${formatSeconds(micros(at))} ${line(effect)}`);
  };
  const run = (what: Stimulus, at: number): readonly AnnouncerEffect[] => {
    const now = micros(at);
    if ("announce" in what)
      return announcer.announce(what.as ?? "web", parseIp(what.announce), what.interfaces ?? "all", now);
    if ("withdraw" in what) return announcer.withdraw(what.as ?? "web", parseIp(what.withdraw));
    if ("links" in what) return announcer.setLinks(what.links, now);
    if ("frame" in what) return announcer.receive(what.on ?? "eth0", bytes(what.frame), now);
    if ("release" in what) return announcer.release(now);
    if ("announceAll" in what) return announcer.announceAll(now);
    announcer.hold();
    return [];
  };
  const wakeUntil = (until: number) => {
    for (let at = announcer.deadline(); at !== undefined && at <= until; at = announcer.deadline()) {
      note(at, announcer.wake(at));
    }
  };
  for (const [at, what] of script) {
    wakeUntil(seconds(at));
    note(seconds(at), run(what, seconds(at)));
  }
  wakeUntil(seconds(end));
  const drops = metrics.expose().match(/(?<=because=").*(?="} \d)/g) ?? [];
  return { trace, drops, metrics: metrics.expose(), announcer };
}

/** What happens once a VIP is announced on eth0 and its burst is over. */
function after(what: readonly (readonly [number, Stimulus])[], end: number, options: Partial<AnnouncerOptions> = {}) {
  const script: (readonly [number, Stimulus])[] = [
    [0, { links: [eth0] }],
    [0, { announce: V4 }],
    [0, { announce: V6 }],
    ...what,
  ];
  const { trace, ...rest } = play(script, end, options);
  return { ...rest, trace: trace.filter((entry) => Number.parseFloat(entry) >= 10) };
}

describe("gratuitous announcements", () => {
  it("sends five rounds in 4.4 seconds, each in the two forms that Linux believes at once", () => {
    const round = (at: string) => [
      `${at} eth0 arp request to ff:ff:ff:ff:ff:ff: ${V4} 02:00:00:00:00:0a -> ${V4} 00:00:00:00:00:00`,
      `${at} eth0 arp reply to ff:ff:ff:ff:ff:ff: ${V4} 02:00:00:00:00:0a -> ${V4} 02:00:00:00:00:0a`,
    ];
    const { trace } = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
      ],
      60,
    );
    expect(trace).toEqual(["0s openLink eth0", ...["0s", "1.1s", "2.2s", "3.3s", "4.4s"].flatMap(round)]);
  });

  it("puts on the wire what RFC 826 and RFC 5227 lay out", () => {
    const announcer = play([[0, { links: [eth0] }]], 0).announcer;
    const frames = announcer.announce("web", parseIp(V4), "all", seconds(0));
    expect(
      frames.map((effect) => (effect.kind === "sendFrame" ? Buffer.from(effect.bytes).toString("hex") : "")),
    ).toEqual([
      "ffffffffffff02000000000a0806000108000604000102000000000ac0000264000000000000c0000264",
      "ffffffffffff02000000000a0806000108000604000202000000000ac000026402000000000ac0000264",
    ]);
  });

  it("announces IPv6 with one overriding advertisement to all nodes a round", () => {
    const announcer = play([[0, { links: [eth0] }]], 0).announcer;
    const effects = announcer.announce("web", parseIp(V6), "all", seconds(0));
    expect(
      effects.map((effect) => (effect.kind === "sendFrame" ? Buffer.from(effect.bytes).toString("hex") : line(effect))),
    ).toEqual([
      "joinGroup eth0 ff02::1:ff00:64",
      "33330000000102000000000a86dd6000000000203afffe80000000000000000000000000000aff020000000000000000000000000001880027ee2000000020010db8000000000000000000000064020102000000000a",
    ]);
  });

  const times = (trace: readonly string[]) => [
    ...new Set(trace.filter((entry) => entry.includes("request")).map((entry) => entry.split(" ")[0])),
  ];

  it("prolongs a burst, without an extra round, when the announcement is repeated in it", () => {
    const { trace } = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
        [3, { announce: V4 }],
      ],
      60,
    );
    expect(times(trace)).toEqual(["0s", "1.1s", "2.2s", "3.3s", "4.4s", "5.5s", "6.6s", "7.7s"]);
  });

  it("stops at once when the address is withdrawn, and sends nothing about it", () => {
    const { trace } = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
        [2, { withdraw: V4 }],
      ],
      60,
    );
    expect(times(trace)).toEqual(["0s", "1.1s"]);
  });

  it("keeps one ticker for all addresses", () => {
    const { trace } = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
        [1, { announce: "192.0.2.101" }],
      ],
      60,
    );
    expect(times(trace)).toEqual(["0s", "1s", "1.1s", "2.2s", "3.3s", "4.4s", "5.5s"]);
  });

  it("refreshes periodically where that is asked for", () => {
    const { trace } = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
      ],
      100,
      { refresh: seconds(40) },
    );
    expect(times(trace)).toEqual(["0s", "1.1s", "2.2s", "3.3s", "4.4s", "40s", "80s"]);
  });

  it("does not refresh where the interval is 0", () => {
    const { trace } = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
      ],
      100,
      { refresh: seconds(0) },
    );
    expect(times(trace)).toEqual(["0s", "1.1s", "2.2s", "3.3s", "4.4s"]);
  });

  it("announces again after a membership change, and on a link that regained carrier or got another MAC", () => {
    const down = { ...eth0, running: false };
    const moved = { ...eth0, mac: parseMac("02:00:00:00:00:0c") };
    const script = [
      [0, { links: [eth0] }],
      [0, { announce: V4 }],
      [20, { announceAll: true }],
      [40, { links: [down] }],
      [41, { links: [eth0] }],
      [60, { links: [moved] }],
    ] as const;
    expect(times(play(script, 100).trace)).toEqual(
      [
        "0s 1.1s 2.2s 3.3s 4.4s",
        "20s 21.1s 22.2s 23.3s 24.4s",
        "41s 42.1s 43.2s 44.3s 45.4s",
        "60s 61.1s 62.2s 63.3s 64.4s",
      ].flatMap((burst) => burst.split(" ")),
    );
  });
});

describe("questions", () => {
  const answers = [
    {
      frame: "arp question",
      hex: ARP.question,
      answer: `arp reply to 02:00:00:00:00:c1: ${V4} 02:00:00:00:00:0a -> 192.0.2.1 02:00:00:00:00:c1`,
    },
    {
      frame: "unicast arp question",
      hex: ARP.unicastQuestion,
      answer: `arp reply to 02:00:00:00:00:c1: ${V4} 02:00:00:00:00:0a -> 192.0.2.1 02:00:00:00:00:c1`,
    },
    {
      frame: "arp probe",
      hex: ARP.probe,
      answer: `arp reply to 02:00:00:00:00:c1: ${V4} 02:00:00:00:00:0a -> 0.0.0.0 02:00:00:00:00:c1`,
    },
    {
      frame: "ns",
      hex: NDP.question,
      answer: `na to 02:00:00:00:00:c1: fe80::a -> 2001:db8::c1 hop 255 ${V6} 02:00:00:00:00:0a R=0 S=1 O=1`,
    },
    {
      frame: "unicast ns without link-layer option",
      hex: NDP.unicastQuestion,
      answer: `na to 02:00:00:00:00:c1: fe80::a -> fe80::c1 hop 255 ${V6} 02:00:00:00:00:0a R=0 S=1 O=1`,
    },
    {
      frame: "dad probe",
      hex: NDP.probe,
      answer: `na to 33:33:00:00:00:01: fe80::a -> ff02::1 hop 255 ${V6} 02:00:00:00:00:0a R=0 S=0 O=1`,
    },
  ];
  it.each(answers)("answers: $frame", ({ hex, answer }) => {
    expect(after([[10, { frame: hex }]], 11)).toMatchObject({ trace: [`10s eth0 ${answer}`], drops: [] });
  });

  const silences = [
    { frame: "arp reply", hex: ARP.reply, because: "arpReply" },
    { frame: "frame for another station", hex: ARP.toSomebodyElse, because: "ethernetDestination" },
    { frame: "address of somebody else", hex: ARP.otherQuestion, because: "announceIp" },
    { frame: "announcement of another station", hex: ARP.foreignAnnouncement, because: "announcement" },
    { frame: "truncated arp", hex: ARP.truncated, because: "malformed" },
    { frame: "ns that crossed a router", hex: hopLimit64, because: "hopLimit" },
    { frame: "advertisement of another station", hex: NDP.foreignAnnouncement, because: "messageType" },
    { frame: "wrong checksum", hex: NDP.question.replace("19e3", "19e4"), because: "malformed" },
    { frame: "IPv4", hex: "02000000000a 0200000000c1 0800 45", because: "otherProtocol" },
  ];
  it.each(silences)("keeps silent: $frame, $because", ({ hex, because }) => {
    expect(after([[10, { frame: hex }]], 11)).toMatchObject({ trace: [], drops: [because] });
  });

  it("never answers its own gratuitous ARP that comes back through another interface", () => {
    const { trace, drops } = after(
      [
        [8, { links: [eth0, eth1] }],
        [8, { withdraw: V6 }],
        [20, { frame: ARP.ownAnnouncement }],
      ],
      60,
    );
    expect({ late: trace.filter((entry) => Number.parseFloat(entry) >= 15), drops }).toEqual({
      late: [],
      drops: ["ownFrame"],
    });
  });

  it("answers only on the interfaces that are selected, on all that any Service selects", () => {
    const only0: Interfaces = new Set(["eth0"]);
    const start = [
      [0, { links: [eth0, eth1] }],
      [0, { announce: V4, interfaces: only0 }],
    ] as const;
    const asked = ARP.question;
    expect(play([...start, [10, { frame: asked, on: "eth1" }]], 11).drops).toEqual(["notMatchInterface"]);
    const shared = play(
      [...start, [5, { announce: V4, interfaces: new Set(["eth1"]), as: "mail" }], [20, { frame: asked, on: "eth1" }]],
      21,
    );
    expect({ last: shared.trace.at(-1), drops: shared.drops }).toEqual({
      last: `20s eth1 arp reply to 02:00:00:00:00:c1: ${V4} 02:00:00:00:00:0b -> 192.0.2.1 02:00:00:00:00:c1`,
      drops: [],
    });
  });

  it("keeps a shared address until its last Service goes", () => {
    const script = [
      [5, { announce: V4, as: "mail" }],
      [6, { withdraw: V4 }],
      [20, { frame: ARP.question }],
      [21, { withdraw: V4, as: "mail" }],
      [22, { frame: ARP.question }],
    ] as const;
    const { trace, drops, metrics } = after(script, 30);
    expect({
      trace: trace.filter((entry) => !entry.includes("ff:ff")).map((entry) => entry.slice(0, 18)),
      drops,
    }).toEqual({
      trace: ["20s eth0 arp reply"],
      drops: ["announceIp"],
    });
    expect(metrics).not.toContain(V4);
  });

  it("says nothing while it does not know whether it still owns anything, and everything afterwards", () => {
    const { trace, drops } = after(
      [
        [10, { hold: true }],
        [10, { frame: ARP.question }],
        [12, { release: true }],
        [12.5, { frame: ARP.question }],
      ],
      12.9,
    );
    expect({ kinds: trace.map((entry) => entry.split(" ").slice(0, 4).join(" ")), drops }).toEqual({
      kinds: ["12s eth0 arp request", "12s eth0 arp reply", "12s eth0 na to", "12.5s eth0 arp reply"],
      drops: ["held"],
    });
  });

  it("counts what MetalLB counts", () => {
    const { metrics } = after(
      [
        [10, { frame: ARP.question }],
        [10, { frame: ARP.question }],
      ],
      11,
    );
    expect(metrics.split("\n").filter((entry) => entry.includes(`ip="${V4}"`))).toEqual([
      `metallb_layer2_requests_received{ip="${V4}"} 2`,
      `metallb_layer2_responses_sent{ip="${V4}"} 2`,
      `metallb_layer2_gratuitous_sent{ip="${V4}"} 10`,
    ]);
  });
});

describe("interfaces", () => {
  const rows = [
    { name: "plain", parts: {}, opens: true, speaks: ["arp", "na"] },
    { name: "without IPv4 address", parts: { addresses: ["fe80::a/64"] }, opens: true, speaks: ["arp", "na"] },
    { name: "without link-local address", parts: { addresses: ["192.0.2.11/24"] }, opens: true, speaks: ["arp"] },
    { name: "without BROADCAST", parts: { broadcast: false }, opens: true, speaks: ["na"] },
    { name: "without carrier", parts: { running: false }, opens: true, speaks: ["arp", "na"] },
    { name: "down", parts: { up: false }, opens: false, speaks: [] },
    { name: "port of a bond", parts: { master: "bond0" }, opens: false, speaks: [] },
    { name: "NOARP", parts: { noArp: true }, opens: false, speaks: [] },
    { name: "excluded by its name", parts: { name: "veth12" }, opens: false, speaks: [] },
    { name: "neither BROADCAST nor link-local", parts: { broadcast: false, addresses: [] }, opens: false, speaks: [] },
  ];
  it.each(rows)("$name: opens $opens, speaks $speaks", ({ parts, opens, speaks }) => {
    const script = [
      [0, { links: [link("eth0", parts)] }],
      [0, { announce: V4 }],
      [0, { announce: V6 }],
    ] as const;
    const { trace } = play(script, 0, { exclude: compileExclusion(["^veth.*", "^lo$"]) });
    const kinds = new Set(trace.filter((entry) => / (arp|na) /.test(entry)).map((entry) => entry.split(" ")[2]));
    expect({ opens: trace.includes("0s openLink eth0"), speaks: [...kinds] }).toEqual({ opens, speaks });
  });

  it("joins the groups of earlier addresses when an interface appears late, once for a shared group, and leaves them", () => {
    const twin = "2001:db8:1::64"; // the same last 24 bits
    const noNdp = { ...eth0, addresses: [] };
    const script = [
      [0, { announce: V6 }],
      [0, { announce: twin }],
      [1, { links: [noNdp] }],
      [2, { links: [eth0] }],
      [20, { withdraw: V6 }],
      [21, { withdraw: twin }],
      [22, { announce: V6 }],
      [40, { links: [{ ...eth0, master: "br0" }] }],
      [50, { links: [eth0] }],
      [60, { links: [] }],
    ] as const;
    expect(play(script, 100).trace.filter((entry) => !entry.includes(" na "))).toEqual([
      "1s openLink eth0",
      "2s joinGroup eth0 ff02::1:ff00:64",
      "21s leaveGroup eth0 ff02::1:ff00:64",
      "22s joinGroup eth0 ff02::1:ff00:64",
      "40s leaveGroup eth0 ff02::1:ff00:64",
      "40s closeLink eth0",
      "50s openLink eth0",
      "50s joinGroup eth0 ff02::1:ff00:64",
      "60s closeLink eth0",
    ]);
  });
});

it("opens an interface anew that was made anew under its name, and joins its groups again", () => {
  const { trace } = after([[60, { links: [{ ...eth0, index: 7 }] }]], 60);
  expect(trace.map((entry) => entry.slice("60s ".length))).toEqual([
    "closeLink eth0",
    "openLink eth0",
    "eth0 arp request to ff:ff:ff:ff:ff:ff: 192.0.2.100 02:00:00:00:00:0a -> 192.0.2.100 00:00:00:00:00:00",
    "eth0 arp reply to ff:ff:ff:ff:ff:ff: 192.0.2.100 02:00:00:00:00:0a -> 192.0.2.100 02:00:00:00:00:0a",
    "joinGroup eth0 ff02::1:ff00:64",
    "eth0 na to 33:33:00:00:00:01: fe80::a -> ff02::1 hop 255 2001:db8::64 02:00:00:00:00:0a R=0 S=0 O=1",
  ]);
});

describe("another station with our address", () => {
  const request = `arp request to ff:ff:ff:ff:ff:ff: ${V4} 02:00:00:00:00:0a -> ${V4} 00:00:00:00:00:00`;
  const reply = `arp reply to ff:ff:ff:ff:ff:ff: ${V4} 02:00:00:00:00:0a -> ${V4} 02:00:00:00:00:0a`;

  const probe = `arp request to ff:ff:ff:ff:ff:ff: 0.0.0.0 02:00:00:00:00:0a -> ${V4} 00:00:00:00:00:00`;

  it.each([ARP.foreignAnnouncement, ARP.foreignReply])(
    "is asked after the grace whether it still claims it; if so, it is reported with its MAC and defended against: %s",
    (hex) => {
      const script = [
        [10, { frame: hex }],
        [12.5, { frame: ARP.foreignReply }],
      ] as const;
      expect(after(script, 60).trace).toEqual([
        `12s eth0 ${probe}`,
        `12.5s conflict ${V4} 02:00:00:00:00:c1 on eth0`,
        `12.5s eth0 ${request}`,
        `12.5s eth0 ${reply}`,
      ]);
    },
  );

  it("was the last owner, and spoke its last word, if it does not answer", () => {
    const { trace, metrics } = after([[10, { frame: ARP.foreignAnnouncement }]], 60);
    expect(trace).toEqual([`12s eth0 ${probe}`]);
    expect(metrics).not.toContain("assay_layer2_conflicts");
  });

  it("is noticed for IPv6 too", () => {
    const claims = [10, 12.5].map((at) => [at, { frame: NDP.foreignAnnouncement }] as const);
    expect(after(claims, 60).trace.slice(0, 2)).toEqual([
      `12s eth0 ns to 33:33:ff:00:00:64: :: -> ff02::1:ff00:64 hop 255 ${V6}`,
      `12.5s conflict ${V6} 02:00:00:00:00:c1 on eth0`,
    ]);
  });

  it("is answered at most once in ten seconds (RFC 5227 section 2.4)", () => {
    const claims = Array.from({ length: 20 }, (_, index) => [10 + index, { frame: ARP.foreignAnnouncement }] as const);
    const times = after(claims, 60)
      .trace.filter((entry) => entry.includes("conflict"))
      .map((entry) => entry.split(" ")[0]);
    expect(times).toEqual(["12s", "24s"]);
  });

  it("is probably the new owner while this node does not know whether it still owns anything", () => {
    const { trace } = after(
      [
        [60, { hold: true }],
        [61, { frame: ARP.foreignAnnouncement }],
      ],
      120,
    );
    expect(trace).toEqual([]);
  });

  it("is the new owner when the address moves away in time: nothing is said", () => {
    expect(
      after(
        [
          [10, { frame: ARP.foreignAnnouncement }],
          [11, { withdraw: V4 }],
        ],
        60,
      ).trace,
    ).toEqual([]);
  });

  it("is asked for before the first announcement where that is wanted", () => {
    const free = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
        [0.1, { frame: ARP.question }],
      ],
      0.7,
      { probeFirst: true },
    );
    expect(free.trace).toEqual([
      "0s openLink eth0",
      `0s eth0 ${probe}`,
      `0.2s eth0 ${probe}`,
      `0.4s eth0 ${probe}`,
      `0.6s eth0 ${request}`,
      `0.6s eth0 ${reply}`,
    ]);
    expect(free.drops).toEqual(["probing"]);
    const taken = play(
      [
        [0, { links: [eth0] }],
        [0, { announce: V4 }],
        [0.3, { frame: ARP.foreignReply }],
      ],
      2.9,
      { probeFirst: true },
    );
    expect(taken.trace).toEqual([
      "0s openLink eth0",
      `0s eth0 ${probe}`,
      `0.2s eth0 ${probe}`,
      `2.3s eth0 ${probe}`,
      `2.5s eth0 ${probe}`,
      `2.7s eth0 ${probe}`,
      `2.9s eth0 ${request}`,
      `2.9s eth0 ${reply}`,
    ]);
  });
});

describe("whatever arrives", () => {
  const whole = [ARP.question, ARP.probe, NDP.question, NDP.probe, NDP.foreignAnnouncement].map(bytes);
  const damaged = fc
    .tuple(fc.constantFrom(...whole), fc.nat(100), fc.array(fc.tuple(fc.nat(99), fc.nat(255)), { maxLength: 3 }))
    .map(([frame, length, changes]) => {
      const copy = frame.slice(0, length);
      for (const [index, value] of changes) if (index < copy.length) copy[index] = value;
      return copy;
    });

  it("is answered with one frame or dropped with one reason, and nothing is thrown", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), damaged), (frame) => {
        const { announcer, drops } = play(
          [
            [0, { links: [eth0] }],
            [0, { announce: V4 }],
            [0, { announce: V6 }],
          ],
          10,
        );
        expect(drops).toEqual([]);
        expect(announcer.receive("eth0", frame, seconds(10)).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });
});
