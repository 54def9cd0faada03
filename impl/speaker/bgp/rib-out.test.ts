import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { community, largeCommunity } from "../../wire/bgp/communities.ts";
import { decodeMessage } from "../../wire/bgp/message.ts";
import { parseIp, parseIpv6 } from "../../wire/ip.ts";
import { parsePrefix, type Prefix } from "../../wire/prefix.ts";
import { micros, millis, seconds } from "../../wire/time.ts";
import { type OutSession, RibOut } from "./rib-out.ts";
import { type Route } from "./route.ts";
import { type Negotiated } from "./session/negotiation.ts";
import { BOTH, DUAL, inWords, outSession as session } from "./test-peer.ts";

const NOW = seconds(1);

const route = (parts: Partial<Route> = {}): Route => ({
  localPref: 0,
  communities: [],
  largeCommunities: [],
  multiExitDisc: undefined,
  prepend: 0,
  gracefulShutdown: false,
  ...parts,
});

const prefix = (text: string): Prefix => parsePrefix(text);

const taken = (rib: RibOut, internal = false, now = NOW): readonly string[] =>
  rib.take(now).messages.map((message) => inWords(message, internal));

describe("the difference between what a peer knows and what it shall know", () => {
  it("is everything and the End-of-RIB behind it when the session comes up", () => {
    const rib = new RibOut();
    rib.set(prefix("198.51.100.1/32"), route());
    rib.set(prefix("198.51.100.2/32"), route());
    expect(taken(rib)).toEqual([]);
    rib.up(session(), NOW);
    expect(taken(rib)).toEqual(["announce 198.51.100.1/32 198.51.100.2/32 via 192.0.2.1, path 64512", "end 1"]);
    expect(taken(rib)).toEqual([]);
  });

  it("is one message for one change, and none for none", () => {
    const rib = new RibOut();
    rib.up(session(), NOW);
    rib.set(prefix("198.51.100.1/32"), route());
    taken(rib);
    rib.set(prefix("198.51.100.1/32"), route());
    expect(taken(rib)).toEqual([]);
    rib.set(prefix("198.51.100.1/32"), route({ communities: [community(64512, 7)] }));
    expect(taken(rib)).toEqual(["announce 198.51.100.1/32 via 192.0.2.1, path 64512, 64512:7"]);
    rib.set(prefix("198.51.100.1/32"), undefined);
    expect(taken(rib)).toEqual(["withdraw 198.51.100.1/32"]);
    rib.set(prefix("198.51.100.1/32"), undefined);
    expect(taken(rib)).toEqual([]);
  });

  it("is nothing where a route came and went unseen", () => {
    const rib = new RibOut();
    rib.up(session(), NOW);
    taken(rib);
    rib.set(prefix("198.51.100.1/32"), route());
    rib.set(prefix("198.51.100.1/32"), undefined);
    expect(taken(rib)).toEqual([]);
  });

  it("is everything again after a reconnect, without what went in between", () => {
    const rib = new RibOut();
    rib.up(session(), NOW);
    rib.set(prefix("198.51.100.1/32"), route());
    rib.set(prefix("198.51.100.2/32"), route());
    taken(rib);
    rib.down();
    rib.set(prefix("198.51.100.1/32"), undefined);
    rib.up(session(), NOW);
    expect(taken(rib)).toEqual(["announce 198.51.100.2/32 via 192.0.2.1, path 64512", "end 1"]);
  });

  it("withdraws 30,000 routes in messages that are legal, and leaves the others alone", () => {
    const rib = new RibOut();
    rib.up(session(), NOW);
    const many = Array.from({ length: 30_000 }, (_, at) => prefix(`10.${at >> 16}.${(at >> 8) & 255}.${at & 255}/32`));
    for (const each of many) rib.set(each, route());
    rib.set(prefix("198.51.100.1/32"), route());
    taken(rib);
    for (const each of many) rib.set(each, undefined);
    const messages = rib.take(NOW).messages.map((bytes) => inWords(bytes));
    // RFC 4271 section 4.3: 23 bytes of frame, five for each prefix of 32 bits: 814 in 4,096 bytes.
    expect(messages).toHaveLength(Math.ceil(30_000 / 814));
    expect(messages.join(" ").match(/\/32/g)).toHaveLength(30_000);
    expect(messages.join(" ")).not.toContain("198.51.100.1");
    expect(rib.announced).toBe(1);
  });
});

