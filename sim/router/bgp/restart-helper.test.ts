// Expected: RFC 4724 section 4.2 and RFC 8538 section 4, with the times that the neighbour and the configuration name.
import { describe, expect, it } from "vitest";
import { ERRORS } from "../../../impl/wire/bgp/error-codes.ts";
import { unicast } from "../../../impl/wire/bgp/families.ts";
import { encodeNotification, notification } from "../../../impl/wire/bgp/notification.ts";
import { encodeEndOfRib, packUpdates } from "../../../impl/wire/bgp/pack.ts";
import { pathOf } from "../../../impl/wire/bgp/as-path.ts";
import { type Open } from "../../../impl/wire/bgp/open.ts";
import { parseIp } from "../../../impl/wire/ip.ts";
import { parsePrefix } from "../../../impl/wire/prefix.ts";
import { seconds } from "../../../impl/wire/time.ts";
import { TestNetwork } from "../test-network.ts";
import { openOf, TestPeer } from "../test-peer.ts";

const CONFIG = `
router bgp 64501
 bgp router-id 10.0.0.1
 bgp graceful-restart stalepath-time 30
 no bgp ebgp-requires-policy
 neighbor 10.0.0.2 remote-as 64500
 neighbor 10.0.0.2 passive
`;

const restarting = (forwardingPreserved = true, notification = false): Open =>
  openOf(64_500, "10.0.0.2", {
    capabilities: [
      { kind: "multiprotocol", ...unicast("ipv4") },
      { kind: "fourOctetAs", asn: 64_500 },
      {
        kind: "gracefulRestart",
        restarting: false,
        notification,
        restartTime: seconds(20),
        families: [{ ...unicast("ipv4"), forwardingPreserved }],
      },
    ],
  });

const route = (prefix: string): Uint8Array => {
  const prefixes = [parsePrefix(prefix)];
  const attributes = { origin: "igp", asPath: pathOf(64_500) } as const;
  const [message] = packUpdates([{ prefixes, nextHop: parseIp("10.0.0.2"), attributes }], { asSize: 4 }).messages;
  return message ?? new Uint8Array();
};

/** A neighbour that has told two routes. */
function told(open: Open, config = CONFIG) {
  const network = new TestNetwork();
  const router = network.router("router", config);
  const host = network.host("peer");
  const dial = (next: Open): TestPeer => new TestPeer(host, { to: parseIp("10.0.0.1"), open: next }).dial();
  const peer = dial(open);
  network.run(1);
  peer.say(route("203.0.113.1/32"), route("203.0.113.2/32"), encodeEndOfRib("ipv4"));
  network.run(1);
  /** What the router forwards by, a `?` where the path is stale. */
  const kept = (): string => {
    const stale = new Map(router.paths().map((path) => [path.prefix, path.stale]));
    const routes = network.hosts.get("router")?.routes() ?? [];
    const own = routes.filter(({ protocol }) => protocol === "daemon");
    return own.map(({ prefix }) => `${prefix.slice(10, -3)}${stale.get(prefix) === true ? "?" : ""}`).join(" ");
  };
  return { network, peer, dial, kept };
}

describe("a neighbour that restarts", () => {
  it("keeps its routes, and loses those that it does not tell again before its End-of-RIB", () => {
    const { network, peer, dial, kept } = told(restarting());
    const seen = [kept()];
    peer.close();
    network.run(5);
    seen.push(kept());
    const back = dial(restarting());
    network.run(1);
    back.say(route("203.0.113.1/32"));
    network.run(1);
    seen.push(kept());
    back.say(encodeEndOfRib("ipv4"));
    network.run(1);
    seen.push(kept());
    expect(seen).toEqual(["1 2", "1? 2?", "1 2?", "1"]);
  });

  it("loses them when it is not back within its restart time", () => {
    const { network, peer, kept } = told(restarting());
    peer.close();
    network.run(19.9);
    expect(kept()).toBe("1? 2?");
    network.run(0.3);
    expect(kept()).toBe("");
  });

  it("loses them when it is back, and tells nothing for the stale path time", () => {
    const { network, peer, dial, kept } = told(restarting());
    peer.close();
    network.run(5);
    dial(restarting());
    network.run(29);
    expect(kept()).toBe("1? 2?");
    network.run(2);
    expect(kept()).toBe("");
  });

  it("loses them at once when it did not forward meanwhile", () => {
    const { network, peer, dial, kept } = told(restarting());
    peer.close();
    network.run(5);
    dial(restarting(false));
    network.run(1);
    expect(kept()).toBe("");
  });

  it("loses them at once without the capability, and when it is back without it", () => {
    const without = told(openOf(64_500, "10.0.0.2"));
    without.peer.close();
    without.network.run(1);
    expect(without.kept()).toBe("");
    const { network, peer, dial, kept } = told(restarting());
    peer.close();
    network.run(5);
    dial(openOf(64_500, "10.0.0.2"));
    network.run(1);
    expect(kept()).toBe("");
  });

  it.each([
    ["without the N bit", restarting(), ERRORS.administrativeReset, ""],
    ["with the N bit on one side", restarting(true, true), ERRORS.administrativeReset, ""],
  ])("loses them by a NOTIFICATION %s", (_, open, reason, expected) => {
    const config = CONFIG.replace(" neighbor", " no bgp graceful-restart notification\n neighbor");
    const { network, peer, kept } = told(open, config);
    peer.say(encodeNotification(notification(reason)));
    network.run(1);
    expect(kept()).toBe(expected);
  });

  it.each([
    ["a NOTIFICATION with the N bit on both sides", ERRORS.administrativeReset, "1? 2?"],
    ["a Hard Reset", ERRORS.hardReset, ""],
  ])("after %s", (_, reason, expected) => {
    const config = CONFIG.replace(" neighbor", " bgp graceful-restart notification\n neighbor");
    const { network, peer, kept } = told(restarting(true, true), config);
    peer.say(encodeNotification(notification(reason)));
    network.run(1);
    expect(kept()).toBe(expected);
  });

  it("that is back before anybody missed it has restarted all the same", () => {
    const { network, dial, kept } = told(restarting());
    const back = dial(restarting());
    network.run(1);
    expect([kept(), back.take().at(0)]).toEqual(["1? 2?", "open"]);
  });
});
