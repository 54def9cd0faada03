// What the fields of a BFDProfile do, as both ends see it, and what never disturbs a session.
import { micros, millis, plus, seconds, times } from "../../../impl/wire/time.ts";
import {
  announcedBy,
  bfdUp,
  BGP_FAMILIES,
  familiesOf,
  nameNodes,
  noSessionLost,
  vipsOf,
  withdrawn,
  workload,
} from "../../bgp-steps.ts";
import { expectAtLeast, expectAtMost, expectEqual } from "../../expect.ts";
import {
  BFD_PROFILE,
  bfdMetrics,
  carrierOf,
  familyVariants,
  peerWith,
  PROCESSING,
  routeHolds,
  servedByEach,
  sumOf,
  watch,
} from "../../failover-steps.ts";
import { bfdProfile, type BfdSpec } from "../../objects.ts";
import { BOTH_FAMILIES, passes } from "../../steps.ts";
import { type BfdPeer, type Scenario, type Variant, type World } from "../../world.ts";

const WATCHED = peerWith({ name: "", bfd: true });

/** In which what is offered and what is used differ from what the router has, in either direction. */
const FULL: BfdSpec = {
  receiveInterval: 400,
  transmitInterval: 500,
  detectMultiplier: 5,
  echoMode: false,
  passiveMode: false,
  minimumTtl: 254,
};

/** Times in milliseconds: what is used, and what the speaker offers. */
interface Seen {
  readonly transmit: number;
  readonly receive: number;
  readonly offered: readonly [transmit: number, receive: number, multiplier: number];
}

const words = ({ transmitInterval, receiveInterval, remote }: BfdPeer): string =>
  [
    transmitInterval,
    receiveInterval,
    remote.transmitInterval,
    remote.receiveInterval,
    micros(remote.detectMultiplier * 1000),
  ]
    .map((time) => time / 1000)
    .join(" ");

/** Waits until the router's BFD with every node uses and hears this. */
async function routerSees(world: World, { transmit, receive, offered }: Seen): Promise<void> {
  const wanted = [transmit, receive, ...offered].join(" ");
  await world.waitFor(
    `the router's BFD has ${wanted}`,
    async () => {
      const up = (await world.router().bfdPeers()).filter(({ state }) => state === "up");
      return up.length >= world.nodes.length && up.every((peer) => words(peer) === wanted);
    },
    seconds(10),
  );
}

/** No session has gone down since it came up, on either side. */
async function noFlap(world: World, variant: Variant): Promise<void> {
  for (const { node = "", downs } of await world.router().bfdPeers()) {
    expectEqual(`how often BFD with ${node} went down at the router`, downs, 0);
  }
  for (const family of familiesOf(variant)) {
    expectEqual(
      `how often BFD went down at the speakers`,
      await sumOf(bfdMetrics(world, "metallb_bfd_session_down_events", family)),
      0,
    );
    expectEqual(
      "speakers whose BFD is up",
      await sumOf(bfdMetrics(world, "metallb_bfd_session_up", family)),
      world.nodes.length,
    );
  }
}