describe("how a route is told", () => {
  const told = (out: OutSession, text: string, what: Route): string => {
    const rib = new RibOut();
    rib.up(out, NOW);
    rib.set(prefix(text), what);
    return taken(rib, out.negotiated.internal)[0] ?? "";
  };
  const full = route({
    localPref: 300,
    communities: [community(64512, 1)],
    largeCommunities: [largeCommunity(64512, 1, 2)],
    multiExitDisc: 50,
    prepend: 2,
  });
  it.each([
    ["to another AS", session(), "path 64512 64512 64512, med 50, 64512:1 64512:1:2"],
    ["within the AS", session({ internal: true }), "path , pref 300, med 50, 64512:1 64512:1:2"],
  ])("%s", (_, out, expected) => {
    expect(told(out, "198.51.100.1/32", full)).toBe(`announce 198.51.100.1/32 via 192.0.2.1, ${expected}`);
  });

  it("within the AS a preference is needed: 100 (RFC 4271 section 5.1.5)", () => {
    expect(told(session({ internal: true }), "198.51.100.1/32", route())).toContain("pref 100");
  });

  it("each family by its own next hop, or not at all", () => {
    const both = session({ families: BOTH }, DUAL);
    expect(told(both, "2001:db8:1::1/128", route())).toContain("via 2001:db8::1");
    expect(told(both, "198.51.100.1/32", route())).toContain("via 192.0.2.1");
    expect(told(session({ families: BOTH }), "2001:db8:1::1/128", route())).toBe("end 1");
    expect(told(session(), "2001:db8:1::1/128", route())).toBe("end 1");
  });

  it("IPv4 by an IPv6 next hop, also when it is withdrawn (RFC 8950)", () => {
    const linkLocal = parseIpv6("fe80::1");
    const rib = new RibOut();
    rib.up(session({ extendedNextHop: true }, { ipv4: { nextHop: parseIp("2001:db8::1"), linkLocal } }), NOW);
    rib.set(prefix("198.51.100.1/32"), route());
    expect(taken(rib)[0]).toBe("announce 198.51.100.1/32 via 2001:db8::1 and fe80::1, path 64512");
    rib.set(prefix("198.51.100.1/32"), undefined);
    const [bytes = new Uint8Array()] = rib.take(NOW).messages;
    // No prefixes in the field that RFC 4271 has for them; attribute 15 instead.
    expect([bytes[19], bytes[20], bytes[24]]).toEqual([0, 0, 15]);
  });

  it("not, where its attributes fill the message; what the peer had is taken back", () => {
    const rib = new RibOut();
    rib.up(session(), NOW);
    rib.set(prefix("198.51.100.1/32"), route());
    taken(rib);
    const communities = Array.from({ length: 1100 }, (_, at) => community(64512, at));
    rib.set(prefix("198.51.100.1/32"), route({ communities }));
    const { messages, oversized } = rib.take(NOW);
    expect(messages.map((message) => inWords(message))).toEqual(["withdraw 198.51.100.1/32"]);
    expect(oversized).toEqual(["198.51.100.1/32"]);
  });
});

describe("a peer that asks again", () => {
  const asked = (negotiated: Partial<Negotiated>): RibOut => {
    const rib = new RibOut();
    rib.up(session({ families: BOTH, ...negotiated }, DUAL), NOW);
    rib.set(prefix("198.51.100.1/32"), route());
    rib.set(prefix("2001:db8:1::1/128"), route());
    taken(rib);
    return rib;
  };
  it("gets the routes of that family", () => {
    const rib = asked({});
    rib.refresh("ipv4");
    expect(taken(rib)).toEqual(["announce 198.51.100.1/32 via 192.0.2.1, path 64512"]);
  });

  it("hears where they begin and end, if it knows RFC 7313", () => {
    const rib = asked({ enhancedRouteRefresh: true });
    rib.refresh("ipv6");
    expect(taken(rib)).toEqual([
      "beginningOfRefresh 2",
      "announce 2001:db8:1::1/128 via 2001:db8::1, path 64512",
      "endOfRefresh 2",
    ]);
  });

  it("a thousand times a second is answered once a second", () => {
    const rib = asked({});
    let messages = 0;
    for (let at = 0; at < 3000; at++) {
      rib.refresh("ipv4");
      messages += rib.take(millis(1000 + at)).messages.length;
    }
    expect(messages).toBe(3);
    expect(rib.deadline()).toBe(seconds(4));
  });
});

