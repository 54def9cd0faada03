// Who answers for which address on which interfaces.
import { compareIp } from "../../../impl/wire/ip.ts";
import { table } from "../output.ts";
import { few } from "../words.ts";
import { secondsWords } from "./layout.ts";
import { type NodeView } from "./node-view.ts";

const SILENT = {
  probing: "not yet: asks whether it is free",
  held: "no: others may own it by now",
} as const;

export function layer2Summary(views: readonly NodeView[]): string {
  const all = views.flatMap(({ node, now, addresses }) => addresses.map((address) => ({ node, now, ...address })));
  if (all.length === 0) return "no node answers for an address on Layer 2";
  const rows = all
    .toSorted((a, b) => compareIp(a.ip, b.ip) || (a.node < b.node ? -1 : 1))
    .map(({ node, now, ip, services, links, since, silent }) => [
      ip,
      node,
      few(links) || "none",
      secondsWords(now - since),
      silent === undefined ? "yes" : SILENT[silent],
      few(services),
    ]);
  return table([["ADDRESS", "NODE", "INTERFACES", "FOR", "ANSWERS", "SERVICES"], ...rows]);
}
