import { seconds } from "../../../impl/wire/time.ts";
import { expectEqual } from "../../expect.ts";
import { deployment, l2Advertisement, pool, service } from "../../objects.ts";
import { addressOf, RANGES } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const FAMILIES = { families: ["IPv4", "IPv6"], familyPolicy: "RequireDualStack" } as const;

/** What every speaker holds open; series only ever seen once stay, so they are counted apart. */
async function heldBy(world: World): Promise<{ readonly open: string; readonly series: string }> {
  const all = await Promise.all(world.nodes.map((node) => world.node(node).resources()));
  const open = all.map(({ links, groups, streams, requests }) => ({ links, groups, streams, requests }));
  return { open: JSON.stringify(open), series: all.map(({ series }) => series).join() };
}

export const scenarios: readonly Scenario[] = [
  {
    name: "layer2/leaks",
    title: "After Services came and went, every speaker holds open what it held before",
    cites: ["B.11 11", "users B30"],
    topology: "dual-stack",
    needs: ["kubernetes", "resources", "virtualTime"],
    async run(world) {
      await world.kubernetes.apply(
        pool("main", [RANGES.ipv4, RANGES.ipv6]),
        l2Advertisement("main"),
        deployment("web", 3),
      );
      const round = async (): Promise<void> => {
        for (const name of ["a", "b", "c"])
          await world.kubernetes.apply(service(name, { ...FAMILIES, selector: { app: "web" } }));
        for (const name of ["a", "b", "c"]) await addressOf(world, `default/${name}`);
        await world.holds("announcements pass", async () => true, seconds(6));
        for (const name of ["a", "b", "c"]) await world.kubernetes.remove("Service", `default/${name}`);
        await world.holds("the end of them passes", async () => true, seconds(6));
      };
      await world.holds("the speakers start", async () => true, seconds(3));
      const { open } = await heldBy(world);
      await round();
      const { series } = await heldBy(world);
      for (let count = 0; count < 2; count++) await round();
      expectEqual("what is open", (await heldBy(world)).open, open);
      expectEqual("series exposed", (await heldBy(world)).series, series);
    },
  },
];
