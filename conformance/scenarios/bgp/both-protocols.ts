// One address announced on the LAN and to a router.
import { announcedBy, answers, bgpService, nextHops, routerPeers, withdrawn } from "../../bgp-steps.ts";
import { expectEqual } from "../../expect.ts";
import { bgpAdvertisement, l2Advertisement, pool } from "../../objects.ts";
import { addressOf, answering, BOTH_FAMILIES, electionOrder, layer2Statuses, RANGES, settlesOn } from "../../steps.ts";
import { type Scenario } from "../../world.ts";

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp/both-protocols",
    title: "A Service may be announced by both protocols, and either goes and comes without the other",
    cites: ["BGP 76", "BGP 77"],
    topology: "mixed-l2-bgp",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, { family = "ipv4" }) {
      const families = [family];
      const near = world.client("neighbour");
      await world.kubernetes.apply(
        ...bgpService("web", { families }).filter(({ kind }) => kind !== "IPAddressPool"),
        pool("main", [RANGES[family]]),
        l2Advertisement("main"),
        ...routerPeers(families),
      );
      const vip = await addressOf(world, "default/web");
      const owner = electionOrder(world.nodes, vip).slice(0, 1);
      await announcedBy(world, vip);
      await settlesOn(world, vip, owner, { client: near });
      await answers(world, vip);
      await answers(world, vip, near);

      await world.kubernetes.remove("BGPAdvertisement", "metallb-system/main");
      await withdrawn(world, vip);
      expectEqual("who answers on the LAN", await answering(near, vip), owner);
      await world.kubernetes.apply(bgpAdvertisement("main"));
      await announcedBy(world, vip);

      await world.kubernetes.remove("L2Advertisement", "metallb-system/main");
      await settlesOn(world, vip, [], { client: near });
      expectEqual("next hops", await nextHops(world.router(), vip), world.nodes.toSorted());
      expectEqual("statuses of layer 2", await layer2Statuses(world, "default/web"), []);
      await answers(world, vip);
    },
  },
];
