import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { schemaProblems } from "./clab-schema.ts";
import { describeTopology } from "./describe.ts";
import { findTopology, shippedTopologies, UnknownTopology } from "./find.ts";
import { MANAGEMENT } from "./load.ts";

const textOf = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../topologies/${name}/topology.clab.yml`, import.meta.url)), "utf8");

describe("the topologies that come with Assay", () => {
  it("are at least what scenarios and the command need", () => {
    expect(shippedTopologies()).toEqual(
      expect.arrayContaining([
        "dual-stack",
        "forgetful-switch",
        "gateway",
        "lan-100",
        "lan-3",
        "two-segments",
        "vlan-bond",
      ]),
    );
  });

  it.each(shippedTopologies())("%s says what it is, and means what golden/ says", async (name) => {
    const topology = findTopology(name);
    expect(topology.name).toBe(name);
    expect(topology.about).toMatch(/^[A-Z].*\.$/);
    await expect(`${describeTopology(topology, MANAGEMENT).join("\n")}\n`).toMatchFileSnapshot(`golden/${name}.txt`);
  });

  it.each(shippedTopologies())("%s is valid for containerlab", (name) => {
    expect(schemaProblems(parse(textOf(name)))).toEqual([]);
  });

  it.each(shippedTopologies())("%s can be deployed: its bridges' ports are interfaces of one host", (name) => {
    const { switches, cables, stations } = findTopology(name);
    const bridges = new Set(switches.map((item) => item.name).filter((bridge) => bridge !== MANAGEMENT));
    const ports = cables.flat().flatMap((plug) => (bridges.has(plug.name) ? [plug.port] : []));
    expect(ports.filter((port, index) => ports.indexOf(port) !== index)).toEqual([]);
    // IFNAMSIZ of linux/if.h is 16 with the zero at the end.
    expect([...bridges, ...ports].filter((text) => text.length > 15)).toEqual([]);
    // Containers take any name for an interface that Linux takes, and eth0 is the management network's.
    const links = stations.flatMap(({ name: station }) =>
      cables.flat().filter((plug) => plug.name === station && !/^eth\d+$/.test(plug.port)),
    );
    expect(links).toEqual([]);
  });
});

describe("containerlab's schema", () => {
  it.each<readonly [string, string, readonly string[]]>([
    [
      "no name",
      "topology: { nodes: { a: { kind: linux } }, links: [{ endpoints: ['a:b', 'c:d'] }] }",
      ["name is missing"],
    ],
    [
      "an unknown field of a node",
      "name: x\ntopology: { nodes: { a: { kind: linux, sysctls: {} } }, links: [{ endpoints: ['a:b', 'c:d'] }] }",
      ["topology.nodes.a: sysctls is not in the schema"],
    ],
    [
      "an unknown kind",
      "name: x\ntopology: { nodes: { a: { kind: router } }, links: [{ endpoints: ['a:b', 'c:d'] }] }",
      ["topology.nodes.a.kind does not fit the schema"],
    ],
    ["no links", "name: x\ntopology: { nodes: {} }", ["topology.links is no list of links"]],
    [
      "one end",
      "name: x\ntopology: { nodes: {}, links: [{ endpoints: ['a:b'] }] }",
      ["topology.links[0].endpoints does not fit the schema"],
    ],
    [
      "other things at the top",
      "name: x\nassay: 1\nmgmt: { ipv4-subnet: x }\ntopology: { nodes: {}, links: [{ endpoints: ['a:b', 'c:d'] }] }",
      ["the file: assay is not in the schema", "mgmt.ipv4-subnet does not fit the schema"],
    ],
  ])("does not let %s pass", (_what, text, expected) => {
    expect(schemaProblems(parse(text))).toEqual(expected);
  });
});

describe("a topology that is not there", () => {
  it("is answered with those that are", () => {
    const names = shippedTopologies().join(", ");
    expect(() => findTopology("lan3")).toThrow(
      new UnknownTopology(
        `there is no topology "lan3" (did you mean lan-3?): give a folder with a topology.clab.yml, or one of ${names}`,
      ),
    );
  });
});
