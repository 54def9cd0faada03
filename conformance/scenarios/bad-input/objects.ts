import { expectAtMost, expectEqual, expectTrue } from "../../expect.ts";
import { service } from "../../objects.ts";
import { addressesOf, answering, passes, serving, SETTLE } from "../../steps.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { type Scenario } from "../../world.ts";

const IPS = "metallb.io/loadBalancerIPs";
const POOL = "metallb.io/address-pool";
const SHARE = "metallb.io/allow-shared-ip";

/** Annotations that ask for what cannot be. */
const ABUSES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "a-long-list": { [IPS]: Array.from({ length: 4000 }, () => "192.0.2.151").join(",") },
  "a-long-pool": { [POOL]: "p".repeat(60_000) },
  "a-list-of-commas": { [IPS]: ",".repeat(60_000) },
  "control-characters": { [IPS]: "192.0.2.151\u0000\n\u001b[31m" },
  "the-same-twice": { [IPS]: "192.0.2.151,192.0.2.151" },
  "an-address-of-the-network": { [IPS]: "192.0.2.0" },
};

export const scenarios: readonly Scenario[] = [
  {
    name: "bad-input/annotations",
    title:
      "Services with absurd annotations wait with a short reason, get nothing, and keep nobody else from being served",
    cites: ["F38", "9"],
    topology: "lan-3",
    needs: ["kubernetes", "dataplane"],
    async run(world) {
      const { vip, owner } = await serving(world, "web");
      for (const [name, annotations] of Object.entries(ABUSES)) {
        await world.kubernetes.apply(service(name, { annotations }));
      }
      await world.kubernetes.apply(
        service("long-key", { annotations: { [SHARE]: "k".repeat(60_000) }, selector: { app: "web" } }),
      );
      for (const name of Object.keys(ABUSES)) {
        const warning = await world.waitFor(
          `${name} is told why it waits`,
          async () =>
            (await world.kubernetes.events("Service", `default/${name}`)).find(({ type }) => type === "Warning"),
          SETTLE,
        );
        expectAtMost(`characters of the reason for ${name}`, warning.message.length, 1024);
        expectTrue(`the reason for ${name} is one line of text`, !/\p{Cc}/u.test(warning.message));
        expectEqual(`addresses of ${name}`, await addressesOf(world, `default/${name}`), []);
      }
      await passes(world, seconds(1));
      expectEqual("addresses of who shares under a long key", (await addressesOf(world, "default/long-key")).length, 1);
      expectEqual("who answers for the first", await answering(world.client(), vip), [owner]);
    },
  },
];
