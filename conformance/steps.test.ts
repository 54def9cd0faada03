import { describe, expect, it } from "vitest";
import { electionOrder } from "./steps.ts";

describe("the order of the election", () => {
  // Winner first, as MetalLB 0.16.1 orders them.
  it.each([
    ["10.0.0.1", ["node-a", "node-b", "node-c"], ["node-b", "node-a", "node-c"]],
    ["10.0.0.2", ["node-a", "node-b", "node-c"], ["node-b", "node-c", "node-a"]],
    ["10.20.30.1", ["edge-a", "edge-b", "worker-a", "worker-b"], ["edge-b", "worker-a", "edge-a", "worker-b"]],
    ["10.20.30.1", ["iris1", "iris2"], ["iris2", "iris1"]],
    ["10.20.30.2", ["iris1", "iris2"], ["iris1", "iris2"]],
  ])("of %s is MetalLB's", (vip, nodes, order) => {
    expect(electionOrder(nodes, vip)).toEqual(order);
  });
});
