// ARP and NDP requests through what the speaker ships: decoded, decided, and answered with an encoded frame.
import { Layer2 } from "../../impl/speaker/layer2/layer2.ts";
import { Layer2Metrics } from "../../impl/speaker/layer2/metrics.ts";
import { Metrics } from "../../impl/metrics.ts";
import { encodeArp } from "../../impl/wire/arp.ts";
import { encodeEthernet, ETHER_TYPES } from "../../impl/wire/ethernet.ts";
import { encodeIcmp6 } from "../../impl/wire/icmp6.ts";
import {
  type Family,
  type Ip,
  ipFromBigInt,
  ipToBigInt,
  isIpv4,
  parseIp,
  parseIpv4,
  parseIpv6,
  solicitedNodeGroup,
} from "../../impl/wire/ip.ts";
import { IP_PROTOCOLS } from "../../impl/wire/ipv4.ts";
import { encodeIpv6 } from "../../impl/wire/ipv6.ts";
import { BROADCAST, multicastMac, parseMac, ZERO_MAC } from "../../impl/wire/mac.ts";
import { parseInterfaceAddress } from "../../impl/wire/prefix.ts";
import { micros } from "../../impl/wire/time.ts";
import { type Benchmark, type Result } from "./benchmark.ts";
import { poolOf, serviceOf } from "./objects.ts";
import { compare, draws, time } from "./timing.ts";

/** So many requests are on their way, each in memory of its own as it comes from a socket. */
const REQUESTS = 50_000;
const MANY = 50_000;
const FEW = 10;
const POOL = { ipv4: "10.0.0.0/16", ipv6: "2001:db8:1::/64" } as const;
const FIRST = { ipv4: parseIp("10.0.0.0"), ipv6: parseIp("2001:db8:1::") } as const;
const FOREIGN = { ipv4: parseIp("10.7.0.0"), ipv6: parseIp("2001:db8:7::") } as const;
const ASKER = { mac: parseMac("02:00:00:00:00:99"), ipv4: parseIpv4("10.9.0.1"), ipv6: parseIpv6("fe80::99") };

/** Ever later, so that every burst of announcements comes to its end. */
function drain(layer2: Layer2): void {
  for (let at = layer2.deadline(); at !== undefined; at = layer2.deadline()) layer2.wake(at);
}

/** A speaker that owns `count` addresses. */
function speakerWith(count: number, family: Family): Layer2 {
  const metrics = new Layer2Metrics(new Metrics());
  const layer2 = new Layer2("node", { exclude: undefined, refresh: undefined, probeFirst: false, metrics });
  const now = micros(0);
  layer2.setOwnNode({ name: "node", labels: {}, networkUnavailable: false, excluded: false });
  layer2.enter({ name: "node", labels: {} });
  layer2.setLinks(
    [
      {
        index: 1,
        name: "eth0",
        mac: parseMac("02:00:00:00:00:01"),
        mtu: 1500,
        up: true,
        running: true,
        broadcast: true,
        noArp: false,
        master: undefined,
        addresses: ["10.9.0.2/8", "fe80::1/64"].map((address) => parseInterfaceAddress(address)),
      },
    ],
    now,
  );
  const pool = poolOf("pool", POOL[family]);
  for (const [index, ip] of addressesFrom(FIRST[family], count).entries()) {
    const service = serviceOf(`s${index}`, { ips: [ip] });
    const endpoints = { serving: true, nodes: new Set(["node"]) };
    const subject = { key: `default/s${index}`, service, ips: [ip], pool, endpoints };
    if (!layer2.judge(subject).announce) throw new Error(`${ip} is not announced`);
    layer2.announce(subject, now);
  }
  drain(layer2);
  return layer2;
}

function addressesFrom(first: Ip, count: number): readonly Ip[] {
  const family = isIpv4(first) ? "ipv4" : "ipv6";
  return Array.from({ length: count }, (_, index) => ipFromBigInt(ipToBigInt(first) + BigInt(index), family));
}

/** A request as Linux sends it to everybody, or to the group of the address. */
function requestFor(target: Ip): Uint8Array {
  const { mac, ipv4, ipv6 } = ASKER;
  if (isIpv4(target)) {
    const arp = {
      operation: "request",
      senderMac: mac,
      senderIp: ipv4,
      targetMac: ZERO_MAC,
      targetIp: target,
    } as const;
    return encodeEthernet({ destination: BROADCAST, source: mac, etherType: ETHER_TYPES.arp, payload: encodeArp(arp) });
  }
  const group = solicitedNodeGroup(target);
  const solicitation = { kind: "neighborSolicitation", target, sourceLinkLayer: mac } as const;
  const packet = encodeIpv6({
    source: ipv6,
    destination: group,
    nextHeader: IP_PROTOCOLS.icmp6,
    hopLimit: 255,
    trafficClass: 0,
    flowLabel: 0,
    payload: encodeIcmp6(solicitation, ipv6, group),
  });
  return encodeEthernet({
    destination: multicastMac(group),
    source: mac,
    etherType: ETHER_TYPES.ipv6,
    payload: packet,
  });
}

/** Hands a speaker requests for any of some addresses; each must be answered, or none. */
function asking(layer2: Layer2, addresses: readonly Ip[], answers: number): () => void {
  const draw = draws();
  const requests = Array.from({ length: REQUESTS }, () => requestFor(addresses[draw(addresses.length)] ?? FIRST.ipv4));
  const now = micros(1);
  return () => {
    let answered = 0;
    for (const request of requests) answered += layer2.receive("eth0", request, now).length;
    if (answered !== answers) throw new Error(`${answered} answers to ${REQUESTS} requests`);
  };
}

function requests(family: Family, protocol: string): readonly Result[] {
  const many = speakerWith(MANY, family);
  const few = speakerWith(FEW, family);
  const all = addressesFrom(FIRST[family], MANY);
  const some = all.filter((_, index) => index % (MANY / FEW) === 0);
  const ofFew = asking(few, all.slice(0, FEW), REQUESTS);
  const row = (asked: string, work: () => void): Result => {
    const { one, ratio } = compare(work, ofFew);
    return {
      benchmark: `${protocol}: decode, decide, encode with 50,000 addresses, ${asked}`,
      value: (one / REQUESTS) * 1000,
      unit: "µs",
      ratio: { value: ratio, of: "to that with 10" },
      aim: { of: "ratio", atMost: 1.1 },
    };
  };
  const answered = row("any of them asked for", asking(many, all, REQUESTS));
  const foreign = time(asking(many, addressesFrom(FOREIGN[family], MANY), 0));
  return [
    // The difference between both rows is what memory costs that is in no cache of the processor.
    row("10 of them asked for", asking(many, some, REQUESTS)),
    answered,
    { benchmark: `${protocol}: requests answered`, value: 1e6 / answered.value, unit: "requests/s" },
    { benchmark: `${protocol}: requests for others`, value: (REQUESTS / foreign) * 1000, unit: "requests/s" },
  ];
}

export const addressResolution: Benchmark = {
  name: "address-resolution",
  run: () => [...requests("ipv4", "ARP"), ...requests("ipv6", "NDP")],
};
