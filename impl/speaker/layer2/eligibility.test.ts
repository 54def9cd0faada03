import { describe, expect, it } from "vitest";
import { advertisement, node, onNodes } from "../test-cluster.ts";
import { interfacesFor } from "./eligibility.ts";

describe("interfaces on which a node announces", () => {
  const one = ["eth0"];
  const rows = [
    { name: "one advertisement without interfaces", ads: [advertisement()], interfaces: "all" },
    { name: "one with", ads: [advertisement({ interfaces: one })], interfaces: "eth0" },
    {
      name: "the union of several",
      ads: [advertisement({ interfaces: one }), advertisement({ interfaces: ["eth1", "eth0"] })],
      interfaces: "eth0 eth1",
    },
    {
      name: "one without among several",
      ads: [advertisement({ interfaces: one }), advertisement()],
      interfaces: "all",
    },
    {
      name: "only those for this node count",
      ads: [
        advertisement({ interfaces: one, nodeSelectors: onNodes("iris1") }),
        advertisement({ nodeSelectors: onNodes("iris2") }),
      ],
      interfaces: "eth0",
    },
    { name: "none for this node", ads: [advertisement({ nodeSelectors: onNodes("iris2") })], interfaces: "" },
  ];
  it.each(rows)("$name: [$interfaces]", ({ ads, interfaces }) => {
    const found = interfacesFor(ads, node("iris1").labels);
    expect(found === "all" ? found : [...found].sort().join(" ")).toBe(interfaces);
  });
});
