import { describe, expect, it } from "vitest";
import { type VlanTag } from "../../impl/wire/ethernet.ts";
import { seconds } from "../../impl/wire/time.ts";
import { SWITCH_PROFILES } from "./switch-profile.ts";
import { Lan, PLAIN } from "./test-lan.ts";

describe("Switch", () => {
  it("floods what it does not know and learns from sources", () => {
    const lan = new Lan(PLAIN);
    expect([lan.say("a", "b"), lan.say("b", "a"), lan.say("a", "b"), lan.say("c", "all"), lan.say("a", "c")]).toEqual([
      "b c",
      "a",
      "b",
      "a b",
      "c",
    ]);
    expect(lan.table()).toBe("1/a@to-a 1/b@to-b 1/c@to-c");
  });

  it("keeps a frame from the port that it came from", () => {
    const lan = new Lan(PLAIN);
    lan.say("a", "all");
    lan.say("a", "all", { as: "d" });
    expect(lan.say("a", "d")).toBe("");
  });

  it.each(["01:80:c2:00:00:00", "01:80:c2:00:00:02", "01:80:c2:00:00:0e", "01:80:c2:00:00:0f"])(
    "never forwards to %s",
    (reserved) => {
      const lan = new Lan(PLAIN);
      expect([lan.say("a", reserved), lan.drops()]).toEqual(["", ["dropped at sw:to-a: reserved address"]]);
    },
  );

  it("forwards to the group addresses next to the reserved ones", () => {
    expect(new Lan(PLAIN).say("a", "01:80:c2:00:00:10")).toBe("b c");
  });

  it("drops a multicast source and does not learn it", () => {
    const lan = new Lan(PLAIN);
    expect([lan.say("a", "all", { as: "03:00:00:00:00:01" }), lan.table(), lan.drops()]).toEqual([
      "",
      "",
      ["dropped at sw:to-a: multicast source"],
    ]);
  });

  it("relearns a station that moved, at once", () => {
    const lan = new Lan(PLAIN);
    lan.say("a", "all");
    lan.say("c", "all", { as: "a" });
    expect([lan.say("b", "a"), lan.table()]).toEqual(["c", "1/a@to-c 1/b@to-b"]);
  });

  it("drops silently what is longer than a port's MTU, on the way in and on the way out", () => {
    const lan = new Lan({ a: { mtu: 9000 }, b: { mtu: 9000 }, c: {} });
    expect([
      lan.say("a", "all", { length: 1500 }),
      lan.say("a", "all", { length: 1501 }),
      lan.say("c", "all", { length: 1501 }),
      lan.say("a", "all", { length: 9001 }),
    ]).toEqual(["b c", "b", "", ""]);
    expect(lan.drops()).toEqual([
      "dropped at sw:to-c: longer than the MTU of 1500",
      "dropped at sw:to-c: longer than the MTU of 1500",
      "dropped at sw:to-a: longer than the MTU of 9000",
    ]);
  });

  it("drops what it does not know where unknown unicast is blocked, and floods groups as ever", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["no-unknown-flood"]);
    expect([lan.say("a", "b"), lan.say("b", "a"), lan.say("a", "b"), lan.say("c", "all")]).toEqual([
      "",
      "a",
      "b",
      "a b",
    ]);
    expect(lan.drops()).toEqual(["dropped at sw:to-a: unknown unicast"]);
  });

  it("lets isolated ports reach all ports but isolated ones", () => {
    const lan = new Lan({ a: { isolated: true }, b: { isolated: true }, c: {} });
    expect([lan.say("a", "all"), lan.say("c", "all"), lan.say("b", "a"), lan.say("c", "a")]).toEqual([
      "c",
      "a b",
      "",
      "a",
    ]);
  });

  it("drops a frame that is too short to have a header", () => {
    const lan = new Lan(PLAIN);
    lan.cables.get("a")?.a.transmit(Uint8Array.of(1, 2, 3));
    lan.wait(1);
    expect(lan.drops()).toEqual(["dropped at sw:to-a: runt"]);
  });
});

