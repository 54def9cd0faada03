import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { UsageError } from "./output.ts";
import { showCommand, type ShowFlags } from "./show.ts";
import { type SimulateFlags, simulateCommand } from "./simulate.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-simulate-bgp-"));
  vi.spyOn(console, "log").mockReturnValue();
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly exitCode: number;
  readonly notes: readonly string[];
  readonly timeline: readonly { readonly seconds: number; readonly kind: string; readonly text: string }[];
  readonly services: readonly {
    readonly owners: readonly string[];
    readonly routed: readonly { readonly peer: string; readonly nodes: readonly string[] }[];
    readonly because: string | null;
  }[];
  readonly bgp: {
    readonly announcements: readonly {
      readonly peer: string;
      readonly node: string;
      readonly told: readonly object[];
      readonly because: string | null;
    }[];
    readonly routes: readonly { readonly router: string; readonly nextHops: readonly { readonly name: string }[] }[];
    readonly forecasts: readonly object[];
  };
  readonly consequences: readonly {
    readonly fault: string;
    readonly routes: readonly { readonly node: string; readonly kept: number; readonly lastedSeconds: number | null }[];
  }[];
}

const CLUSTER = `apiVersion: metallb.io/v1beta1
kind: IPAddressPool
metadata: { name: pool, namespace: metallb-system }
spec: { addresses: [203.0.113.0/24] }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { type: LoadBalancer, selector: { app: web }, ports: [{ port: 80 }] }
---
`;
const peer = (spec = ""): string => `apiVersion: metallb.io/v1beta2
kind: BGPPeer
metadata: { name: tor, namespace: metallb-system }
spec: { myASN: 64500, peerASN: 64501, peerAddress: 192.0.2.1, holdTime: 3s, keepaliveTime: 1s${spec} }
---
`;
const advertisement = (spec = "{}"): string => `apiVersion: metallb.io/v1beta1
kind: BGPAdvertisement
metadata: { name: public, namespace: metallb-system }
spec: ${spec}
`;

function write(...texts: readonly string[]): string {
  const file = join(folder, "manifests.yaml");
  writeFileSync(file, CLUSTER + texts.join(""));
  return file;
}

async function simulate(texts: readonly string[], flags: Partial<SimulateFlags> = {}): Promise<Outcome> {
  const json = join(folder, "report.json");
  const code = await simulateCommand({ file: [write(...texts)], fault: [], for: "4s", seed: "1", json, ...flags });
  const outcome: Outcome = JSON.parse(readFileSync(json, "utf8"));
  expect(code).toBe(outcome.exitCode);
  return outcome;
}

