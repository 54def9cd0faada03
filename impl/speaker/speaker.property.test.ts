// However a speaker came to know what it knows, it announces the same: what one decides step by step is held against one
// that hears the same facts all at once.
import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type L2Advertisement, type Pool } from "../api/config.ts";
import { type Service } from "../api/kubernetes.ts";
import { type Endpoints } from "./endpoints.ts";
import { type NodeFacts } from "./node-facts.ts";
import { advertisement, endpointsOn, link, node, onNodes, pool, selector, service } from "./test-cluster.ts";
import { TestSpeaker } from "./test-speaker.ts";

const ME = "a";
const NODES = [ME, "b", "c"];
const KEYS = ["default/one", "default/two"];
const POOLS = ["192.0.2.0/28", "198.51.100.0/28"];

interface Facts {
  pools: readonly Pool[];
  readonly services: Map<string, Service>;
  readonly endpoints: Map<string, Endpoints>;
  readonly nodes: Map<string, NodeFacts>;
  members: readonly string[];
}

type Step = (speaker: TestSpeaker, facts: Facts) => void;

const someNodes = fc.subarray(NODES);
const seldom = fc.nat({ max: 4 }).map((draw) => draw === 4);
const advertisements: fc.Arbitrary<L2Advertisement> = fc
  .record({
    on: fc.option(someNodes),
    for: fc.boolean(),
    interfaces: fc.subarray(["eth0", "eth1"]),
    preferred: fc.option(fc.constantFrom(...NODES)),
  })
  .map((parts) =>
    advertisement({
      nodeSelectors: parts.on === null ? [] : onNodes(...parts.on),
      serviceSelectors: parts.for ? [] : [selector("app=web")],
      interfaces: parts.interfaces,
      preferredNodeSelectors:
        parts.preferred === null ? [] : onNodes(parts.preferred).map((preference) => ({ preference, weight: 10 })),
    }),
  );

const setConfig = fc.array(fc.array(advertisements, { maxLength: 2 }), { maxLength: 2 }).map((lists): Step => {
  const pools = lists.map((ads, index) => pool(`pool-${index}`, [POOLS[index] ?? ""], ads));
  return (speaker, facts) => {
    speaker.config(...pools);
    if (!speaker.trace().some((entry) => entry.startsWith("config refused"))) facts.pools = pools;
  };
});

const setService = fc
  .record({
    key: fc.constantFrom(...KEYS),
    gone: seldom,
    ips: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom(["192.0.2.1"], ["192.0.2.2"], ["198.51.100.1"], ["192.0.2.1", "192.0.2.3"]),
      },
      { weight: 1, arbitrary: fc.constantFrom([], ["203.0.113.1"], ["192.0.2.1", "198.51.100.1"]) },
    ),
    labels: fc.constantFrom("app=web", ""),
    annotations: seldom.map((shares) => (shares ? "metallb.io/allow-shared-ip=k" : "")),
    local: fc.boolean(),
  })
  .map(({ key, gone, ips, ...parts }): Step => {
    const value = gone ? undefined : service(ips, { ...parts, name: key.slice("default/".length) });
    return (speaker, facts) => {
      speaker.service(key, value);
      if (value === undefined) facts.services.delete(key);
      else facts.services.set(key, value);
    };
  });

const setEndpoints = fc.tuple(fc.constantFrom(...KEYS), fc.option(someNodes)).map(
  ([key, on]): Step =>
    (speaker, facts) => {
      const endpoints = on === null ? undefined : endpointsOn(...on);
      speaker.endpoints(key, endpoints);
      if (endpoints === undefined) facts.endpoints.delete(key);
      else facts.endpoints.set(key, endpoints);
    },
);

const setNode = fc
  .record({
    name: fc.constantFrom(...NODES),
    gone: seldom,
    unavailable: seldom,
    excluded: seldom,
  })
  .map(
    ({ name, gone, ...parts }): Step =>
      (speaker, facts) => {
        if (gone) {
          speaker.forgetNode(name);
          facts.nodes.delete(name);
          return;
        }
        const value = node(name, parts);
        speaker.nodes(value);
        facts.nodes.set(name, value);
      },
  );

const setMembers = fc.subarray(NODES.slice(1)).map(
  (others): Step =>
    (speaker, facts) => {
      facts.members = [ME, ...others];
      speaker.members(...facts.members);
    },
);

const setLinks = fc.subarray(["eth0", "eth1"]).map(
  (names): Step =>
    (speaker) => {
      speaker.links(...names.map((name, index) => link(name, { index: index + 1 })));
    },
);

const wait = fc.nat({ max: 8 }).map(
  (count): Step =>
    (speaker) =>
      void speaker.wait(count),
);

const announced = (speaker: TestSpeaker): readonly string[] =>
  speaker.metrics.expose().match(/metallb_speaker_announced\{.*/g) ?? [];

/** Of facts that are the same, a speaker that starts now. */
function fresh({ pools, services, endpoints, nodes, members }: Facts): TestSpeaker {
  const speaker = new TestSpeaker(ME)
    .config(...pools)
    .nodes(...nodes.values())
    .members(...members);
  for (const [key, value] of services) speaker.service(key, value);
  for (const [key, value] of endpoints) speaker.endpoints(key, value);
  return speaker.start();
}

/** Every step on the way to a Service that is announced somewhere. */
const BEGINNING: readonly Step[] = [
  (speaker, facts) => {
    facts.pools = POOLS.map((prefix, index) => pool(`pool-${index}`, [prefix], [advertisement()]));
    speaker.config(...facts.pools);
  },
  ...NODES.map(
    (name): Step =>
      (speaker, facts) => {
        facts.nodes.set(name, node(name));
        speaker.nodes(node(name));
      },
  ),
  ...KEYS.map(
    (key, index): Step =>
      (speaker, facts) => {
        const value = service([`192.0.2.${index + 1}`], { name: key.slice("default/".length), labels: "app=web" });
        facts.services.set(key, value);
        facts.endpoints.set(key, endpointsOn(...NODES));
        speaker.service(key, value).endpoints(key, endpointsOn(...NODES));
      },
  ),
];

it("announces what the facts say, in whatever order they came", () => {
  const step = fc.oneof(setConfig, setService, setEndpoints, setNode, setMembers, setLinks, wait);
  const steps = fc.array(step, { minLength: 1, maxLength: 40, size: "max" });
  let announcements = 0;
  fc.assert(
    fc.property(steps, (history) => {
      const facts: Facts = { pools: [], services: new Map(), endpoints: new Map(), nodes: new Map(), members: [ME] };
      const speaker = new TestSpeaker(ME).config().start();
      for (const play of [...BEGINNING, ...history]) {
        play(speaker, facts);
        const found = announced(speaker);
        expect(found).toEqual(announced(fresh(facts)));
        if (found.length > 0) announcements++;
      }
    }),
    { numRuns: 60 },
  );
  expect(announcements).toBeGreaterThan(300);
});
