import { describe, expect, it } from "vitest";
import { findTopology, shippedTopologies } from "../../topology/find.ts";
import { abandoned } from "./namespaces.ts";
import { unbuildable } from "./network.ts";

describe("topologies on a kernel", () => {
  it("are refused where the kernel or its bridge lacks what they are made of", () => {
    const reasons = Object.fromEntries(
      shippedTopologies().map((name) => [name, unbuildable(findTopology(name), new Set(["bond", "vlan"]))]),
    );
    expect(reasons).toMatchObject({
      "lan-3": undefined,
      "dual-stack": undefined,
      gateway: undefined,
      "vlan-bond": expect.stringContaining("this kernel has no bond interfaces"),
    });
    expect(unbuildable(findTopology("vlan-bond"), new Set())).toBeUndefined();
  });
});

describe("namespaces", () => {
  it("are left behind where their maker is gone, and only ours are", () => {
    const names = ["assay-7-1-lan", "assay-8-1-lan", "assay-x-1-lan", "cni-7-1-lan", "my-assay-7-1-lan"];
    expect(abandoned(names, (pid) => pid === 8)).toEqual(["assay-7-1-lan"]);
  });
});
