import { millis, seconds } from "../../../impl/wire/time.ts";
import { expectAtMost, expectEqual } from "../../expect.ts";
import { BOTH_FAMILIES, DETECTION, ownerOf, RELEARN, serving } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

export const scenarios: readonly Scenario[] = [
  {
    name: "failover/power-loss",
    title: "When the owner of an address loses power, one other node takes over and clients follow",
    cites: ["F1", "users B1"],
    topology: "dual-stack",
    needs: ["powerOff", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const { vip, owner } = await serving(world, "web", { family, policy: "Local" });
      const probe = await world.client().probe({ vip });

      await world.node(owner).powerOff();
      const heir = await ownerOf(world, vip, { except: [owner], within: DETECTION });
      await world.waitFor(
        `${heir} serves the client`,
        async () => (await world.client().request({ vip, timeout: millis(300) })).outcome === "ok",
        RELEARN,
      );

      await probe.end();
      const { gaps, outage } = await probe.report();
      expectAtMost("outage in microseconds", outage, DETECTION + RELEARN);
      expectEqual("gaps longer than a second", gaps.filter(({ from, to }) => to - from > seconds(1)).length, 1);
    },
  },
];
