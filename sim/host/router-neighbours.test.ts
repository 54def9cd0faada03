// The caches of hardware routers, after their vendors' documents: long timeouts (IOS and EOS 14400 s, several switches
// 1200 s), and what gratuitous ARP may do to them.
import { describe, expect, it } from "vitest";
import { BROADCAST, ZERO_MAC } from "../../impl/wire/mac.ts";
import { seconds } from "../../impl/wire/time.ts";
import { advertisement, ALL, garp, HOST_IP, HOST_MAC, NEW, OLD, TestStation, VIP, VIP6 } from "./host-test-station.ts";
import { type NeighbourProfile } from "./neighbour-parameters.ts";

type Options = Omit<NeighbourProfile, "kind">;

function router(options: Options = {}): TestStation {
  const station = new TestStation({ neighbours: { kind: "router", timeout: seconds(1200), ...options } });
  station.resolve(VIP, OLD);
  station.run(3).take();
  return station;
}

/** The requests for the VIP while a packet is sent every ten seconds, from about second 3 on. */
function requests(station: TestStation, duration: number): readonly string[] {
  const echo = station.host.openEcho({ reply: () => undefined });
  for (let passed = 0; passed < duration; passed += 10) {
    echo.send(VIP, 1);
    station.run(10);
  }
  return station.take().filter((line) => line.includes("who has"));
}

describe("an entry of a router", () => {
  it("lasts for its whole time without a question, then everyone is asked", () => {
    const station = router();
    expect(requests(station, 1190)).toEqual([]);
    expect(station.neighbour(VIP)).toBe(`${OLD} REACHABLE`);
    station.answersWith = NEW;
    expect(requests(station, 20)).toEqual([`1203.010001s all: who has ${VIP} tell ${HOST_IP}`]);
    expect(station.neighbour(VIP)).toBe(`${NEW} REACHABLE`);
  });

  it.each([
    ["unicast", OLD],
    ["broadcast", "all"],
  ] as const)("with refresh %s is asked for before it ends, and stays while the owner answers", (refresh, to) => {
    const station = router({ refresh, refreshBefore: seconds(30) });
    station.answersWith = OLD;
    const asked = requests(station, 2390);
    expect(asked.map((line) => line.replace(/^(\d+)\S*/, "$1"))).toEqual([
      `1170 ${to}: who has ${VIP} tell ${HOST_IP}`,
      `2340 ${to}: who has ${VIP} tell ${HOST_IP}`,
    ]);
  });

  it("that nobody refreshes is gone after three questions", () => {
    const station = router({ refresh: "unicast", refreshBefore: seconds(30) });
    station.run(1175);
    expect(station.take().filter((line) => line.includes(`${OLD}: who has`))).toHaveLength(3);
    expect(station.neighbour(VIP)).toBe("none");
  });

  it("is verified by unicast for IPv6, too, and lost where only the group is answered", () => {
    const station = router({ refresh: "unicast" });
    station.resolve(VIP6, OLD);
    station.run(0.1).take();
    station.run(1150);
    const asked = station.take().filter((line) => line.includes(`NS ${VIP6}`));
    expect(asked.map((line) => line.replace(/^\S+ /, ""))).toEqual(
      Array.from({ length: 3 }, () => `${OLD}: fe80::ff:fe00:aa>${VIP6} NS ${VIP6} from ${HOST_MAC}`),
    );
    expect(station.neighbour(VIP6)).toBe("none");
  });
});

describe("a gratuitous announcement", () => {
  const request = garp("request", NEW, ZERO_MAC);
  const reply = garp("reply", NEW, BROADCAST);

  it.each([
    ["update", {}, request, `${NEW} REACHABLE`],
    ["update", {}, reply, `${NEW} REACHABLE`],
    ["update", { acceptGratuitousReplies: false }, reply, `${OLD} REACHABLE`],
    ["update", { holdDownAfterMove: seconds(10) }, request, `${OLD} REACHABLE`],
    ["ignore", {}, request, `${OLD} REACHABLE`],
    ["create", {}, request, `${NEW} REACHABLE`],
  ] as const)("with policy %s and %j becomes what was said", (kind, more, announcement, result) => {
    const station = router({ acceptGratuitous: { kind }, ...more });
    station.arp(announcement);
    expect(station.run(0.1).neighbour(VIP)).toBe(result);
  });

  it.each([
    ["update", "none"],
    ["create", `${NEW} REACHABLE`],
  ] as const)("about an unknown address, with policy %s: %s", (kind, result) => {
    const station = new TestStation({ neighbours: { kind: "router", acceptGratuitous: { kind } } });
    station.arp(request);
    expect(station.run(0.1).neighbour(VIP)).toBe(result);
    station.icmp6(advertisement(NEW, { override: true }), { mac: NEW, ip: VIP6 }, ALL);
    expect(station.run(0.1).neighbour(VIP6)).toBe(result);
  });

  it("is heard so many times in a second, and not more often", () => {
    const station = router({ acceptGratuitous: { kind: "rateLimited", perSecond: 2 } });
    for (const mac of [NEW, OLD, NEW]) station.arp(garp("request", mac, ZERO_MAC));
    expect(station.run(0.1).neighbour(VIP)).toBe(`${OLD} REACHABLE`);
    station.run(1).arp(request);
    expect(station.run(0.1).neighbour(VIP)).toBe(`${NEW} REACHABLE`);
  });
});
