import { describe, expect, it } from "vitest";
import { seconds } from "../../impl/wire/time.ts";
import { findTopology } from "../topology/find.ts";
import { type Ending, type World } from "../world.ts";
import { FaultError, type FaultScope, readFault } from "./fault.ts";

const scope = {
  topology: findTopology("lan-3"),
  players: new Map([["prod-7", "k8s-worker2"]]),
  end: seconds(60),
};

/** A world that writes down what is done to it. */
function notebook(): { readonly world: World; readonly lines: string[] } {
  const lines: string[] = [];
  const act =
    (line: string) =>
    async (...words: readonly unknown[]): Promise<Ending> => {
      lines.push([line, ...words.map((word) => JSON.stringify(word))].join(" "));
      return { end: async () => void lines.push(`${line} ends`) };
    };
  const node = (name: string) =>
    new Proxy({}, { get: (_target, verb) => (verb === "then" ? undefined : act(`${name} ${String(verb)}`)) });
  const part = (name: string) => new Proxy({}, { get: (_target, verb) => act(`${name} ${String(verb)}`) });
  const neighbors = async () => [
    { address: "192.0.2.11", node: "k8s-control-plane" },
    { address: "192.0.2.12", node: "k8s-worker" },
  ];
  const router = (name: string) =>
    new Proxy({ neighbors }, { get: (target, verb) => Reflect.get(target, verb) ?? act(`${name} ${String(verb)}`) });
  const parts = { network: part("network"), api: part("api"), controller: part("controller") };
  const world = { node, router, kubernetes: part("kubernetes"), ...parts };
  return { world: world as unknown as World, lines };
}

const routed = { ...scope, topology: findTopology("bgp-ecmp") };

async function strike(text: string, owner?: string, where: FaultScope = scope): Promise<readonly string[]> {
  const { world, lines } = notebook();
  const { at, lasts, start } = readFault(text, where);
  const { what, ending } = await start(world, () => owner);
  await ending?.end();
  return [`${at / 1e6} s${lasts === undefined ? "" : ` for ${lasts / 1e6} s`}: ${what}`, ...lines];
}

describe("a fault", () => {
  it.each<readonly [string, readonly string[]]>([
    [
      "10s crash node-1",
      ["10 s: crash node-1 (k8s-control-plane)", "k8s-control-plane powerOff", "k8s-control-plane powerOff ends"],
    ],
    [
      "500ms hang prod-7 for 3s",
      ["0.5 s for 3 s: hang prod-7 (k8s-worker2)", "k8s-worker2 hangKernel", "k8s-worker2 hangKernel ends"],
    ],
    [
      "0s kill-speaker owner",
      ["0 s for 2 s: kill-speaker owner (k8s-worker)", "k8s-worker crashSpeaker", "k8s-worker startSpeaker"],
    ],
    [
      "5s pause-speaker node-3",
      ["5 s: pause-speaker node-3 (k8s-worker2)", "k8s-worker2 pauseSpeaker", "k8s-worker2 pauseSpeaker ends"],
    ],
    ["5s cut-api k8s-worker", ["5 s: cut-api k8s-worker", "k8s-worker cutFromApi", "k8s-worker cutFromApi ends"]],
    [
      "5s link-down owner:eth1 for 1s",
      ["5 s for 1 s: link-down owner (k8s-worker):eth1", 'k8s-worker linkDown "eth1"', "k8s-worker linkDown ends"],
    ],
    [
      "5s loss client 2.5%",
      ["5 s: loss client 2.5%", 'network fault {"at":"client","loss":0.025}', "network fault ends"],
    ],
    [
      "5s delay node-2 20ms",
      ["5 s: delay node-2 (k8s-worker) 20ms", 'network fault {"at":"k8s-worker","delay":20000}', "network fault ends"],
    ],
    [
      "5s partition node-1,owner|client for 9s",
      [
        "5 s for 9 s: partition node-1 (k8s-control-plane),owner (k8s-worker)|client",
        'network partition [["k8s-control-plane","k8s-worker"],["client"]]',
        "network partition ends",
      ],
    ],
    ["5s api-outage for 9s", ["5 s for 9 s: api-outage", 'api outage "refuse"', "api outage ends"]],
    ["5s kill-controller", ["5 s for 2 s: kill-controller", "controller crash", "controller start"]],
  ])("%s", async (text, expected) => {
    expect(await strike(text, "k8s-worker")).toEqual(expected);
  });

  it.each<readonly [string, readonly string[]]>([
    ["5s crash tor for 9s", ["5 s for 9 s: crash tor", "tor powerOff", "tor powerOff ends"]],
    [
      "5s crash node-1",
      ["5 s: crash node-1 (k8s-control-plane)", "k8s-control-plane powerOff", "k8s-control-plane powerOff ends"],
    ],
    ["5s kill-router tor", ["5 s for 2 s: kill-router tor", "tor crashDaemons", "tor crashDaemons ends"]],
    ["5s pause-router tor", ["5 s: pause-router tor", "tor pauseDaemons", "tor pauseDaemons ends"]],
    ["5s link-down tor:eth2", ["5 s: link-down tor:eth2", 'tor linkDown "eth2"', "tor linkDown ends"]],
    ["5s clear tor owner", ["5 s: clear tor owner (k8s-worker)", 'tor clear "192.0.2.12" "hard"']],
    [
      "5s restart-speaker node-2 for 1m",
      ["5 s for 60 s: restart-speaker node-2 (k8s-worker)", "k8s-worker stopSpeaker", "k8s-worker startSpeaker"],
    ],
    [
      "5s exclude node-2",
      [
        "5 s: exclude node-2 (k8s-worker)",
        'kubernetes patch "Node" "k8s-worker" {"metadata":{"labels":{"node.kubernetes.io/exclude-from-external-load-balancers":""}}}',
        'kubernetes patch "Node" "k8s-worker" {"metadata":{"labels":{"node.kubernetes.io/exclude-from-external-load-balancers":null}}}',
      ],
    ],
  ])("of a network with routers: %s", async (text, expected) => {
    expect(await strike(text, "k8s-worker", routed)).toEqual(expected);
  });

  it("says whose traffic it concerns", async () => {
    const nodesOf = async (text: string): Promise<readonly string[]> => {
      const { world } = notebook();
      return (await readFault(text, routed).start(world, () => "k8s-worker")).nodes;
    };
    expect(await nodesOf("1s crash owner")).toEqual(["k8s-worker"]);
    expect(await nodesOf("1s crash tor")).toEqual([]);
    expect(await nodesOf("1s partition node-1|client")).toEqual([]);
    expect(await nodesOf("1s clear tor node-3")).toEqual(["k8s-worker2"]);
  });

  it("strikes nobody where nobody holds an address", async () => {
    await expect(strike("5s crash owner")).rejects.toThrow(new FaultError("nobody holds an address at that time"));
  });
});

