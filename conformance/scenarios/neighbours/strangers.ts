import { encodeArp } from "../../../impl/wire/arp.ts";
import { encodeEthernet, ETHER_TYPES } from "../../../impl/wire/ethernet.ts";
import { encodeIcmp6 } from "../../../impl/wire/icmp6.ts";
import { ALL_NODES, type Ip, isIpv4, isIpv6, parseIp, parseIpv6 } from "../../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../../impl/wire/ipv4.ts";
import { encodeIpv6 } from "../../../impl/wire/ipv6.ts";
import { BROADCAST, type Mac, multicastMac, ZERO_MAC } from "../../../impl/wire/mac.ts";
import { millis, seconds } from "../../../impl/wire/time.ts";
import { expectAtLeast, expectAtMost, expectEqual, expectTrue } from "../../expect.ts";
import { deployment, l2Advertisement, pool, service } from "../../objects.ts";
import { announcedService, BOTH_FAMILIES, ownerOf, passes, RANGES, serving, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

/** RFC 5227 section 2.3, RFC 4861 section 7.2.6: a station says that it has an address. */
function announcement(ip: Ip, mac: Mac): Uint8Array {
  if (isIpv4(ip)) {
    const payload = encodeArp({
      operation: "request",
      senderMac: mac,
      senderIp: ip,
      targetMac: ZERO_MAC,
      targetIp: ip,
    });
    return encodeEthernet({ destination: BROADCAST, source: mac, etherType: ETHER_TYPES.arp, payload });
  }
  if (!isIpv6(ip)) throw new Error(`${ip} is no address`);
  const source = parseIpv6("fe80::bad");
  const message = { kind: "neighborAdvertisement", router: false, solicited: false, override: true } as const;
  const packet = {
    source,
    destination: ALL_NODES,
    nextHeader: IP_PROTOCOLS.icmp6,
    hopLimit: 255,
    trafficClass: 0,
    flowLabel: 0,
    payload: encodeIcmp6({ ...message, target: ip, targetLinkLayer: mac }, source, ALL_NODES),
  };
  const destination = multicastMac(ALL_NODES);
  return encodeEthernet({ destination, source: mac, etherType: ETHER_TYPES.ipv6, payload: encodeIpv6(packet) });
}

async function conflictEvent(world: World, name: string): Promise<string | undefined> {
  const events = await world.kubernetes.events("Service", name);
  return events.find(({ reason }) => reason === "ipConflict")?.message;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "neighbours/stranger",
    title: "A foreign station that claims an address is reported with its MAC and counted, and not answered in kind",
    cites: ["users B4", "RFC 5227 2.4"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family });
      const { mac } = world.client();
      const answered = `metallb_layer2_responses_sent{ip="${vip}"}`;
      const before = await world.node(owner).metric(answered);
      // It announces the address, and answers when it is asked whether it still has it.
      await world.client().claim(vip);
      const message = await world.waitFor(
        "an event tells of the conflict",
        async () => conflictEvent(world, "default/web"),
        seconds(5),
      );
      expectTrue(`"${message}" names the station and the node`, message.includes(mac) && message.includes(owner));
      expectEqual("conflicts", await world.node(owner).metric(`assay_layer2_conflicts{ip="${vip}"}`), 1);
      expectEqual("answers to an announcement", await world.node(owner).metric(answered), before);
    },
  },
  {
    name: "neighbours/defence",
    title: "Against a station that never stops claiming an address it is defended, but only once in ten seconds",
    cites: ["users B4", "RFC 5227 2.4"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames", "virtualTime"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip } = await serving(world, "web", { family });
      const client = world.client();
      await passes(world, seconds(6));
      const heard = await client.listen();
      for (let round = 0; round < 25; round++) {
        await client.send(announcement(vip, client.mac));
        await passes(world, seconds(1));
      }
      const said = (await heard.about(vip)).filter(({ mac }) => mac !== client.mac);
      // Both forms of an ARP announcement leave at the same instant.
      const rounds = said.filter(({ at }, index) => at - (said[index - 1]?.at ?? 0) > millis(500));
      const gaps = rounds.slice(1).map(({ at }, index) => at - (rounds[index]?.at ?? 0));
      expectAtLeast("defences", rounds.length, 2);
      expectAtLeast("microseconds between two defences", Math.min(...gaps), seconds(10));
      expectTrue("the address still answers", (await client.whoHas(vip)).length === 1);
    },
  },
  {
    name: "neighbours/holder-before-us",
    title: "With probes before the first announcement, an address that somebody has is not taken until it is free",
    cites: ["F46", "RFC 5227 2.1.1", "users B4"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    settings: { probeFirst: true },
    async run(world, { family = "ipv4" }) {
      const client = world.client();
      const vip = parseIp(RANGES[family].split("-")[0] ?? "");
      const holder = await client.claim(vip);
      await passes(world, seconds(3));
      const heard = await client.listen();
      await world.kubernetes.apply(...announcedService("web", { family }));
      const message = await world.waitFor(
        "an event tells of the holder",
        async () => conflictEvent(world, "default/web"),
        seconds(6),
      );
      expectTrue(`"${message}" names the holder`, message.includes(client.mac));
      await passes(world, seconds(5));
      expectEqual(
        "who spoke for the address",
        (await heard.about(vip)).filter(({ mac }) => mac !== client.mac),
        [],
      );
      await holder.end();
      await ownerOf(world, vip, { within: seconds(6) });
    },
  },
  {
    name: "neighbours/free-address",
    title: "With probes before the first announcement, an address that nobody has is announced within a second",
    cites: ["F46"],
    topology: "dual-stack",
    needs: ["kubernetes", "dataplane", "rawFrames"],
    variants: BOTH_FAMILIES,
    settings: { probeFirst: true },
    async run(world, { family = "ipv4" }) {
      const heard = await world.client().listen();
      const vip = parseIp(RANGES[family].split("-")[0] ?? "");
      await world.kubernetes.apply(...announcedService("web", { family }));
      const said = await world.waitFor("it is announced", async () => (await heard.about(vip))[0], SETTLE);
      const events = await world.kubernetes.events("Service", "default/web");
      expectTrue(
        "its owner was chosen",
        events.some(({ reason }) => reason === "nodeAssigned"),
      );
      expectAtMost("time from the start in microseconds", said.at, seconds(2.5));
      await passes(world, seconds(5));
      expectEqual("conflicts seen", await conflictEvent(world, "default/web"), undefined);
    },
  },
  {
    name: "neighbours/node-address",
    title: "An address that a node has already is not announced by another one, and the event names the node's MAC",
    cites: ["F46"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    settings: { probeFirst: true },
    async run(world) {
      const [first = ""] = world.nodes;
      const address = "192.0.2.11";
      await world.kubernetes.apply(
        pool("nodes", [`${address}/32`]),
        l2Advertisement("main", {
          nodeSelectors: [
            { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "NotIn", values: [first] }] },
          ],
        }),
        deployment("web", 3),
        service("web"),
      );
      const message = await world.waitFor(
        "an event tells of the conflict",
        async () => conflictEvent(world, "default/web"),
        SETTLE,
      );
      expectTrue(`"${message}" names the node's MAC`, message.includes(world.node(first).macs.get("eth1") ?? "?"));
      const heard = await world.client().whoHas(parseIp(address));
      expectEqual(
        "who answers",
        heard.map(({ node }) => node),
        [first],
      );
    },
  },
];
