// An Advertiser on the node iris1 whose peers write down what they hear.
import { type BgpAdvertisement, type Pool } from "../../../api/config.ts";
import { parseIp } from "../../../wire/ip.ts";
import { seconds } from "../../../wire/time.ts";
import { type Endpoints } from "../../endpoints.ts";
import { type NodeFacts } from "../../node-facts.ts";
import { endpointsOn, node, pool, service } from "../../test-cluster.ts";
import { type Subject } from "../../subject.ts";
import { BOTH, DUAL, inWords, outSession } from "../test-peer.ts";
import { Advertiser } from "./advertiser.ts";

export function bgpAdvertisement(parts: Partial<BgpAdvertisement> = {}): BgpAdvertisement {
  return {
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
    ...parts,
  };
}

export function bgpPool(...bgpAdvertisements: readonly BgpAdvertisement[]): Pool {
  return { ...pool("pool", ["10.20.30.0/24", "2001:db8:1::/64"], []), bgpAdvertisements };
}

export interface SubjectParts {
  readonly ips?: readonly string[];
  readonly name?: string;
  readonly labels?: string;
  readonly local?: boolean;
  readonly endpoints?: Endpoints;
}

export function subject(ads: readonly BgpAdvertisement[], parts: SubjectParts = {}): Subject {
  const { ips = ["10.20.30.1"], name = "web", endpoints = endpointsOn("iris1") } = parts;
  return {
    key: `default/${name}`,
    service: service(ips, { name, labels: parts.labels ?? "", local: parts.local ?? false }),
    ips: ips.map((ip) => parseIp(ip)),
    pool: bgpPool(...ads),
    endpoints,
  };
}

export class TestAdvertiser {
  readonly advertiser: Advertiser;
  me: NodeFacts = node("iris1");
  readonly #peers = new Set<string>();

  constructor(options: { peers?: readonly string[]; ignoreExcludeLabel?: boolean } = {}) {
    this.advertiser = new Advertiser(options.ignoreExcludeLabel ?? false);
    this.setPeers(...(options.peers ?? ["tor1"]));
  }

  /** Sessions with them come up at once. */
  setPeers(...names: readonly string[]): readonly string[] {
    this.advertiser.setPeers(new Set(names));
    for (const name of names) {
      if (!this.#peers.has(name)) this.advertiser.rib(name)?.up(outSession({ families: BOTH }, DUAL), seconds(0));
    }
    this.#peers.clear();
    for (const name of names) this.#peers.add(name);
    return this.heard();
  }

  judge(ads: readonly BgpAdvertisement[], parts: SubjectParts = {}): readonly string[] {
    const verdict = this.advertiser.judge(subject(ads, parts), this.me);
    const heard = this.heard();
    return verdict.announce ? heard : [verdict.because, ...heard];
  }

  withdraw(name = "web"): readonly string[] {
    this.advertiser.withdraw(`default/${name}`);
    return this.heard();
  }

  /** What each peer hears now, but for the End-of-RIB. */
  heard(): readonly string[] {
    return [...this.#peers].flatMap((peer) =>
      (this.advertiser.rib(peer)?.take(seconds(0)).messages ?? [])
        .map((bytes) => inWords(bytes))
        .filter((words) => !words.startsWith("end"))
        .map((words) => `${peer}: ${words.replace(", path 64512", "")}`),
    );
  }
}
