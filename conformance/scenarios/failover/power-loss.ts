import { millis, seconds } from "../../../impl/wire/time.ts";
import { expectAtMost, expectEqual } from "../../expect.ts";
import { BOTH_FAMILIES, DETECTION, ownerOf, serving } from "../../steps.ts";
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
      // The client asks nobody who has the address: it follows because it is told.
      await world.waitFor(
        "a client is served again",
        async () => (await world.client().request({ vip, timeout: millis(300) })).outcome === "ok",
        DETECTION,
      );
      await ownerOf(world, vip, { except: [owner] });

      await probe.end();
      const { gaps, outage } = await probe.report();
      expectAtMost("outage in microseconds", outage, DETECTION);
      expectEqual("gaps longer than a second", gaps.filter(({ from, to }) => to - from > seconds(1)).length, 1);
    },
  },
];
