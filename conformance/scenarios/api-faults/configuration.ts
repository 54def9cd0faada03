import { type KubeObject } from "../../../impl/api/kubernetes.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { expectEqual, expectTrue } from "../../expect.ts";
import { l2Advertisement, pool, service, SYSTEM } from "../../objects.ts";
import { addressesOf, addressOf, answering, ownerOf, passes, RANGES, serving, SETTLE } from "../../steps.ts";
import { type Scenario, type World } from "../../world.ts";

/** Pools that no cluster may have, and what of them is wrong. */
const MALFORMED: readonly { readonly what: string; readonly addresses: readonly string[]; readonly says: string }[] = [
  { what: "a reversed range", addresses: ["192.0.2.9-192.0.2.1"], says: "192.0.2.9-192.0.2.1" },
  { what: "everything", addresses: ["0.0.0.0/0"], says: "every address" },
  { what: "IPv4 in IPv6", addresses: ["::ffff:192.0.2.0/120"], says: "::ffff:192.0.2.0/120" },
  { what: "a comma too many", addresses: ["10.0.0.0/24,"], says: "10.0.0.0/24," },
  { what: "two families", addresses: ["192.0.2.1-2001:db8::1"], says: "192.0.2.1-2001:db8::1" },
  { what: "a third end", addresses: ["192.0.2.1-192.0.2.2-192.0.2.3"], says: "192.0.2.1-192.0.2.2-192.0.2.3" },
  { what: "no prefix length", addresses: ["192.0.2.200", "192.0.2.210-192.0.2.211"], says: "192.0.2.200" },
  { what: "its own overlap", addresses: ["192.0.2.200/30", "192.0.2.203/32"], says: "overlaps" },
  { what: "another pool's", addresses: ["192.0.2.160/32"], says: "overlaps" },
];

/** What the API server said when it refused; undefined where it took the object. */
async function refusalOf(attempt: Promise<void>): Promise<string | undefined> {
  try {
    await attempt;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Results by ConfigurationState, those that are alike once. */
async function results(world: World): Promise<readonly string[]> {
  const states: readonly (KubeObject & { readonly status?: { readonly result?: string } })[] =
    await world.kubernetes.list("ConfigurationState");
  return [...new Set(states.map(({ status }) => status?.result ?? ""))];
}

async function errorSummaries(world: World): Promise<readonly string[]> {
  const states: readonly (KubeObject & { readonly status?: { readonly errorSummary?: string } })[] =
    await world.kubernetes.list("ConfigurationState");
  return states.map(({ status }) => status?.errorSummary ?? "");
}

export const scenarios: readonly Scenario[] = [
  {
    name: "api-faults/malformed-pools",
    title: "The webhook refuses pools that mean nothing, names what is wrong in each, and keeps what was there",
    cites: ["F37", "users B27"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      for (const { what, addresses, says } of MALFORMED) {
        const refusal = await refusalOf(world.kubernetes.apply(pool("bad", addresses)));
        expectTrue(`a pool with ${what} is refused with "${refusal ?? "nothing"}"`, refusal?.includes(says) === true);
        expectTrue(`"${refusal ?? ""}" names the field or the pool`, /addresses|pool/.test(refusal ?? ""));
      }
      const many = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}/32`);
      expectEqual(
        "a pool with a thousand ranges",
        await refusalOf(world.kubernetes.apply(pool("many", many))),
        undefined,
      );
      await passes(world, seconds(1));
      expectEqual("who answers", await answering(world.client(), vip), [owner]);
      const total = await world.controller.metric('metallb_allocator_addresses_total{pool="many"}');
      expectEqual("addresses of the large pool", total, 1000);
    },
  },
  {
    name: "api-faults/bad-configuration-in-force",
    title:
      "Without a webhook a bad pool changes nothing: the last good configuration serves, and every process says why",
    cites: ["F37", "users B27"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    settings: { webhook: false },
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await world.kubernetes.apply(pool("bad", ["192.0.2.9-192.0.2.1"]));
      await world.waitFor(
        "every ConfigurationState is invalid",
        async () => (await results(world)).join() === "Invalid",
        SETTLE,
      );
      for (const summary of await errorSummaries(world)) {
        expectTrue(`"${summary}" names the range`, summary.includes("192.0.2.9-192.0.2.1"));
      }
      await world.kubernetes.apply(service("later", { selector: { app: "web" } }));
      const later = await addressOf(world, "default/later");
      await ownerOf(world, later);
      expectEqual("who answers for the first", await answering(world.client(), vip), [owner]);
      await world.kubernetes.remove("IPAddressPool", `${SYSTEM}/bad`);
      await world.waitFor(
        "every ConfigurationState is valid",
        async () => (await results(world)).join() === "Valid",
        SETTLE,
      );
    },
  },
  {
    name: "api-faults/pool-shrunk",
    title:
      "A pool may shrink below what is in use: who lies outside moves, who lies inside stays, nobody answers for the rest",
    cites: ["F37"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      await world.kubernetes.apply(service("second", { selector: { app: "web" } }));
      const second = await addressOf(world, "default/second");
      await ownerOf(world, second);
      await world.kubernetes.apply(pool("main", [`${second}/32`, "192.0.2.180/32"]));
      await world.waitFor(
        "the first has moved",
        async () => (await addressesOf(world, "default/web")).join() === "192.0.2.180",
        SETTLE,
      );
      await ownerOf(world, (await addressOf(world, "default/web")) ?? vip);
      expectEqual("the address of the second", await addressesOf(world, "default/second"), [second]);
      await world.waitFor(
        `${owner} no longer answers for the old address`,
        async () => (await answering(world.client(), vip)).length === 0,
        seconds(2),
      );
      await world.kubernetes.apply(pool("main", [RANGES.ipv4]), l2Advertisement("main"));
      expectEqual("the second after it grew again", await addressesOf(world, "default/second"), [second]);
    },
  },
];
