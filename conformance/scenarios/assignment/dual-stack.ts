import { seconds } from "../../../impl/wire/time.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { pool, service, type ServiceSpec } from "../../objects.ts";
import { addressesOf, addressOf, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

const V4 = "192.0.2.150/32";
const V6 = "2001:db8:0:2::150/128";
const OTHER_V4 = "192.0.2.160/32";
const OTHER_V6 = "2001:db8:0:2::160/128";
const A4 = "192.0.2.150";
const A6 = "2001:db8:0:2::150";
const B4 = "192.0.2.160";
const B6 = "2001:db8:0:2::160";

const prefer = (families: ServiceSpec["families"] = ["IPv4", "IPv6"]): ServiceSpec => ({
  familyPolicy: "PreferDualStack",
  families,
});

async function becomes(world: World, expected: readonly string[]): Promise<void> {
  await world.waitFor(
    `the addresses become ${expected.join(" and ") || "none"}`,
    async () => (await addressesOf(world, "default/web")).join() === expected.join(),
    SETTLE,
  );
}

const stays = (world: World, expected: readonly string[]): Promise<void> =>
  world.holds(
    `the addresses stay ${expected.join(" and ")}`,
    async () => (await addressesOf(world, "default/web")).join() === expected.join(),
    seconds(5),
  );

export const scenarios: readonly Scenario[] = [
  {
    name: "assignment/prefers-dual-stack-pool",
    title: "PreferDualStack takes a pool of both families where there is one",
    cites: ["L2 29"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("a-v4", [OTHER_V4]), pool("b-dual", [V4, V6]), service("web", prefer()));
      await becomes(world, [A4, A6]);
    },
  },
  {
    name: "assignment/prefers-primary-family",
    title: "Among pools of one family, PreferDualStack takes the Service's primary family",
    cites: ["L2 30", "L2 31"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    variants: [
      { name: "ipv4", family: "ipv4" },
      { name: "ipv6", family: "ipv6" },
    ],
    async run(world, { family = "ipv4" }) {
      const families = family === "ipv4" ? (["IPv4", "IPv6"] as const) : (["IPv6", "IPv4"] as const);
      // The other family's pool comes first by name.
      const [first, second] = family === "ipv4" ? [V6, V4] : [V4, V6];
      await world.kubernetes.apply(pool("a", [first]), pool("b", [second]), service("web", prefer(families)));
      await becomes(world, [family === "ipv4" ? A4 : A6]);
    },
  },
  {
    name: "assignment/second-family-added",
    title: "When its pool gains the other family, a PreferDualStack Service keeps its address and gains one",
    cites: ["L2 32"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("main", [V6]), service("web", prefer()));
      await becomes(world, [A6]);
      await world.kubernetes.apply(pool("main", [V4, V6]));
      await becomes(world, [A6, A4]);
    },
  },
  {
    name: "assignment/policy-changes",
    title: "On a pool of one family RequireDualStack loses the address, and PreferDualStack gets it back",
    cites: ["L2 33"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("main", [V4]), service("web", prefer()));
      await becomes(world, [A4]);
      await world.kubernetes.patch("Service", "default/web", { spec: { ipFamilyPolicy: "RequireDualStack" } });
      await becomes(world, []);
      await world.kubernetes.patch("Service", "default/web", { spec: { ipFamilyPolicy: "PreferDualStack" } });
      await becomes(world, [A4]);
    },
  },
  {
    name: "assignment/no-jump-to-dual-stack-pool",
    title: "A Service with an address stays when a pool of both families appears",
    cites: ["L2 34"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("b-single", [V4]), service("web", prefer()));
      await becomes(world, [A4]);
      await world.kubernetes.apply(pool("a-dual", [OTHER_V4, OTHER_V6]));
      await stays(world, [A4]);
    },
  },
  {
    name: "assignment/dual-stack-pool-shrinks",
    title: "When its pool loses a family, the Service takes another pool of both",
    cites: ["L2 35"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    async run(world) {
      await world.kubernetes.apply(pool("a-first", [V4, V6]), service("web", prefer()));
      await becomes(world, [A4, A6]);
      await world.kubernetes.apply(pool("b-other", [OTHER_V4, OTHER_V6]));
      await stays(world, [A4, A6]);
      await world.kubernetes.apply(pool("a-first", [V4]));
      await becomes(world, [B4, B6]);
    },
  },
  {
    name: "assignment/pool-status",
    title: "A pool's status counts what it has and what is used, follows its size, and repairs itself",
    cites: ["L2 36"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    async run(world) {
      const status = async (): Promise<string> => {
        const object: object = (await world.kubernetes.get("IPAddressPool", "metallb-system/main")) ?? {};
        const counts: unknown = "status" in object ? object.status : undefined;
        if (typeof counts !== "object" || counts === null) return "";
        return ["availableIPv4", "availableIPv6", "assignedIPv4", "assignedIPv6"]
          .map((key) => String(Reflect.get(counts, key)))
          .join();
      };
      const shows = (expected: string): Promise<unknown> =>
        world.waitFor(`the status is ${expected}`, async () => (await status()) === expected, SETTLE);
      await world.kubernetes.apply(pool("main", ["192.0.2.152/30", "2001:db8:0:2::150/126"]));
      await shows("4,4,0,0");
      await world.kubernetes.apply(service("web", { familyPolicy: "RequireDualStack", families: ["IPv4", "IPv6"] }));
      await addressOf(world, "default/web");
      await shows("3,3,1,1");
      await world.kubernetes.apply(pool("main", ["192.0.2.152/29", "2001:db8:0:2::150/125"]));
      await shows("7,7,1,1");
      await world.kubernetes.patch("IPAddressPool", "metallb-system/main", { status: { assignedIPv4: 40 } }, "status");
      await shows("7,7,1,1");
      await world.kubernetes.remove("Service", "default/web");
      await shows("8,8,0,0");
    },
  },
  {
    name: "assignment/requested-addresses",
    title: "Addresses asked for by annotation or field are given, one of each family, and nothing else is",
    cites: ["F38", "B.11 5"],
    topology: "dual-stack",
    needs: ["kubernetes"],
    variants: [
      { name: "annotation", annotation: `${B4},${B6}`, field: "", given: `${B4},${B6}` },
      {
        name: "old-annotation",
        annotation: `${B4}, ${B6}`,
        field: "",
        given: `${B4},${B6}`,
        prefix: "metallb.universe.tf",
      },
      { name: "both", annotation: `${B4},${B6}`, field: B4, says: "can not have both" },
      { name: "same-family", annotation: `${B4},${A4}`, field: "", says: "same address family" },
      { name: "outside", annotation: `203.0.113.9,${B6}`, field: "", says: "203.0.113.9" },
      { name: "two-pools", annotation: `192.0.2.165,${B6}`, field: "", says: "not in one pool" },
      { name: "not-an-address", annotation: "192.0.2.300", field: "", says: "192.0.2.300" },
      { name: "one-of-two", annotation: B4, field: "", says: "ipFamily" },
      {
        name: "hundred",
        annotation: Array.from({ length: 100 }, (_, index) => `192.0.2.${index}`).join(),
        field: "",
        says: "length 100",
      },
      { name: "huge", annotation: "x".repeat(60_000), field: "", says: "invalid" },
    ],
    async run(world, { annotation = "", field = "", given = "", says = "", prefix = "metallb.io" }) {
      await world.kubernetes.apply(
        pool("main", [V4, V6, OTHER_V4, OTHER_V6]),
        pool("other", ["192.0.2.165/32"]),
        service("web", {
          familyPolicy: "RequireDualStack",
          families: ["IPv4", "IPv6"],
          annotations: { [`${String(prefix)}/loadBalancerIPs`]: String(annotation) },
          ...(field === "" ? {} : { loadBalancerIP: String(field) }),
        }),
      );
      if (given !== "") return becomes(world, String(given).split(","));
      const events = await world.waitFor(
        "a warning says why",
        async () => {
          const all = await world.kubernetes.events("Service", "default/web");
          const warnings = all.filter(({ type }) => type === "Warning");
          return warnings.length > 0 && warnings;
        },
        SETTLE,
      );
      expectEqual("addresses", await addressesOf(world, "default/web"), []);
      expectTrue(
        `the warning says "${String(says)}"`,
        events.some(({ message }) => message.includes(String(says))),
      );
      expectEqual(
        "the warning is one line",
        events.every(({ message }) => !message.includes("\n") && message.length < 2000),
        true,
      );
    },
  },
];
