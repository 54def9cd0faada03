import { expect, it } from "vitest";
import { endpointsOn } from "../../test-cluster.ts";
import { bgpAdvertisement, TestAdvertiser } from "./test-advertiser.ts";

const COUNT = 10_000;

it("one change among 10,000 Services is one message, and all of them are few", () => {
  const world = new TestAdvertiser({ peers: [] });
  const ads = [bgpAdvertisement()];
  const parts = (at: number) => ({ name: `s${at}`, ips: [`10.20.${at >> 8}.${at & 255}`] });
  for (let at = 0; at < COUNT; at++) world.judge(ads, parts(at));
  const all = world.setPeers("tor1");
  // RFC 4271 section 4.3: 4,096 bytes less 43 of frame and attributes hold 810 prefixes of 32 bits.
  expect(all).toHaveLength(Math.ceil(COUNT / 810));
  expect(world.judge(ads, { ...parts(4711), endpoints: endpointsOn() })).toEqual([
    "noEndpoints",
    "tor1: withdraw 10.20.18.103/32",
  ]);
});
