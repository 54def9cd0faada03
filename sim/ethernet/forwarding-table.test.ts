import { describe, expect, it } from "vitest";
import { parseMac } from "../../impl/wire/mac.ts";
import { seconds } from "../../impl/wire/time.ts";
import { ForwardingTable } from "./forwarding-table.ts";

const A = parseMac("02:00:00:00:00:0a");
const B = parseMac("02:00:00:00:00:0b");

describe("ForwardingTable", () => {
  it("sweeps a station that was last seen at the very moment, and says so by VLAN and address", () => {
    const table = new ForwardingTable();
    table.learn(2, A, "p1", seconds(1));
    table.learn(1, B, "p2", seconds(1));
    table.learn(1, A, "p1", seconds(2));
    expect(table.sweep(seconds(1)).map(({ vlan, mac }) => [vlan, mac])).toEqual([
      [1, B],
      [2, A],
    ]);
    expect([table.oldest(), table.portOf(1, A), table.portOf(2, A)]).toEqual([seconds(2), "p1", undefined]);
  });

  it("says what it did with each frame's source", () => {
    const table = new ForwardingTable({ most: 1, within: seconds(10), frozenFor: seconds(5) });
    const steps = [
      [0, "p1"],
      [1, "p1"],
      [2, "p2"],
      [3, "p1"],
      [7, "p1"],
      [7, "p2"],
      [9, "p1"],
      [20, "p2"],
      [31, "p1"],
    ] as const;
    expect(steps.map(([time, port]) => table.learn(1, A, port, seconds(time)))).toEqual([
      "learned",
      "refreshed",
      "moved",
      "frozen",
      "frozen",
      "refreshed",
      "moved",
      "moved",
      "moved",
    ]);
  });
});
