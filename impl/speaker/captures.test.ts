import { expect, it } from "vitest";
import { type Effect } from "../ports.ts";
import { Captures } from "./captures.ts";

const open: Effect = { kind: "openLink", link: "eth0" };
const close: Effect = { kind: "closeLink", link: "eth0" };

it("closes an interface when nobody captures on it any more, and opens it for whoever finds it new", () => {
  const captures = new Captures();
  expect(captures.of("layer2", [open])).toEqual([open]);
  expect(captures.of("bgp", [open])).toEqual([open]);
  expect(captures.of("layer2", [close])).toEqual([]);
  expect(captures.of("layer2", [open])).toEqual([open]);
  expect(captures.of("bgp", [close])).toEqual([]);
  expect(captures.of("layer2", [close])).toEqual([close]);
});
