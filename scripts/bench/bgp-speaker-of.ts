// A speaker that announces Services by BGP and by nothing else, as benchmarks need it.
import { type Config, type Peer } from "../../impl/api/config.ts";
import { Metrics } from "../../impl/metrics.ts";
import { type Random } from "../../impl/ports.ts";
import { Bgp } from "../../impl/speaker/bgp/bgp.ts";
import { BfdMetrics } from "../../impl/speaker/bfd/metrics.ts";
import { BgpMetrics } from "../../impl/speaker/bgp/metrics.ts";
import { type Endpoints } from "../../impl/speaker/endpoints.ts";
import { SpeakerMetrics } from "../../impl/speaker/metrics.ts";
import { Speaker } from "../../impl/speaker/speaker.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { millis, seconds } from "../../impl/wire/time.ts";
import { poolOf, serviceOf } from "./objects.ts";

export const OWN_ASN = 64_500;
export const ROUTER_ASN = 64_501;
export const NOW = seconds(1);

/** The range of benchmarks (RFC 2544 section C.2.2). */
const POOL = "198.18.0.0/16";

export const addressOf = (index: number): string => `198.18.${index >> 8}.${index & 255}`;
export const keyOf = (index: number): string => `default/s${index}`;

export const READY: Endpoints = { serving: true, nodes: new Set(["node"]) };
export const NOT_READY: Endpoints = { serving: false, nodes: new Set() };

/** The intervals of FRR and MetalLB. */
const FAST = {
  name: "fast",
  receiveInterval: millis(300),
  transmitInterval: millis(300),
  detectMultiplier: 3,
  echoInterval: undefined,
  echoMode: false,
  passiveMode: false,
  minimumTtl: undefined,
};

export function peerOf(name: string, ip: Ip, bfdProfile?: "fast"): Peer {
  return {
    name,
    myAsn: OWN_ASN,
    peerAsn: ROUTER_ASN,
    localAsn: undefined,
    peer: { kind: "address", ip },
    peerPort: 179,
    sourceAddress: undefined,
    holdTime: undefined,
    keepaliveTime: undefined,
    connectTime: undefined,
    routerId: undefined,
    nodeSelectors: [],
    password: undefined,
    bfdProfile,
    gracefulRestart: false,
    ebgpMultiHop: false,
    vrf: undefined,
    dualStackAddressFamily: false,
  };
}

function configOf(peers: readonly Peer[]): Config {
  const advertisement = {
    name: "bgp",
    aggregationLength: 32,
    aggregationLengthV6: 128,
    localPref: 0,
    communities: [],
    multiExitDisc: undefined,
    prepend: 0,
    gracefulShutdown: false,
    nodeSelectors: [],
    serviceSelectors: [],
    peers: [],
  };
  const pool = { ...poolOf("pool", POOL), l2Advertisements: [], bgpAdvertisements: [advertisement] };
  return {
    pools: new Map([["pool", pool]]),
    peers: new Map(peers.map((peer) => [peer.name, peer])),
    bfdProfiles: new Map([["fast", FAST]]),
  };
}

export const serviceAt = (index: number): ReturnType<typeof serviceOf> =>
  serviceOf(`s${index}`, { ips: [addressOf(index)] });

/** It knows everything that it has to, and has not been started. */
export function bgpSpeakerOf(services: number, peers: readonly Peer[], random: Random = { next: () => 0.5 }): Speaker {
  const metrics = new Metrics();
  const bgp = new Bgp("node", {
    ignoreExcludeLabel: false,
    random,
    metrics: new BgpMetrics(metrics),
    bfdMetrics: new BfdMetrics(metrics),
    requireTtl: false,
  });
  const speaker = new Speaker({
    node: "node",
    lbClass: "",
    ignoreExcludeLabel: false,
    membership: false,
    protocols: [bgp],
    metrics: new SpeakerMetrics(metrics, "node"),
  });
  speaker.setNode("node", { name: "node", labels: {}, networkUnavailable: false, excluded: false }, NOW);
  speaker.setConfig(configOf(peers), NOW);
  for (let index = 0; index < services; index++) {
    speaker.setService(keyOf(index), serviceAt(index), NOW);
    speaker.setEndpoints(keyOf(index), `s${index}`, READY, NOW);
  }
  return speaker;
}
