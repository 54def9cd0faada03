// RFC 1997 and RFC 8092; the well-known values are those of the IANA registry of BGP communities.
import { describe, expect, it } from "vitest";
import { compareCommunities, formatCommunity, parseCommunity, readCommunity } from "./community.ts";

describe("the text of a community", () => {
  it.each([
    ["65535:65282", { kind: "standard", parts: [65535, 65282] }],
    ["0:0", { kind: "standard", parts: [0, 0] }],
    ["0123:4", { kind: "standard", parts: [123, 4] }],
    ["large:4294967295:0:1", { kind: "large", parts: [4294967295, 0, 1] }],
  ])("%s is a value", (text, value) => {
    expect(readCommunity(text)).toEqual({ kind: "value", value });
  });

  it.each([
    ["", "notACommunity", "invalid community format: "],
    ["no-export", "notACommunity", "invalid community format: no-export"],
    ["1:2:3", "notACommunity", "invalid community format: 1:2:3"],
    ["large:1:2:3:4", "notACommunity", "invalid community format: large:1:2:3:4"],
    [
      "65536:0",
      "invalid",
      'invalid community value: invalid section "65536" of community "65536:0", must be a number from 0 to 65535',
    ],
    [
      "-1:0",
      "invalid",
      'invalid community value: invalid section "-1" of community "-1:0", must be a number from 0 to 65535',
    ],
    [
      "1:",
      "invalid",
      'invalid community value: invalid section "" of community "1:", must be a number from 0 to 65535',
    ],
    [
      "1:0x5",
      "invalid",
      'invalid community value: invalid section "0x5" of community "1:0x5", must be a number from 0 to 65535',
    ],
    [
      "large:1:2:4294967296",
      "invalid",
      'invalid community value: invalid section "4294967296" of community "large:1:2:4294967296", must be a number from 0 to 4294967295',
    ],
    [
      "lar:1:2:3",
      "invalid",
      'invalid community value: invalid marker for large community, expected community to be of format large:<uint32>:<uint32>:<uint32> but got "lar:1:2:3" instead',
    ],
  ])("%s is %s", (text, kind, problem) => {
    expect(readCommunity(text)).toEqual({ kind, problem });
  });
});

it("orders standard communities among large ones by their 32 bits", () => {
  const texts = ["large:65536:0:1", "1:0", "0:1", "large:1:0:0", "large:0:9:9", "1:1", "large:65536:0:0"];
  const sorted = texts.map((text) => parseCommunity(text)).toSorted(compareCommunities);
  // 0:1 is (1, 0, 0) as large:1:0:0 is, and 1:0 is (65536, 0, 0) as large:65536:0:0 is: equals keep their order.
  expect(sorted.map(formatCommunity)).toEqual([
    "large:0:9:9",
    "0:1",
    "large:1:0:0",
    "1:0",
    "large:65536:0:0",
    "large:65536:0:1",
    "1:1",
  ]);
});