export const scenarios: readonly Scenario[] = [
  {
    name: "bfd/default-profile",
    title: "A profile that says nothing gives 300 ms and a multiplier of 3, on both ends and in both directions",
    cites: ["BGP 37", "BGP 41", "BGP 100", "BGP 102"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      await servedByEach(world, "web", { families: familiesOf(variant), peer: WATCHED });
      await bfdUp(world);
      await routerSees(world, { transmit: 300, receive: 300, offered: [300, 300, 3] });
      const before = await Promise.all(
        familiesOf(variant).map((family) => bfdMetrics(world, "metallb_bfd_control_packet_output", family)),
      );
      await passes(world, seconds(60));
      const after = await Promise.all(
        familiesOf(variant).map((family) => bfdMetrics(world, "metallb_bfd_control_packet_output", family)),
      );
      for (const [index, count] of after.flat().entries()) {
        // RFC 5880 section 6.8.7: 75 to 100 % of the interval.
        const sent = count - (before.flat()[index] ?? 0);
        expectAtLeast("packets in a minute", sent, Math.floor(60 / 0.3));
        expectAtMost("packets in a minute", sent, Math.ceil(60 / (0.3 * 0.75)));
      }
      await noFlap(world, variant);
    },
  },
  {
    name: "bfd/full-profile",
    title:
      "Every field of a profile is negotiated: each direction runs at the slower of both sides, and each side's multiplier is the other's",
    cites: ["BGP 38", "BGP 40", "BGP 42", "BGP 72", "BGP 103"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane", "powerOff"],
    variants: BGP_FAMILIES,
    async run(world, variant) {
      const { vip, vips } = await servedByEach(world, "web", { families: familiesOf(variant), peer: WATCHED });
      await world.kubernetes.apply(bfdProfile(BFD_PROFILE, FULL));
      await bfdUp(world);
      await routerSees(world, { transmit: 400, receive: 500, offered: [500, 400, 5] });
      await noFlap(world, variant);
      const node = await carrierOf(world, vip);
      const others = world.nodes.filter((other) => other !== node);
      await world.node(node).powerOff();
      const detection = times(millis(500), 5);
      // Not before the multiplier of the speaker, and not after it.
      await routeHolds(world, vip, times(millis(500), 4 - 0.1));
      for (const each of vips) {
        await announcedBy(world, each, others, { within: plus(times(detection, 0.25), PROCESSING) });
      }
    },
  },
  {
    name: "bfd/echo",
    title: "In echo mode packets of the speaker come back from the router, and control packets become rare",
    cites: ["BGP 39", "BGP 101"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [{ name: "ipv4", family: "ipv4" }],
    async run(world, variant) {
      await servedByEach(world, "web", { peer: WATCHED });
      await world.kubernetes.apply(bfdProfile(BFD_PROFILE, { echoMode: true, echoInterval: 80 }));
      await bfdUp(world);
      await passes(world, seconds(5));
      const returned = await bfdMetrics(world, "metallb_bfd_echo_packet_input", "ipv4");
      await passes(world, seconds(10));
      const more = await bfdMetrics(world, "metallb_bfd_echo_packet_input", "ipv4");
      for (const [index, count] of more.entries()) {
        // At least every 80 ms, at most every 60.
        expectAtLeast("echoes in ten seconds", count - (returned[index] ?? 0), Math.floor(10 / 0.08) - 1);
        expectAtMost("echoes in ten seconds", count - (returned[index] ?? 0), Math.ceil(10 / 0.06) + 1);
      }
      for (const { remote } of await world.router().bfdPeers()) {
        expectEqual("echoes that the speaker takes", remote.echoReceiveInterval, millis(80));
        // RFC 5880 section 6.8.3: with echo, control packets come no oftener than every second.
        expectEqual("control packets that the speaker asks for", remote.receiveInterval, seconds(1));
      }
      await noFlap(world, variant);
    },
  },
  {
    name: "bfd/passive",
    title: "A passive speaker waits for its router, and two passive ends never begin, which does not concern BGP",
    cites: ["B7", "BGP 72"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [...familyVariants("one", { both: false }), ...familyVariants("both", { both: true })],
    async run(world, variant) {
      const { family = "ipv4", both } = variant;
      await nameNodes(world);
      await world.kubernetes.apply(bfdProfile("passive", { passiveMode: true }));
      if (both === true) await world.router().configure("bfd", "profile fast", "passive-mode");
      const peer = { ...WATCHED, bfdProfile: "passive" };
      const { vip } = await servedByEach(world, "web", { families: [family], peer });
      if (both !== true) {
        await bfdUp(world);
        await noFlap(world, variant);
      }
      await routeHolds(world, vip, seconds(30));
      if (both === true) {
        const sent = await sumOf(bfdMetrics(world, "metallb_bfd_control_packet_output", family));
        expectEqual("packets of speakers that nobody asked", sent, 0);
      }
      await noSessionLost(world);
    },
  },
  {
    name: "bfd/profile-changes",
    title:
      "Intervals and multipliers that change while a session is up are agreed on by Poll and Final, without a flap",
    cites: ["F31", "B7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: [
      ...familyVariants("slower", { tx: 1500, rx: 1200, multiplier: 3 }),
      ...familyVariants("faster", { tx: 60, rx: 50, multiplier: 3 }),
      { name: "multiplier", family: "ipv4", tx: 300, rx: 300, multiplier: 9 },
    ],
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      const [tx, rx, multiplier] = ["tx", "rx", "multiplier"].map((name) => Number(variant[name]));
      if (tx === undefined || rx === undefined || multiplier === undefined) throw new Error("no parameters");
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      await routerSees(world, { transmit: 300, receive: 300, offered: [300, 300, 3] });
      const change = { transmitInterval: tx, receiveInterval: rx, detectMultiplier: multiplier };
      await world.kubernetes.apply(bfdProfile(BFD_PROFILE, change));
      const [transmit, receive] = [Math.max(300, rx), Math.max(300, tx)];
      await routerSees(world, { transmit, receive, offered: [tx, rx, multiplier] });
      await routeHolds(world, vip, seconds(20));
      await world.kubernetes.apply(bfdProfile(BFD_PROFILE));
      await routerSees(world, { transmit: 300, receive: 300, offered: [300, 300, 3] });
      await passes(world, seconds(10));
      await noFlap(world, variant);
      await noSessionLost(world);
    },
  },
  {
    name: "bfd/router-changes",
    title: "A router that changes its intervals is answered at once, and takes what it asked for",
    cites: ["F31", "B7"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      await world
        .router()
        .configure("bfd", "profile fast", "transmit-interval 1000", "receive-interval 700", "detect-multiplier 4");
      // Slower sending waits for the Final (RFC 5880 section 6.8.3).
      await routerSees(world, { transmit: 1000, receive: 700, offered: [300, 300, 3] });
      await passes(world, seconds(10));
      const before = await sumOf(bfdMetrics(world, "metallb_bfd_control_packet_output", family));
      await passes(world, seconds(70));
      const sent = (await sumOf(bfdMetrics(world, "metallb_bfd_control_packet_output", family))) - before;
      expectAtLeast("packets of all speakers", sent, Math.floor(70 / 0.7) * world.nodes.length);
      expectAtMost("packets of all speakers", sent, Math.ceil(70 / (0.7 * 0.75)) * world.nodes.length);
      await routeHolds(world, vip, seconds(5));
      await noFlap(world, variant);
      await noSessionLost(world);
    },
  },
  {
    name: "bfd/services-come-and-go",
    title: "Adding and removing Services disturbs neither BFD nor BGP sessions",
    cites: ["BGP 37", "BGP 38", "B11 7", "users B9"],
    topology: "bgp-one-router",
    needs: ["routers", "kubernetes", "dataplane"],
    variants: BOTH_FAMILIES,
    async run(world, variant) {
      const { family = "ipv4" } = variant;
      await nameNodes(world);
      const { vip } = await servedByEach(world, "web", { families: [family], peer: WATCHED });
      await bfdUp(world);
      const probe = await watch(world, vip);
      for (let count = 0; count < 10; count++) {
        const name = `more-${count}`;
        await world.kubernetes.apply(...workload(name, { families: [family] }));
        const [more = ""] = await vipsOf(world, `default/${name}`, 1);
        await announcedBy(world, more);
        await world.kubernetes.remove("Service", `default/${name}`);
        await withdrawn(world, more);
      }
      await probe.end();
      expectEqual("gaps", (await probe.report()).gaps, []);
      await noFlap(world, variant);
      await noSessionLost(world);
    },
  },
];
