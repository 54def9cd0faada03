import { expect, it } from "vitest";
import { Metrics } from "../../metrics.ts";
import { type Effect } from "../../ports.ts";
import { encodeKeepalive } from "../../wire/bgp/keepalive.ts";
import { encodeOpen } from "../../wire/bgp/open.ts";
import { parseIp } from "../../wire/ip.ts";
import { seconds } from "../../wire/time.ts";
import { BfdMetrics } from "../bfd/metrics.ts";
import { SpeakerMetrics } from "../metrics.ts";
import { type SpeakerEffect } from "../protocol.ts";
import { Speaker } from "../speaker.ts";
import { type Subject } from "../subject.ts";
import { endpointsOn, node, pool, service } from "../test-cluster.ts";
import { Bgp } from "./bgp.ts";
import { bgpAdvertisement } from "./advertise/test-advertiser.ts";
import { BgpMetrics } from "./metrics.ts";
import { OPEN } from "./session/test-router.ts";
import { bgpPeer } from "./test-bgp-peer.ts";
import { inWords } from "./test-peer.ts";

const NOW = seconds(1);
const SERVICES = 10_000;

/** Counts how many Services are judged. */
class CountedBgp extends Bgp {
  judged = 0;

  override judge(subject: Subject): ReturnType<Bgp["judge"]> {
    this.judged++;
    return super.judge(subject);
  }
}

const isWrite = (effect: SpeakerEffect): effect is Extract<Effect, { kind: "write" }> => effect.kind === "write";

function announceAll(): { readonly bgp: CountedBgp; readonly speaker: Speaker; readonly written: readonly number[] } {
  const metrics = new Metrics();
  const bgp = new CountedBgp("iris1", {
    ignoreExcludeLabel: false,
    random: { next: () => 0.5 },
    metrics: new BgpMetrics(metrics),
    bfdMetrics: new BfdMetrics(metrics),
    requireTtl: false,
  });
  const names = { node: "iris1", lbClass: "", ignoreExcludeLabel: false, membership: false };
  const speaker = new Speaker({ ...names, protocols: [bgp], metrics: new SpeakerMetrics(metrics, "iris1") });
  speaker.setNode("iris1", node("iris1"), NOW);
  const announced = { ...pool("all", ["10.20.0.0/16"], []), bgpAdvertisements: [bgpAdvertisement()] };
  const tor1 = bgpPeer({ name: "tor1" });
  speaker.setConfig(
    { pools: new Map([["all", announced]]), peers: new Map([["tor1", tor1]]), bfdProfiles: new Map() },
    NOW,
  );
  for (let index = 0; index < SERVICES; index++) {
    const name = `s${index}`;
    speaker.setService(`default/${name}`, service([`10.20.${index >> 8}.${index & 255}`], { name }), NOW);
    speaker.setEndpoints(`default/${name}`, name, endpointsOn("iris2"), NOW);
  }
  const dial = speaker.start(NOW).find((effect) => effect.kind === "connect");
  if (dial?.kind !== "connect") throw new Error("no dial");
  const { stream } = dial;
  const local = { ip: parseIp("192.0.2.1"), port: 40_000 };
  speaker.handle({ kind: "streamOpened", stream, local, remote: dial.to }, NOW);
  speaker.handle({ kind: "streamData", stream, bytes: encodeOpen(OPEN) }, NOW);
  const up = speaker.handle({ kind: "streamData", stream, bytes: encodeKeepalive() }, NOW);
  return { bgp, speaker, written: up.filter(isWrite).map(({ bytes }) => bytes.length) };
}

it("ten thousand Services are few messages, and one that changes is one judgement and one message", () => {
  const { bgp, speaker, written } = announceAll();
  // RFC 4271 section 4.3: five bytes for each /32, after a header and attributes that are the same for all.
  expect(written.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(SERVICES * 5 * 1.02);
  expect(Math.max(...written)).toBeLessThanOrEqual(4096);
  bgp.judged = 0;
  const gone = speaker.setEndpoints("default/s77", "s77", endpointsOn(), NOW);
  expect(gone.filter(isWrite).map(({ bytes }) => inWords(bytes))).toEqual(["withdraw 10.20.0.77/32"]);
  const back = speaker.setEndpoints("default/s77", "s77", endpointsOn("iris2"), NOW);
  expect(back.filter(isWrite)).toHaveLength(1);
  expect(bgp.judged).toBe(2);
});
