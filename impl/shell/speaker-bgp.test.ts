import { describe, expect, it } from "vitest";
import { Cluster, inSystem, type Item } from "./test-cluster.ts";
import { Routers } from "./test-router.ts";
import { type SpeakerOptions } from "./speaker-process.ts";

const peer = (name: string, spec: object = {}): Item => ({
  apiVersion: "metallb.io/v1beta2",
  kind: "BGPPeer",
  metadata: inSystem(name),
  spec: { myASN: 64512, peerASN: 64513, peerAddress: "192.0.2.1", ...spec },
});

const advertisement = (spec: object = {}, annotations: object = {}): Item => ({
  apiVersion: "metallb.io/v1beta1",
  kind: "BGPAdvertisement",
  metadata: inSystem("bgp", { annotations }),
  spec,
});

/** A speaker on n1 that announces 192.0.2.101 to its peers, and the routers that they are. */
class World {
  readonly cluster: Cluster;
  readonly routers: Routers;

  constructor(peers: readonly Item[], options: Partial<SpeakerOptions> = {}) {
    this.cluster = new Cluster(options);
    this.cluster.items["l2advertisements"] = [];
    this.cluster.items["bgpadvertisements"] = [advertisement()];
    this.cluster.items["bgppeers"] = [...peers];
    this.routers = new Routers(this.cluster);
  }

  start(): this {
    this.cluster.start("192.0.2.11/24", "2001:db8::11/64", "fe80::1/64");
    return this;
  }

  heard(): readonly string[] {
    return this.routers.take();
  }
}

describe("BGP in the speaker process", () => {
  it("dials the peers of its node and announces Services to them", () => {
    const world = new World([peer("tor")]).start();
    expect(world.heard()).toEqual([
      "dial 192.0.2.1 ttl=255",
      "192.0.2.1 open as=64512 id=192.0.2.11 hold=180s",
      "192.0.2.1 announce 192.0.2.101/32 via 192.0.2.11, path 64512",
      "192.0.2.1 end 1",
    ]);
    expect(world.cluster.take()).toEqual([
      "openLink",
      "service.announced default/web bgp 192.0.2.101",
      'POST configurationstates ""',
      'POST events nodeAssigned: announcing from node "n1" with protocol "bgp"',
      'POST servicebgpstatuses ""',
      expect.stringMatching(/^PUT configurationstates/),
      'PATCH servicebgpstatuses/bgp-abc/status {"node":"n1","serviceName":"web","serviceNamespace":"default","peers":["tor"]}',
      "bgp.session.up tor 192.0.2.1 192.0.2.11 64513 192.0.2.1 ipv4 90 false",
      'POST events SessionUp: node "n1" has a session with 192.0.2.1',
    ]);
  });
});
