import { describe, expect, it } from "vitest";
import { type BgpAdvertisement } from "../../../api/config.ts";
import { type NodeFacts } from "../../node-facts.ts";
import { endpointsOn, node, onNodes, selector } from "../../test-cluster.ts";
import { type BgpRefusal, eligibilityOf } from "./eligibility.ts";
import { bgpAdvertisement, subject, type SubjectParts } from "./test-advertiser.ts";

function judge(
  ads: readonly BgpAdvertisement[],
  parts: SubjectParts = {},
  me: NodeFacts | undefined = node("iris1"),
  ignoreExcludeLabel = false,
): BgpRefusal | "announce" {
  const eligibility = eligibilityOf(subject(ads, parts), me, ignoreExcludeLabel);
  return eligibility.eligible ? "announce" : eligibility.because;
}

describe("the order in which a node asks whether it announces", () => {
  // Each row mends what the one above it was refused for; everything below is wrong in all of them.
  const wrong = { local: true, endpoints: endpointsOn(), labels: "app=other" };
  const away = bgpAdvertisement({ nodeSelectors: onNodes("iris2") });
  const ofOthers = bgpAdvertisement({ serviceSelectors: [selector("app=web")] });
  const a = bgpAdvertisement({ name: "a", localPref: 1 });
  const b = bgpAdvertisement({ name: "b", localPref: 2 });
  const ill = node("iris1", { unavailable: true, excluded: true });
  it.each<[BgpRefusal | "announce", readonly BgpAdvertisement[], SubjectParts, NodeFacts | undefined]>([
    ["notOwner", [], wrong, ill],
    ["notOwner", [away], wrong, ill],
    ["noMatchingAdvertisement", [away, ofOthers], wrong, ill],
    ["conflictingAdvertisements", [a, b], wrong, ill],
    ["nodeNetworkUnavailable", [a], wrong, ill],
    ["nodeLabeledExcludeBalancers", [a], wrong, node("iris1", { excluded: true })],
    ["noLocalEndpoints", [a], wrong, node("iris1")],
    ["noLocalEndpoints", [a], { local: true, endpoints: endpointsOn("iris2") }, node("iris1")],
    ["noEndpoints", [a], { endpoints: endpointsOn() }, node("iris1")],
    ["announce", [a], { endpoints: endpointsOn("iris2") }, node("iris1")],
    ["announce", [a], { local: true, endpoints: endpointsOn("iris1", "iris2") }, node("iris1")],
  ])("%s", (expected, ads, parts, me) => {
    expect(judge(ads, parts, me)).toBe(expected);
  });

  it("a node that is not known announces nothing", () => {
    expect(eligibilityOf(subject([a]), undefined, false)).toEqual({ eligible: false, because: "notOwner" });
  });

  it.each([
    [false, false, "announce"],
    [false, true, "announce"],
    [true, false, "nodeLabeledExcludeBalancers"],
    [true, true, "announce"],
  ])("excluded %s, label ignored %s: %s", (excluded, ignored, expected) => {
    expect(judge([a], {}, node("iris1", { excluded }), ignored)).toBe(expected);
  });
});

describe("advertisements that cover some Services", () => {
  const web = bgpAdvertisement({ serviceSelectors: [selector("app=web")] });
  const either = bgpAdvertisement({ serviceSelectors: [selector("app=web"), selector("app=db")] });
  const here = bgpAdvertisement({ serviceSelectors: [selector("app=web")], nodeSelectors: onNodes("iris1") });
  const there = bgpAdvertisement({ serviceSelectors: [selector("app=web")], nodeSelectors: onNodes("iris2") });
  it.each([
    ["without selectors", [bgpAdvertisement()], "app=db", "announce"],
    ["matching", [web], "app=web", "announce"],
    ["not matching", [web], "app=db", "noMatchingAdvertisement"],
    ["any of several", [either], "app=db", "announce"],
    ["with the node", [here], "app=web", "announce"],
    ["of another node", [there], "app=web", "notOwner"],
    [
      "one for the Service, another for the node",
      [there, bgpAdvertisement({ serviceSelectors: [selector("app=db")] })],
      "app=web",
      "noMatchingAdvertisement",
    ],
  ])("%s", (_, ads, labels, expected) => {
    expect(judge(ads, { labels })).toBe(expected);
  });
});

describe("preferences that conflict", () => {
  const on = (...names: readonly string[]): Partial<BgpAdvertisement> => ({ nodeSelectors: onNodes(...names) });
  const to = (...peers: readonly string[]): Partial<BgpAdvertisement> => ({ peers });
  const ok = "announce";
  const conflict = "conflictingAdvertisements";
  it.each<[string, Partial<BgpAdvertisement>, Partial<BgpAdvertisement>, string]>([
    ["the same preference", { localPref: 2 }, { localPref: 2 }, ok],
    [
      "the same preference, nodes and peers",
      { localPref: 2, ...on("iris1"), ...to("a") },
      { localPref: 2, ...on("iris1"), ...to("a") },
      ok,
    ],
    ["other nodes", on("iris1"), { localPref: 2, ...on("iris2") }, ok],
    ["no node at all", on("iris1"), { localPref: 2, ...on("nowhere") }, ok],
    ["other nodes, the same peer", { ...on("iris1"), ...to("a") }, { localPref: 2, ...on("iris2"), ...to("a") }, ok],
    ["other peers", to("a"), { localPref: 2, ...to("b") }, ok],
    ["other peers, the same node", { ...on("iris1"), ...to("a") }, { localPref: 2, ...on("iris1"), ...to("b") }, ok],
    ["other prefixes", {}, { localPref: 2, aggregationLength: 24 }, ok],
    ["everywhere to all", {}, { localPref: 2 }, conflict],
    ["the same node", on("iris1"), { localPref: 2, ...on("iris1") }, conflict],
    ["some nodes in common", on("iris1", "iris2"), { localPref: 2, ...on("iris1", "iris3") }, conflict],
    ["everywhere and on one node", {}, { localPref: 2, ...on("iris1") }, conflict],
    ["the same peer", to("a"), { localPref: 2, ...to("a") }, conflict],
    ["some peers in common", to("a", "b"), { localPref: 2, ...to("b", "c") }, conflict],
    ["all peers and one", {}, { localPref: 2, ...to("a") }, conflict],
    ["one peer and all", to("a"), { localPref: 2 }, conflict],
    ["one family of two the same", { aggregationLengthV6: 64 }, { localPref: 2 }, conflict],
  ])("%s", (_, first, second, expected) => {
    const ads = [bgpAdvertisement({ name: "a", localPref: 1, ...first }), bgpAdvertisement({ name: "b", ...second })];
    expect(judge(ads, { ips: ["10.20.30.1", "2001:db8:1::1"].slice(0, expected === ok ? 1 : 2) })).toBe(expected);
  });
});
