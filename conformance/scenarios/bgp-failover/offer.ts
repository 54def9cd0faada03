// What an OPEN says about restarts, byte by byte.
import { seconds } from "../../../impl/wire/time.ts";
import { expectTrue } from "../../expect.ts";
import { connectionThat, kindsOn, rawEstablished, rawPeer } from "../../raw-peer.ts";
import { passes } from "../../steps.ts";
import { type RawBgpConnection, type Scenario } from "../../world.ts";

const openOf = ({ messages }: RawBgpConnection): string => Buffer.from(messages[0]?.bytes ?? []).toString("hex");

/** RFC 4724 section 3: capability 64; flags and 120 s; IPv4 unicast, whose forwarding state is preserved. */
const capability = (flagsAndTime: string): string => `4006${flagsAndTime}00010180`;

export const scenarios: readonly Scenario[] = [
  {
    name: "bgp-failover/graceful-restart-offer",
    title:
      "An OPEN says that forwarding goes on, that NOTIFICATIONs need not end it, and in a process's first session that it restarts",
    cites: ["F29", "BGP 28"],
    topology: "lan-3",
    needs: ["rawBgp", "kubernetes"],
    async run(world) {
      const raw = await rawPeer(world, { peer: { enableGracefulRestart: true } });
      const first = await rawEstablished(world, raw);
      // R and N (RFC 8538 section 2) are the first two bits.
      expectTrue(`R, N and F are in ${openOf(first)}`, openOf(first).includes(capability("c078")));
      await passes(world, seconds(1));
      await raw.close(false);
      const second = await connectionThat(
        world,
        raw,
        "the second session is established",
        (connection, count) => count === 2 && kindsOn(connection).includes("endOfRib"),
      );
      expectTrue(`N and F alone are in ${openOf(second)}`, openOf(second).includes(capability("4078")));
      await raw.end();
    },
  },
];
