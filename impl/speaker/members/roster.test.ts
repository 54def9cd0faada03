import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIp } from "../../wire/ip.ts";
import { type Micros, micros, seconds } from "../../wire/time.ts";
import { LAN } from "./config.ts";
import { Members } from "./members.ts";
import { Roster, type RosterEvent } from "./roster.ts";

const SELF = "self";
const endpoint = { ip: parseIp("192.0.2.1"), port: 7946 };
const random = { next: () => 0.5 };

type News =
  | readonly ["alive" | "suspect" | "dead" | "left", incarnation: number]
  | readonly ["aliveElsewhere", incarnation: number]
  | readonly ["wait", count: number];

/** What this node believes of node b after some news, and what it said about it. */
function after(...news: readonly News[]): string {
  const roster = new Roster(SELF, endpoint, LAN, random, micros(0));
  let now: Micros = micros(0);
  const events: RosterEvent[] = [];
  for (const [kind, number] of news) {
    if (kind === "wait") {
      now = micros(now + seconds(number));
      roster.expire(now);
    } else if (kind === "alive" || kind === "aliveElsewhere") {
      const address = parseIp(kind === "alive" ? "192.0.2.2" : "192.0.2.3");
      const parts = { address, port: 7946, meta: new Uint8Array(0), versions: [1, 5, 2, 0, 0, 0] };
      roster.hearAlive({ kind: "alive", node: "b", incarnation: number, ...parts }, now);
    } else if (kind === "suspect") {
      roster.hearSuspect({ kind, node: "b", from: "c", incarnation: number }, now);
    } else {
      roster.hearDead({ kind: "dead", node: "b", from: kind === "left" ? "b" : "c", incarnation: number }, now);
    }
    events.push(...roster.takeEvents());
  }
  const known = roster.get("b");
  const belief = known === undefined ? "unknown" : `${known.state} ${known.incarnation}`;
  return `${belief}: ${events.map((event) => event.kind).join(" ")}`;
}

it("takes in nobody whose name or data no packet could carry on, nor more members than a cluster can have", () => {
  const roster = new Roster(SELF, endpoint, LAN, random, micros(0));
  const hear = (node: string, meta = 0): void => {
    const parts = { incarnation: 1, address: parseIp("192.0.2.2"), port: 7946, versions: [1, 5, 2, 0, 0, 0] };
    roster.hearAlive({ kind: "alive", node, meta: new Uint8Array(meta), ...parts }, micros(0));
  };
  hear("n".repeat(254));
  hear("fat", 513);
  expect(roster.size).toBe(1);
  for (let index = 0; index < 20_100; index++) hear(`n${index}`);
  expect(roster.size).toBe(20_000);
});

