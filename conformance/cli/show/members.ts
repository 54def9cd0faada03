// What speakers believe of each other.
import { table } from "../output.ts";
import { few } from "../words.ts";
import { secondsWords } from "./layout.ts";
import { type MemberView, type NodeView } from "./node-view.ts";

/** Each member in the eyes of all. */
export function membersSummary(views: readonly NodeView[]): string {
  const names = [...new Set(views.flatMap(({ members }) => members.map(({ name }) => name)))].toSorted();
  if (names.length === 0) return "no speaker is a member yet, or membership is off";
  const rows = names.map((name) => {
    const seen = views.flatMap(({ node, members }) => {
      const member = members.find((each) => each.name === name);
      return [{ node, state: member?.state ?? ("unknown" as const), member }];
    });
    const known = seen.flatMap(({ member }) => member ?? []);
    const alive = seen.filter(({ state }) => state === "alive");
    const others = seen.filter(({ state }) => state !== "alive");
    return [
      name,
      few([...new Set(known.map(({ address }) => address))]),
      few([...new Set(known.map(({ incarnation }) => String(incarnation)))]),
      `${alive.length} of ${seen.length}`,
      few(others.map(({ node, state }) => `${node}: ${state}`)),
    ];
  });
  return table([["MEMBER", "ADDRESS", "INCARNATION", "ALIVE FOR", "NOT FOR"], ...rows]);
}

/** All that one node knows. */
export function membersDetails({ node, now, members }: NodeView): string {
  if (members.length === 0) return `${node}: no members`;
  const rows = members.map(({ name, address, port, state, incarnation, since }: MemberView) => [
    name,
    `${address} port ${port}`,
    state,
    secondsWords(now - since),
    String(incarnation),
  ]);
  return `As ${node} sees it:\n${table([["MEMBER", "ADDRESS", "STATE", "FOR", "INCARNATION"], ...rows])}`;
}
