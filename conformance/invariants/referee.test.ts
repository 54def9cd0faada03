import { describe, expect, it } from "vitest";
import { type KubeObject } from "../../impl/api/kubernetes.ts";
import { type Ip } from "../../impl/wire/ip.ts";
import { type Mac } from "../../impl/wire/mac.ts";
import { seconds } from "../../impl/wire/time.ts";
import { type Observation } from "./invariant.ts";
import { Referee } from "./referee.ts";

const MACS = { a: "02:00:00:00:00:0a" as Mac, b: "02:00:00:00:00:0b" as Mac };
const VIP = "192.0.2.150" as Ip;

function service(name: string, ips: readonly string[], annotations: Readonly<Record<string, string>> = {}): KubeObject {
  const object: KubeObject & { readonly spec: object; readonly status: object } = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default", annotations },
    spec: {},
    status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
  };
  return object;
}

const stored = (object: KubeObject, previous?: KubeObject): Observation => ({
  kind: "object",
  object,
  previous,
  deleted: false,
});
const removed = (object: KubeObject): Observation => ({ kind: "object", object, previous: object, deleted: true });

const claims = (node: "a" | "b", ip: Ip = VIP, over: { readonly mac?: Mac } = {}): Observation => {
  const mac = over.mac ?? MACS[node];
  const claim = { ip, mac, how: "answer", source: MACS[node] } as const;
  return { kind: "claim", claim, node, link: "eth1", segment: "lan", macs: new Set([MACS[node]]) };
};

/** What a referee says of observations, each at its second. */
function judge(history: readonly (readonly [number, Observation])[]): readonly string[] {
  const referee = new Referee({ ownerWindow: seconds(25) });
  for (const [at, observation] of history) referee.observe(observation, seconds(at));
  return referee.violations();
}

const HELD: readonly [number, Observation] = [0, stored(service("web", [VIP]))];

describe("the referee", () => {
  it("knows when two Services hold one address", () => {
    expect(judge([HELD, [1, stored(service("other", [VIP]))]])).toEqual([
      "1s I1: 192.0.2.150 is held by default/web and by default/other, which may not share it",
    ]);
  });

  it("lets Services with the same key share, and not with another", () => {
    const shared = (name: string, key: string): Observation =>
      stored(service(name, [VIP], { "metallb.io/allow-shared-ip": key }));
    expect(
      judge([
        [0, shared("web", "k")],
        [1, shared("other", "k")],
      ]),
    ).toEqual([]);
    expect(
      judge([
        [0, shared("web", "k")],
        [1, shared("other", "l")],
      ]),
    ).toHaveLength(1);
  });

  it("lets an address go to another Service once it is free", () => {
    expect(judge([HELD, [1, removed(service("web", [VIP]))], [2, stored(service("other", [VIP]))]])).toEqual([]);
  });

  it("knows when an address changes though nobody changed anything", () => {
    const change = stored(service("web", ["192.0.2.151"]), service("web", [VIP]));
    expect(judge([HELD, [5, change]])).toEqual([
      "5s I2: default/web had 192.0.2.150 and now has 192.0.2.151, though nobody changed anything",
    ]);
    expect(judge([HELD, [4, { kind: "userAction" }], [5, change]])).toEqual([]);
  });

  it("lets a second family be added without an action", () => {
    const both = stored(service("web", [VIP, "2001:db8::1"]), service("web", [VIP]));
    expect(judge([HELD, [5, both]])).toEqual([]);
  });

  it("knows when two nodes answer in turns", () => {
    const turns = [HELD, [40, claims("a")], [40.5, claims("b")], [41, claims("a")]] as const;
    expect(judge(turns)).toEqual(["41s I3: b and a both answer for 192.0.2.150 on lan"]);
  });

  it("allows that for a while after a disturbance, and a move at any time", () => {
    expect(
      judge([
        HELD,
        [39, { kind: "disturbance", what: "x" }],
        [40, claims("a")],
        [40.5, claims("b")],
        [41, claims("a")],
      ]),
    ).toEqual([]);
    expect(judge([HELD, [40, claims("a")], [40.5, claims("b")], [41, claims("b")]])).toEqual([]);
  });

  it("knows when an address is claimed that no Service has, and allows a moment after its release", () => {
    expect(judge([[1, claims("a")]])).toEqual(["1s I4: a claims 192.0.2.150, which no Service has"]);
    const released = [HELD, [10, removed(service("web", [VIP]))]] as const;
    expect(judge([...released, [12, claims("a")]])).toEqual([]);
    expect(judge([...released, [14, claims("a")]])).toHaveLength(1);
  });

  it("knows when a claim names another interface's MAC", () => {
    expect(judge([HELD, [1, claims("a", VIP, { mac: MACS.b })]])).toEqual([
      "1s B11.10: a claims 192.0.2.150 at 02:00:00:00:00:0b in a frame from 02:00:00:00:00:0a on eth1",
    ]);
  });

  it("knows writes that change nothing", () => {
    expect(judge([[1, { kind: "idleWrite", object: "PUT /x" }]])).toEqual(["1s I7: PUT /x changed nothing"]);
  });

  it("knows when an object is written over and over, by its name or by what it says", () => {
    const times = Array.from({ length: 61 }, (_, index) => index / 2);
    expect(judge(times.map((at) => [at, stored(service("web", []))]))).toEqual([
      "30s B11.12: Service default/web was written 61 times within a minute",
    ]);
    const named = (index: number): Observation =>
      stored({ apiVersion: "v1", kind: "X", metadata: { name: `x-${index}`, generateName: "x-", labels: { a: "b" } } });
    expect(judge(times.map((at, index) => [at, named(index)]))).toHaveLength(1);
    expect(judge(times.map((at) => [at * 3, stored(service("web", []))]))).toEqual([]);
  });

  it("overlooks what is excused until it no longer is", () => {
    const referee = new Referee({ ownerWindow: seconds(25) });
    const end = referee.excuse("I4");
    referee.observe(claims("a"), seconds(1));
    end();
    referee.observe(claims("a"), seconds(2));
    expect(referee.violations()).toEqual(["2s I4: a claims 192.0.2.150, which no Service has"]);
  });
});
