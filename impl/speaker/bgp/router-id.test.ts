import { expect, it } from "vitest";
import { parseIp } from "../../wire/ip.ts";
import { defaultRouterId } from "./router-id.ts";

it.each([
  ["192.0.2.1", [], "kind-worker", "192.0.2.1"],
  ["2001:db8::1", ["fe80::1", "192.0.2.7", "192.0.2.8"], "kind-worker", "192.0.2.7"],
  // What MetalLB's own test expects.
  ["2001:db8::1", ["fe80::1"], "kind-worker", "192.61.154.117"],
])("a session from %s with %j on the interface of %s has the identifier %s", (local, others, node, id) => {
  expect(
    defaultRouterId(
      parseIp(local),
      others.map((ip) => parseIp(ip)),
      node,
    ),
  ).toBe(id);
});
