// A node dies without a word, and the router goes on sending it its share until something tells it: BFD, its neighbour
// cache where it asks that, or the hold timer.
import { millis, type Micros, seconds } from "../../../impl/wire/time.ts";
import { announcedBy, bfdUp } from "../../bgp-steps.ts";
import { expectShare, spreading } from "../../ecmp-steps.ts";
import { expectAtLeast, expectAtMost } from "../../expect.ts";
import { bfdProfile, type PeerSpec } from "../../objects.ts";
import { passes } from "../../steps.ts";
import { type Scenario, type Variant } from "../../world.ts";

const EVERY = millis(100);

const peerOf = ({ hold, bfd }: Variant): PeerSpec => ({
  holdTime: `${hold}s`,
  keepaliveTime: `${Number(hold) / 3}s`,
  ...(bfd === true ? { bfdProfile: "fast" } : {}),
});

export const scenarios: readonly Scenario[] = [
  {
    name: "ecmp/silent-node",
    title: "A third of all new connections fails until the router learns that a node is dead, and none of the others",
    cites: ["users B13", "users B15", "B11 6"],
    topology: "bgp-ecmp",
    needs: ["routers", "flowPaths", "powerOff", "kubernetes", "dataplane", "virtualTime"],
    variants: [
      // The last keepalive may have come just before, or a third of the hold time earlier.
      { name: "hold-timer", hold: 30, least: 20, most: 31 },
      { name: "hold-timer-ipv6", hold: 30, least: 20, most: 31, family: "ipv6" },
      { name: "short-hold-timer", hold: 9, least: 6, most: 10 },
      // At most 45 s reachable (RFC 4861 section 6.3.2), 5 s of delay, and three probes.
      { name: "neighbour-cache", hold: 180, least: 5, most: 54, passOverSilent: true },
      { name: "bfd", hold: 180, least: 0.5, most: 1.2, bfd: true },
    ],
    async run(world, variant) {
      const { vip } = await spreading(
        world,
        { ...variant, policy: "Local" },
        {
          peer: peerOf(variant),
          with: [bfdProfile("fast")],
        },
      );
      await world.router().spread({ passOverSilent: variant["passOverSilent"] === true });
      if (variant["bfd"] === true) await bfdUp(world);
      const [node = "", ...others] = world.nodes;
      await passes(world, seconds(20));

      const probe = await world.client().probe({ vip, every: EVERY, timeout: millis(250) });
      const died: Micros = world.now();
      await world.node(node).powerOff();
      const [least, most] = [Number(variant["least"]), Number(variant["most"])];
      await passes(world, seconds(most + 2));
      await probe.end();
      const { gaps } = await probe.report();
      const missed = gaps.reduce((sum, gap) => sum + gap.missed, 0);
      const last = Math.max(...gaps.map(({ to }) => to - died)) / 1e6;
      expectAtLeast("seconds until nothing fails any more", last, least);
      expectAtMost("seconds until nothing fails any more", last, most);
      expectShare("connections that failed until then", missed, Math.ceil((last * 1e6) / EVERY), 1 / 3);
      if (variant["passOverSilent"] !== true) await announcedBy(world, vip, others);
    },
  },
];