describe("a fault that cannot be", () => {
  const nodes = "its nodes are k8s-control-plane, k8s-worker, k8s-worker2";
  it.each<readonly [string, string]>([
    ["", "a fault needs a time and a verb; assay simulate --help shows all faults"],
    ["10s", "a fault needs a time and a verb; assay simulate --help shows all faults"],
    ["crash node-1", 'time: "crash" is not a duration such as 90s, 1m30s or 500ms'],
    ["-1s crash node-1", '"-1s" lies before the start'],
    ["60s crash node-1", '"60s" lies after the end of the run (--for 60s)'],
    ["1s crash", '"crash" takes 1 word behind it, not 0; assay simulate --help shows all faults'],
    ["1s crash node-1 node-2", '"crash" takes 1 word behind it, not 2; assay simulate --help shows all faults'],
    ["1s crsh node-1", 'there is no fault "crsh", did you mean crash?; assay simulate --help shows all faults'],
    ["1s teleport node-1", 'there is no fault "teleport"; assay simulate --help shows all faults'],
    ["1s crash node-4", `there is no node "node-4" in lan-3: ${nodes}`],
    ["1s crash k8s-woker", `there is no node "k8s-woker" in lan-3: ${nodes}, did you mean k8s-worker?`],
    ["1s crash client", `client is not a node of the cluster: ${nodes}`],
    ["1s link-down node-1", '"node-1" is not NODE:LINK: k8s-control-plane has eth0, eth1'],
    ["1s link-down node-1:eth9", '"node-1:eth9" is no link of lan-3: k8s-control-plane has eth0, eth1'],
    ["1s loss client 130%", '"130%" is not a percentage such as 30%'],
    ["1s loss client lots", '"lots" is not a percentage such as 30%'],
    ["1s delay client long", 'delay: "long" is not a duration such as 90s, 1m30s or 500ms'],
    ["1s partition node-1", '"node-1" names one group, a partition needs two: A,B|C'],
    ["1s partition node-1|k8s-control-plane", '"node-1|k8s-control-plane" names k8s-control-plane twice'],
    ["1s crash node-1 for", '"for" needs one duration behind it'],
    ["1s crash node-1 for ever", 'for: "ever" is not a duration such as 90s, 1m30s or 500ms'],
    ["1s crash node-1 for 0s", "it must last longer than that"],
  ])("%s", (text, expected) => {
    expect(() => readFault(text, scope)).toThrow(new FaultError(`--fault "${text}": ${expected}`));
  });

  it.each<readonly [string, string]>([
    ["1s crash tor1", `there is no node "tor1" in bgp-ecmp: ${nodes}, its routers tor, did you mean tor?`],
    ["1s kill-router k8s-worker", 'there is no router "k8s-worker" in bgp-ecmp: its routers are tor'],
    ["1s pause-router tr", 'there is no router "tr" in bgp-ecmp: its routers are tor, did you mean tor?'],
    ["1s hang tor", `tor is not a node of the cluster: ${nodes}`],
    ["1s link-down tor:eth9", '"tor:eth9" is no link of bgp-ecmp: tor has eth0, eth1, eth2'],
    ["1s clear tor", '"clear" takes 2 words behind it, not 1; assay simulate --help shows all faults'],
    ["1s clear tor client", `client is not a node of the cluster: ${nodes}`],
  ])("in a network with routers: %s", (text, expected) => {
    expect(() => readFault(text, routed)).toThrow(new FaultError(`--fault "${text}": ${expected}`));
  });

  it("where there are no routers", () => {
    const expected = 'there is no router "tor" in lan-3: it has none';
    expect(() => readFault("1s kill-router tor", scope)).toThrow(
      new FaultError(`--fault "1s kill-router tor": ${expected}`),
    );
  });
});