describe("Switch ageing", () => {
  it("forgets a silent station as Linux was measured to: 23.1 s where 20 s were set", () => {
    const lan = new Lan(PLAIN, { ...SWITCH_PROFILES["linux-bridge"], ageing: seconds(20) });
    lan.until(0.9);
    lan.say("a", "all");
    lan.until(30);
    expect(lan.events()).toEqual([
      "0.900010 sw learned vlan=1 mac=02:00:00:00:00:0a port=to-a",
      "24.000000 sw aged vlan=1 mac=02:00:00:00:00:0a port=to-a",
    ]);
  });

  it("refreshes a station when it is heard, not when it is spoken to", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["hardware-300s"]);
    lan.say("b", "all");
    const heard: string[] = [];
    for (const time of [100, 200, 299, 302]) {
      lan.until(time);
      heard.push(lan.say("a", "b"));
    }
    expect(heard).toEqual(["b", "b", "b", "b c"]);
    lan.say("b", "all");
    lan.until(601);
    expect(lan.table()).toBe("1/a@to-a 1/b@to-b");
  });

  it("forgets the stations of a port 0.51 s after its carrier went, as Linux was measured to", () => {
    const lan = new Lan(PLAIN);
    for (const name of ["a", "b"]) lan.say(name, "all");
    lan.until(1);
    lan.cables.get("a")?.setUp(false);
    lan.until(1.5);
    expect([lan.say("b", "a"), lan.drops().at(-1)]).toEqual(["", "dropped on the way to a:eth0: no carrier"]);
    expect([lan.say("b", "all"), lan.drops().length]).toEqual(["c", 1]);
    lan.until(1.52);
    expect([lan.events().at(-1), lan.say("b", "a")]).toEqual([
      "1.510000 sw flushed vlan=1 mac=02:00:00:00:00:0a port=to-a",
      "c",
    ]);
  });

  it("forgets nothing when the carrier is back before the flush", () => {
    const lan = new Lan(PLAIN);
    lan.say("a", "all");
    lan.cables.get("a")?.setUp(false);
    lan.wait(0.3);
    lan.cables.get("a")?.setUp(true);
    lan.wait(1);
    expect(lan.table()).toBe("1/a@to-a");
  });

  it("forgets within 15 s while a topology change is in force, and takes its time again afterwards", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["hardware-300s"]);
    lan.say("a", "all");
    lan.until(100);
    lan.say("b", "all");
    lan.sw.topologyChange();
    lan.until(114);
    expect(lan.table()).toBe("1/b@to-b");
    lan.until(116);
    expect(lan.table()).toBe("");
    lan.until(130);
    lan.say("a", "all");
    lan.until(160);
    expect(lan.table()).toBe("1/a@to-a");
  });
});

describe("Switch with move dampening", () => {
  it("does not follow the fifth move in 180 s, for 180 s", () => {
    const lan = new Lan(PLAIN, SWITCH_PROFILES["move-dampening"]);
    const ports: string[] = [];
    for (const port of ["a", "b", "a", "b", "a", "b", "b"]) {
      lan.say(port, "all", { as: "d" });
      ports.push(lan.table());
    }
    expect(ports).toEqual(["a", "b", "a", "b", "a", "a", "a"].map((port) => `1/d@to-${port}`));
    lan.wait(180);
    lan.say("b", "all", { as: "d" });
    expect(lan.table()).toBe("1/d@to-b");
  });
});

describe("Switch VLANs", () => {
  const PORTS = {
    a: { vlans: { kind: "access", vlan: 10 } },
    b: { vlans: { kind: "access", vlan: 20 } },
    c: { vlans: { kind: "trunk", native: 20, allowed: [10, 20] } },
    d: { vlans: { kind: "trunk" } },
  } as const;
  const tag = (id: number): { vlan: VlanTag } => ({ vlan: { priority: 0, id } });

  it.each([
    { what: "untagged on access", from: "a", options: {}, heard: "c<10 d<10" },
    { what: "to the native VLAN untagged", from: "b", options: {}, heard: "c d<20" },
    { what: "tagged on a trunk", from: "c", options: tag(10), heard: "a d<10" },
    { what: "untagged on a trunk is native", from: "c", options: {}, heard: "b d<20" },
    { what: "priority tag is no tag", from: "a", options: tag(0), heard: "c<10 d<10" },
    { what: "not allowed on the trunk", from: "c", options: tag(30), heard: "" },
    { what: "unknown elsewhere", from: "d", options: tag(30), heard: "" },
    { what: "untagged without a native VLAN", from: "d", options: {}, heard: "" },
    { what: "foreign tag on access", from: "a", options: tag(20), heard: "" },
  ])("$what: heard by '$heard'", ({ from, options, heard }) => {
    expect(new Lan(PORTS).say(from, "all", options)).toBe(heard);
  });

  it("learns per VLAN", () => {
    const lan = new Lan(PORTS);
    lan.say("d", "all", tag(10));
    expect([lan.say("a", "d"), lan.say("b", "d")]).toEqual(["d<10", "c d<20"]);
  });

  it("keeps the priority of a tag, also of one that named no VLAN", () => {
    const lan = new Lan(PORTS);
    expect([
      lan.say("c", "all", { vlan: { priority: 5, id: 10 } }),
      lan.say("a", "all", { vlan: { priority: 5, id: 0 } }),
    ]).toEqual(["a d<10p5", "c<10p5 d<10p5"]);
  });
});
