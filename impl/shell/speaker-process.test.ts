import { describe, expect, it } from "vitest";
import { parseIp } from "../wire/ip.ts";
import { encodeMembers } from "../wire/members.ts";
import { micros, millis, seconds } from "../wire/time.ts";
import { Cluster, inSystem, type Item, MAC } from "./test-cluster.ts";

const MEMBERS = { bindAddress: parseIp("192.0.2.11"), bindPort: 7946, labels: "component=speaker", wan: false };

describe("the speaker process", () => {
  it("announces once everything has been listed, and writes status, event and ConfigurationState once", () => {
    const cluster = new Cluster().start();
    expect(cluster.take()).toEqual([
      "openLink",
      "eth0 arp request 00:00:00:00:00:00",
      "eth0 arp reply 02:00:00:00:00:0a",
      "service.announced default/web layer2 192.0.2.101",
      'POST configurationstates ""',
      'POST events nodeAssigned: announcing from node "n1" with protocol "layer2"',
      'POST servicel2statuses ""',
      expect.stringMatching(
        /^PUT configurationstates\/speaker-n1\/status .*"result":"Valid".*"type":"configReconcilerValid","status":"True"/,
      ),
      'PATCH servicel2statuses/l2-abc/status {"node":"n1","serviceName":"web","serviceNamespace":"default","interfaces":[]}',
    ]);
    expect(
      cluster
        .wait(seconds(3))
        .take()
        .filter((entry) => !entry.startsWith("eth0")),
    ).toEqual([]);
    expect(cluster.items["servicel2statuses"]?.[0]?.metadata).toMatchObject({
      generateName: "l2-",
      namespace: "metallb-system",
      labels: { "metallb.io/node": "n1", "metallb.io/service-name": "web", "metallb.io/service-namespace": "default" },
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "speaker-1", uid: "uid-speaker-1" }],
    });
  });

  it("keeps answering when the API server is gone", () => {
    const cluster = new Cluster().start().wait(seconds(10));
    cluster.take();
    cluster.reachable = false;
    cluster.wait(seconds(600)).take();
    expect(cluster.ask().take()).toEqual(["eth0 arp reply 02:00:00:00:00:c1"]);
  });

  it("keeps the last good configuration when the new one is wrong, and says what is wrong", () => {
    const cluster = new Cluster().start().wait(seconds(10));
    cluster.take();
    const [pool] = cluster.items["ipaddresspools"] ?? [];
    if (pool === undefined) throw new Error("no pool");
    cluster.change("ipaddresspools", "MODIFIED", { ...pool, spec: { addresses: ["192.0.2.96-192.0.2.1"] } });
    const [log, write, ...more] = cluster.take();
    expect(more).toEqual([]);
    expect(log).toMatch(/^config.invalid configuration error: /);
    expect(write).toMatch(/^PUT configurationstates\/speaker-n1\/status .*"result":"Invalid"/);
    expect(cluster.process.metrics.expose()).toContain("metallb_k8s_client_config_stale_bool 1\n");
    expect(cluster.ask().take()).toEqual(["eth0 arp reply 02:00:00:00:00:c1"]);
    cluster.change("ipaddresspools", "MODIFIED", pool);
    expect(cluster.process.metrics.expose()).toContain("metallb_k8s_client_config_stale_bool 0\n");
  });

  it("waits with a configuration that orphans an announced address until the controller has cleared it", () => {
    const cluster = new Cluster().start().wait(seconds(10));
    cluster.take();
    const [pool] = cluster.items["ipaddresspools"] ?? [];
    const [web] = cluster.items["services"] ?? [];
    if (pool === undefined || web === undefined) throw new Error("no objects");
    cluster.change("ipaddresspools", "DELETED", pool);
    expect(cluster.take()).toEqual([
      "config.waiting Service default/web is announced with an address that no pool has any more",
    ]);
    expect(cluster.ask().take()).toEqual(["eth0 arp reply 02:00:00:00:00:c1"]);
    cluster.change("services", "MODIFIED", { ...web, status: { loadBalancer: {} } });
    expect(cluster.take()).toEqual([
      "service.withdrawn default/web layer2 noIpAllocated",
      'DELETE servicel2statuses/l2-abc ""',
    ]);
    expect(cluster.process.metrics.expose()).toContain("metallb_k8s_client_config_stale_bool 0\n");
    expect(cluster.ask().take()).toEqual([]);
  });

  it("forgets a configuration that waits as soon as there is another one, though that is wrong", () => {
    const cluster = new Cluster().start().wait(seconds(10));
    const [pool] = cluster.items["ipaddresspools"] ?? [];
    const [web] = cluster.items["services"] ?? [];
    if (pool === undefined || web === undefined) throw new Error("no objects");
    cluster.change("ipaddresspools", "MODIFIED", { ...pool, spec: { addresses: ["198.51.100.0/24"] } });
    cluster.change("ipaddresspools", "MODIFIED", { ...pool, spec: { addresses: ["all of them"] } });
    cluster.take();
    cluster.change("services", "MODIFIED", { ...web, status: { loadBalancer: {} } });
    expect(cluster.take()).toEqual([
      "service.withdrawn default/web layer2 noIpAllocated",
      'DELETE servicel2statuses/l2-abc ""',
    ]);
    expect(cluster.process.metrics.expose()).toContain("metallb_k8s_client_config_stale_bool 1\n");
  });

  it("takes a slice without endpoints as Go writes it, and a slice that moves to another Service", () => {
    const cluster = new Cluster().start().wait(seconds(10));
    const [slice] = cluster.items["endpointslices"] ?? [];
    if (slice === undefined) throw new Error("no slice");
    cluster.take();
    cluster.change("endpointslices", "MODIFIED", { ...slice, endpoints: null });
    expect(cluster.take()[0]).toBe("service.withdrawn default/web layer2 noServingEndpoint");
    cluster.change("endpointslices", "MODIFIED", slice);
    cluster.take();
    const labels = { "kubernetes.io/service-name": "mail" };
    cluster.change("endpointslices", "MODIFIED", { ...slice, metadata: { ...slice.metadata, labels } });
    expect(cluster.take()[0]).toBe("service.withdrawn default/web layer2 noServingEndpoint");
  });

  it("does not parse again because the controller counted addresses in the status of a pool", () => {
    const cluster = new Cluster().start().wait(seconds(10));
    cluster.take();
    const [pool] = cluster.items["ipaddresspools"] ?? [];
    if (pool === undefined) throw new Error("no pool");
    cluster.change("ipaddresspools", "MODIFIED", { ...pool, status: { assignedIPv4: 1 } });
    expect(cluster.wait(seconds(10)).take()).toEqual([]);
  });

  it("removes what an earlier life and the node before it left", () => {
    const cluster = new Cluster();
    const left = (name: string, node: string, service: string): Item => ({
      apiVersion: "metallb.io/v1beta1",
      kind: "ServiceL2Status",
      metadata: inSystem(name, {
        labels: {
          "metallb.io/node": node,
          "metallb.io/service-name": service,
          "metallb.io/service-namespace": "default",
        },
      }),
      status: { node, serviceName: service, serviceNamespace: "default", interfaces: [] },
    });
    cluster.items["servicel2statuses"] = [
      left("l2-1", "n1", "web"),
      left("l2-2", "n2", "web"),
      left("l2-3", "n1", "gone"),
      left("l2-4", "n2", "mail"),
    ];
    cluster.start();
    expect(cluster.take().filter((entry) => entry.includes("servicel2statuses"))).toEqual([
      'DELETE servicel2statuses/l2-3 ""',
      'DELETE servicel2statuses/l2-2 ""',
    ]);
  });

  it("does not fight with another announcer over the status, but restores its own", () => {
    const cluster = new Cluster().start().wait(seconds(10));
    cluster.take();
    const labels = {
      "metallb.io/node": "n2",
      "metallb.io/service-name": "web",
      "metallb.io/service-namespace": "default",
    };
    const kind = { apiVersion: "metallb.io/v1beta1", kind: "ServiceL2Status" };
    cluster.change("servicel2statuses", "ADDED", { ...kind, metadata: inSystem("l2-of-n2", { labels }) });
    expect(cluster.take()).toEqual([]);
    const [own] = cluster.items["servicel2statuses"] ?? [];
    if (own === undefined) throw new Error("no status");
    cluster.items["servicel2statuses"] = [];
    cluster.change("servicel2statuses", "DELETED", own);
    expect(cluster.take().map((entry) => entry.split(" ").slice(0, 2).join(" "))).toEqual([
      "POST servicel2statuses",
      "PATCH servicel2statuses/l2-abc/status",
    ]);
  });

  it("stays silent on a link that came back until it has asked the others, but not for longer than two seconds", () => {
    const cluster = new Cluster({ members: MEMBERS }).start().wait(seconds(10));
    cluster.take();
    const link = {
      index: 1,
      name: "eth0",
      mac: MAC,
      addresses: [],
      mtu: 1500,
      up: true,
      broadcast: true,
      noArp: false,
      master: undefined,
    };
    cluster
      .deliver({ kind: "links", links: [{ ...link, running: false }] })
      .wait(seconds(20))
      .take();
    cluster.deliver({ kind: "links", links: [{ ...link, running: true }] }).ask();
    expect(
      cluster
        .wait(millis(1999))
        .take()
        .filter((entry) => entry.startsWith("eth0")),
    ).toEqual([]);
    expect(cluster.wait(millis(1)).take()).toEqual([
      "eth0 arp request 00:00:00:00:00:00",
      "eth0 arp reply 02:00:00:00:00:0a",
    ]);
  });

  it("announces nothing before it has looked for the other speakers", () => {
    const cluster = new Cluster({ members: MEMBERS }).start();
    // speaker-2 is there according to its Pod, but nobody connects this test's streams.
    expect(cluster.wait(millis(1999)).take()).toEqual([
      "openLink",
      "openDatagrams",
      "listen",
      "members.unencrypted none",
      "connect",
      'POST configurationstates ""',
      expect.stringMatching(/^PUT configurationstates/),
    ]);
    expect(cluster.wait(millis(1)).take().slice(0, 3)).toEqual([
      "eth0 arp request 00:00:00:00:00:00",
      "eth0 arp reply 02:00:00:00:00:0a",
      "service.announced default/web layer2 192.0.2.101",
    ]);
  });

  it("says goodbye, stops answering, and ends", () => {
    const alone = new Cluster().start();
    alone.take();
    expect(alone.deliver({ kind: "stop" }).take()).toEqual(["exit"]);
    const cluster = new Cluster({ members: MEMBERS }).start().wait(seconds(10));
    cluster.take();
    cluster.deliver({ kind: "stop" }).ask();
    expect(cluster.wait(millis(399)).take()).toEqual(["member.left n1 left"]);
    expect(cluster.wait(millis(1)).take()).toEqual(["exit"]);
  });

  it("begins nothing any more once it has been told to stop", () => {
    const cluster = new Cluster({ members: MEMBERS }).start().wait(millis(1900));
    cluster.take();
    cluster.deliver({ kind: "stop" });
    expect(cluster.wait(millis(400)).take()).toEqual(["member.left n1 left", "exit"]);
  });

  it("is no member before it knows the cluster, since the others take a member for a candidate", () => {
    const cluster = new Cluster({ members: MEMBERS });
    cluster.reachable = false;
    expect(cluster.start().wait(seconds(29)).take()).toEqual(["openLink"]);
    cluster.reachable = true;
    expect(cluster.wait(seconds(5)).take()).toEqual(expect.arrayContaining(["openDatagrams", "listen", "connect"]));
  });

  it("does not answer for what it may have lost in its sleep", () => {
    const cluster = new Cluster({ members: MEMBERS }).start().wait(seconds(10));
    // A member that is there, so that there is somebody to ask.
    const alive = {
      kind: "alive",
      node: "n2",
      incarnation: 1,
      address: parseIp("192.0.2.12"),
      port: 7946,
      meta: new Uint8Array(0),
      versions: [1, 5, 2, 0, 0, 0],
    } as const;
    cluster.deliver({
      kind: "datagram",
      socket: "members",
      from: { ip: alive.address, port: 7946 },
      bytes: encodeMembers(alive),
    });
    expect(cluster.ask().take().at(-1)).toBe("eth0 arp reply 02:00:00:00:00:c1");
    cluster.now = micros(cluster.now + seconds(6));
    expect(cluster.ask().take()).toEqual([expect.stringMatching(/^speaker.slept 5/), "connect"]);
    // Nobody answers; then the other one is given up, and there is nobody left to ask.
    expect(
      cluster
        .wait(seconds(8))
        .take()
        .filter((entry) => !/^(connect|closeStream)$/.test(entry))
        .slice(0, 3),
    ).toEqual([
      "member.left n2 declaredDead",
      "eth0 arp request 00:00:00:00:00:00",
      "eth0 arp reply 02:00:00:00:00:0a",
    ]);
    expect(cluster.ask().take()).toEqual(["eth0 arp reply 02:00:00:00:00:c1"]);
  });
});