it("after any history the peer has what it shall have (a model of RFC 4271 section 9.2)", () => {
  const prefixes = ["198.51.100.1/32", "198.51.100.2/32", "10.0.0.0/8", "2001:db8::1/128"].map(prefix);
  const routes = [undefined, route(), route({ communities: [community(1, 1)] }), route({ multiExitDisc: 5 })];
  const action = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(fc.constant("set" as const), fc.constantFrom(...prefixes), fc.constantFrom(...routes)),
    },
    { weight: 3, arbitrary: fc.constant(["take"] as const) },
    { weight: 1, arbitrary: fc.constant(["bounce"] as const) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("refresh" as const), fc.constantFrom(...BOTH)) },
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const rib = new RibOut();
      const wanted = new Map<Prefix, Route>();
      const peer = new Map<Prefix, string>();
      let now = micros(0);
      const hear = (): void => {
        now = micros(now + 700_000);
        for (const bytes of rib.take(now).messages) {
          const message = decodeMessage(bytes, { asSize: 4, internal: false, families: BOTH });
          if (message.kind !== "update") continue;
          for (const each of message.withdrawn) expect(peer.delete(each)).toBe(true);
          for (const { prefixes: those, attributes } of message.announced) {
            for (const each of those)
              peer.set(each, `${attributes.communities?.join() ?? ""}/${attributes.multiExitDisc ?? ""}`);
          }
        }
      };
      rib.up(session({ families: BOTH }, DUAL), now);
      for (const each of actions) {
        if (each[0] === "set") {
          rib.set(each[1], each[2]);
          if (each[2] === undefined) wanted.delete(each[1]);
          else wanted.set(each[1], each[2]);
        } else if (each[0] === "refresh") rib.refresh(each[1]);
        else if (each[0] === "take") hear();
        else {
          rib.down();
          peer.clear();
          rib.up(session({ families: BOTH }, DUAL), now);
        }
      }
      hear();
      const expected = [...wanted].map(([key, { communities, multiExitDisc }]) => [
        key,
        `${communities.join()}/${multiExitDisc ?? ""}`,
      ]);
      expect(new Map(peer)).toEqual(new Map(expected as [Prefix, string][]));
      expect(rib.announced).toBe(wanted.size);
    }),
  );
});

describe("what annotations say of a route", () => {
  const told = (parts: Partial<Route>, internal: boolean): readonly string[] => {
    const rib = new RibOut();
    rib.up(session({ internal, families: ["ipv4"] }), NOW);
    rib.set(prefix("198.51.100.1/32"), route(parts));
    return taken(rib, internal);
  };

  // RFC 8326 section 4.2: GRACEFUL_SHUTDOWN is 65535:0; within the AS, LOCAL_PREF should be 0.
  it.each<readonly [string, Partial<Route>, boolean, string]>([
    ["MED", { multiExitDisc: 0 }, false, "path 64512, med 0"],
    ["MED within the AS", { multiExitDisc: 50 }, true, "path , pref 100, med 50"],
    ["a longer path", { prepend: 2 }, false, "path 64512 64512 64512"],
    ["no path within the AS", { prepend: 2 }, true, "path , pref 100"],
    ["graceful shutdown", { gracefulShutdown: true }, false, "path 64512, 65535:0"],
    ["graceful shutdown within the AS", { gracefulShutdown: true, localPref: 7 }, true, "path , pref 0, 65535:0"],
    [
      "its community among others",
      { gracefulShutdown: true, communities: [community(1, 1), community(65535, 65281)] },
      false,
      "path 64512, 1:1 65535:0 65535:65281",
    ],
  ])("%s", (_, parts, internal, expected) => {
    expect(told(parts, internal)).toContain(`announce 198.51.100.1/32 via 192.0.2.1, ${expected}`);
  });
});
