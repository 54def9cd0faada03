import { describe, expect, it } from "vitest";
import { DecodeError } from "../errors.ts";
import { hex } from "../golden/hex.ts";
import { Reader } from "../reader.ts";
import { Writer } from "../writer.ts";
import {
  community,
  largeCommunity,
  parseCommunity,
  parseLargeCommunity,
  readCommunities,
  readLargeCommunities,
  WELL_KNOWN_COMMUNITIES,
  writeCommunities,
  writeLargeCommunities,
} from "./communities.ts";

/** Sent by FRR for 64512:100, graceful-shutdown and no-export. */
const FRR = hex("fc000064 ffff0000 ffffff01");
/** Sent by FRR. */
const FRR_LARGE = hex("0000fc00 00000001 00000002 fa56ea01 ffffffff 00000000");

describe("Communities", () => {
  it("are two numbers of 16 bits", () => {
    const { gracefulShutdown, noExport } = WELL_KNOWN_COMMUNITIES;
    const values = [community(64512, 100), gracefulShutdown, noExport];
    expect(readCommunities(new Reader(FRR, "communities"))).toEqual(values);
    const writer = new Writer();
    writeCommunities(writer, values);
    expect(writer.finish()).toEqual(FRR);
  });

  it("have the numbers that IANA gave", () => {
    const writer = new Writer();
    writeCommunities(writer, Object.values(WELL_KNOWN_COMMUNITIES));
    expect(writer.finish()).toEqual(hex("ffff0000 ffff029a ffffff01 ffffff02 ffffff03"));
  });

  it("are three numbers of 32 bits where they are large", () => {
    const values = [largeCommunity(64512, 1, 2), parseLargeCommunity("4200000001:4294967295:0")];
    expect(readLargeCommunities(new Reader(FRR_LARGE, "largeCommunities"))).toEqual(values);
    const writer = new Writer();
    writeLargeCommunities(writer, values);
    expect(writer.finish()).toEqual(FRR_LARGE);
  });

  it.each(["0:0", "65535:65535", "64512:100"])("are read from %s", (text) => {
    expect(parseCommunity(text)).toBe(text);
  });

  it.each(["", "1", "1:2:3", "65536:1", "1:65536", "01:1", "1: 2", "-1:2", "1:", "0x1:2", "1:2\n"])(
    "are not %j",
    (text) => {
      expect(() => parseCommunity(text, "x")).toThrow(new DecodeError("x", `"${text}" is not a community`));
    },
  );

  it.each(["", "1:2", "1:2:3:4", "4294967296:1:1", "1:1:4294967296", "1:02:3", "large:1:2:3"])(
    "are not %j where they are large",
    (text) => {
      expect(() => parseLargeCommunity(text, "x")).toThrow(new DecodeError("x", `"${text}" is not a large community`));
    },
  );
});