describe("assay simulate with BGP", () => {
  it("tells the story of a crash behind a router", async () => {
    const outcome = await simulate([peer(), advertisement("{ communities: ['64500:123'] }")], {
      fault: ["4s crash node-1"],
      for: "9s",
    });
    expect(outcome.notes[0]).toBe("the routers that the BGPPeers ask for are in bgp-one-router: simulated there");
    const story = outcome.timeline.filter(({ kind }) => ["session", "route", "fault"].includes(kind));
    expect(story.map(({ text }) => text)).toEqual([
      "k8s-control-plane: session with tor (192.0.2.1) is up: AS 64501, hold time 3 s",
      "k8s-worker: session with tor (192.0.2.1) is up: AS 64501, hold time 3 s",
      "k8s-worker2: session with tor (192.0.2.1) is up: AS 64501, hold time 3 s",
      "router sends 203.0.113.0/32 (default/web) to k8s-control-plane, k8s-worker, k8s-worker2",
      "crash node-1 (k8s-control-plane)",
      "k8s-control-plane: no speaker runs any more, and no session with tor (192.0.2.1)",
      "router sends 203.0.113.0/32 (default/web) no longer to k8s-control-plane: 2 ways left",
    ]);
    // RFC 4271 section 6.5: what the dead node told goes with the hold timer, which its last message began.
    const [left] = outcome.consequences[0]?.routes ?? [];
    expect(left).toMatchObject({ node: "k8s-control-plane", kept: 0 });
    expect(left?.lastedSeconds).toBeGreaterThan(2);
    expect(left?.lastedSeconds).toBeLessThan(3.5);
    expect(outcome.exitCode).toBe(0);
    expect(outcome.services).toMatchObject([
      { owners: [], routed: [{ peer: "tor", nodes: ["k8s-worker", "k8s-worker2"] }], because: null },
    ]);
    expect(outcome.bgp.routes.map(({ router, nextHops }) => [router, nextHops.map(({ name }) => name)])).toEqual([
      ["router", ["k8s-worker", "k8s-worker2"]],
    ]);
    expect(outcome.bgp.announcements.find(({ node }) => node === "k8s-worker")?.told).toMatchObject([
      { prefix: "203.0.113.0/32", nextHop: "192.0.2.12", asPath: [64500], communities: ["64500:123"] },
    ]);
    // Of the three next hops that there were before the fault.
    expect(outcome.bgp.forecasts.map((each) => Object(each).nodes.length)).toEqual([3, 3, 3]);
  });

  it.each<readonly [string, readonly string[], string]>([
    [
      "the router refuses the AS number",
      [peer().replace("64501", "64999"), advertisement()],
      "BGPPeer tor: the session is in Idle: sent OPEN Message Error/Bad Peer AS (AS 64501 instead of 64999)",
    ],
    [
      "no peer is meant",
      [peer(), advertisement("{ peers: [other] }")],
      "BGPPeer tor: the peer is not among the peers of its BGPAdvertisements",
    ],
    [
      "no node is meant",
      [peer(), advertisement("{ nodeSelectors: [{ matchLabels: { rack: b } }] }")],
      "no BGPAdvertisement of its pool is for this node",
    ],
    [
      "the peer is for other nodes",
      [peer(", nodeSelectors: [{ matchLabels: { rack: b } }]"), advertisement()],
      "BGPPeer tor: the nodeSelectors of the BGPPeer leave this node out",
    ],
  ])("says why nobody is told: %s", async (_what, texts, because) => {
    const outcome = await simulate(texts);
    expect(outcome.services.map((each) => each.because)).toEqual([because]);
    expect(outcome.exitCode).toBe(1);
  });

  it("says that a peer is nowhere", async () => {
    const { notes, services } = await simulate([peer().replace("192.0.2.1", "10.0.0.1"), advertisement()]);
    expect(notes[0]).toContain("BGP has nobody to talk to on lan-3");
    expect(services[0]?.because).toBe("BGPPeer tor: the session is in Idle: connection lost: ENETUNREACH");
  });
});

describe("assay show", () => {
  const show = async (what: string, flags: Partial<ShowFlags> = {}): Promise<number> =>
    showCommand(what, { file: [write(peer(), advertisement())], fault: [], seed: "1", at: "3s", ...flags });

  it("gives all that speakers tell as JSON", async () => {
    const json = join(folder, "show.json");
    expect(await show("bgp", { json, node: "node-2" })).toBe(0);
    expect(JSON.parse(readFileSync(json, "utf8"))).toMatchObject([
      {
        node: "k8s-worker",
        peers: [{ name: "tor", state: "established", routes: [{ prefix: "203.0.113.0/32", nextHop: "192.0.2.12" }] }],
        services: [{ service: "default/web", announced: true, peers: ["tor"] }],
        members: [{ name: "k8s-control-plane" }, { name: "k8s-worker" }, { name: "k8s-worker2" }],
      },
    ]);
  });

  it("says where there is nobody to ask", async () => {
    expect(await show("members", { fault: ["1s crash node-3"] })).toBe(1);
    expect(vi.mocked(console.log).mock.calls.at(-1)).toEqual(["no speaker runs on k8s-worker2"]);
  });

  it.each<readonly [string, string, Partial<ShowFlags>, string]>([
    [
      "what there is not",
      "member",
      {},
      'there is nothing called "member" to show, only bgp, bfd, l2, members, did you mean members?',
    ],
    [
      "a node that is not there",
      "bgp",
      { node: "x" },
      "--node x: the nodes of bgp-one-router are k8s-control-plane, k8s-worker, k8s-worker2",
    ],
    ["a time that is none", "bgp", { at: "noon" }, '--at: "noon" is not a duration such as 90s, 1m30s or 500ms'],
    ["no manifests", "bgp", { file: [] }, "nothing to simulate: give manifests with -f, or --demo for the sample"],
  ])("does not begin with %s", async (_what, what, flags, message) => {
    await expect(show(what, flags)).rejects.toThrow(new UsageError(message));
  });
});