describe("news about another member (memberlist state_test.go)", () => {
  const rows: readonly (readonly [name: string, news: readonly News[], belief: string])[] = [
    ["a new node joins", [["alive", 1]], "alive 1: joined"],
    ["suspicion of a stranger is nothing", [["suspect", 1]], "unknown: "],
    ["death of a stranger is nothing", [["dead", 1]], "unknown: "],
    [
      "old suspicion is ignored",
      [
        ["alive", 3],
        ["suspect", 2],
      ],
      "alive 3: joined",
    ],
    [
      "suspicion of this incarnation counts",
      [
        ["alive", 3],
        ["suspect", 3],
      ],
      "suspect 3: joined suspected",
    ],
    [
      "a second one confirms it and is no event",
      [
        ["alive", 3],
        ["suspect", 3],
        ["suspect", 3],
      ],
      "suspect 3: joined suspected",
    ],
    [
      "the same incarnation does not refute",
      [
        ["alive", 3],
        ["suspect", 3],
        ["alive", 3],
      ],
      "suspect 3: joined suspected",
    ],
    [
      "a higher one does",
      [
        ["alive", 3],
        ["suspect", 3],
        ["alive", 4],
      ],
      "alive 4: joined suspected",
    ],
    [
      "a suspicion runs out after four seconds",
      [
        ["alive", 1],
        ["suspect", 1],
        ["wait", 3.9],
      ],
      "suspect 1: joined suspected",
    ],
    [
      "and then it is dead",
      [
        ["alive", 1],
        ["suspect", 1],
        ["wait", 4],
      ],
      "dead 1: joined suspected left",
    ],
    [
      "a refuted suspicion does not run out",
      [
        ["alive", 1],
        ["suspect", 1],
        ["alive", 2],
        ["wait", 9],
      ],
      "alive 2: joined suspected",
    ],
    [
      "old death is ignored",
      [
        ["alive", 3],
        ["dead", 2],
      ],
      "alive 3: joined",
    ],
    [
      "death counts once",
      [
        ["alive", 3],
        ["dead", 3],
        ["dead", 3],
      ],
      "dead 3: joined left",
    ],
    [
      "the dead are not suspected",
      [
        ["alive", 3],
        ["dead", 3],
        ["suspect", 3],
      ],
      "dead 3: joined left",
    ],
    [
      "the dead return with a higher incarnation only",
      [
        ["alive", 3],
        ["dead", 3],
        ["alive", 3],
      ],
      "dead 3: joined left",
    ],
    [
      "the dead return",
      [
        ["alive", 3],
        ["dead", 3],
        ["alive", 4],
      ],
      "alive 4: joined left joined",
    ],
    [
      "who leaves by itself has left",
      [
        ["alive", 3],
        ["left", 3],
      ],
      "left 3: joined left",
    ],
    [
      "another node with its name is not believed",
      [
        ["alive", 3],
        ["aliveElsewhere", 9],
      ],
      "alive 3: joined nameConflict",
    ],
    [
      "unless it had left",
      [
        ["alive", 3],
        ["left", 3],
        ["aliveElsewhere", 1],
      ],
      "alive 1: joined left joined",
    ],
    [
      "or has been dead for as long as gossip still reaches it",
      [
        ["alive", 3],
        ["dead", 3],
        ["wait", 29],
        ["aliveElsewhere", 1],
        ["wait", 2],
        ["aliveElsewhere", 1],
      ],
      "alive 1: joined left nameConflict joined",
    ],
  ];
  it.each(rows)("%s", (_name, news, belief) => {
    expect(after(...news)).toBe(belief);
  });
});

describe("news about this node", () => {
  it("is refuted with a higher incarnation, which makes it doubt its own health", () => {
    const roster = new Roster(SELF, endpoint, LAN, random, micros(0));
    roster.hearSuspect({ kind: "suspect", node: SELF, from: "c", incarnation: 1 }, micros(0));
    roster.hearDead({ kind: "dead", node: SELF, from: "c", incarnation: 7 }, micros(0));
    const parts = { address: endpoint.ip, port: 7946, meta: new Uint8Array(0), versions: [1, 5, 2, 0, 0, 0] };
    roster.hearAlive({ kind: "alive", node: SELF, incarnation: 9, ...parts }, micros(0));
    roster.hearAlive({ kind: "alive", node: SELF, incarnation: 10, ...parts }, micros(0));
    expect(roster.takeEvents()).toEqual([
      { kind: "refuted", incarnation: 2 },
      { kind: "refuted", incarnation: 8 },
      { kind: "refuted", incarnation: 10 },
    ]);
    expect(roster.awareness.score).toBe(3);
  });
});

describe("whatever arrives", () => {
  it("from a datagram or a stream, nothing is thrown", () => {
    const from = { ip: parseIp("192.0.2.66"), port: 40_000 };
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 8 }), (pieces) => {
        const members = new Members({ name: SELF, endpoint, config: LAN, random }, micros(0));
        members.start();
        members.handle({ kind: "accepted", listener: "members", stream: "s", from }, micros(0));
        for (const bytes of pieces) {
          members.handle({ kind: "datagram", socket: "members", from, bytes }, micros(0));
          members.handle({ kind: "streamData", stream: "s", bytes }, micros(0));
        }
        members.handle({ kind: "streamClosed", stream: "s", because: "end" }, micros(0));
        expect([...members.live()]).toEqual([SELF]);
      }),
    );
  });
});
